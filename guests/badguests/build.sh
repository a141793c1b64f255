#!/bin/sh
# Builds the plugins that misbehave, for the scripts in testdata/script.
# Usage: guests/badguests/build.sh [OUTDIR]; without OUTDIR they are written beside their sources.
# Needs clang-19 and lld-19 (another version: CLANG=clang-20 …).
set -eu
cd "$(dirname "$0")"
out=${1:-.}
clang=${CLANG:-clang-19}
lld=${WASM_LD:-wasm-ld-19}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$out"
# Compile and link in two steps: a clang that links runs wasm-opt wherever that is installed.
for src in *.c; do
	$clang --target=wasm32 -Os -Wall -Wextra -Werror -ffreestanding -nostdlib -I../sdk/c \
		-c -o "$work/guest.o" "$src"
	$lld --no-entry --strip-debug -z stack-size=4096 -o "$out/${src%.c}.wasm" "$work/guest.o"
done
