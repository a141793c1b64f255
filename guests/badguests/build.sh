#!/bin/sh
# Builds the plugins that misbehave, for the scripts in testdata/script.
# Usage: guests/badguests/build.sh [OUTDIR]; without OUTDIR they are written beside their sources.
# Needs clang-19 and lld-19 (another version: CLANG=clang-20 …).
set -eu
cd "$(dirname "$0")"
out=${1:-.}
clang=${CLANG:-clang-19}
lld=${WASM_LD:-wasm-ld-19}

mkdir -p "$out"
for src in *.c; do
	$clang --target=wasm32 -Os -Wall -Wextra -Werror -ffreestanding -nostdlib -I../sdk/c \
		-fuse-ld="$(command -v "$lld")" -Wl,--no-entry -Wl,--strip-debug -Wl,-z,stack-size=4096 \
		-o "$out/${src%.c}.wasm" "$src"
done
