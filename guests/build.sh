#!/bin/sh
# Builds the committed binaries: the eBPF objects and the plugins written in C.
# Usage: guests/build.sh [OUTDIR]; without OUTDIR they are written beside their sources.
# Needs clang-19, lld-19, llvm-19 and libbpf-dev (another version: CLANG=clang-20 …).
set -eu
cd "$(dirname "$0")"
out=${1:-.}
clang=${CLANG:-clang-19}
strip=${LLVM_STRIP:-llvm-strip-19}
lld=${WASM_LD:-wasm-ld-19}
arch=$(uname -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in pktguard execwatch netwatch; do
	mkdir -p "$out/$name"
	$clang -O2 -g -Wall -Werror -target bpf -mcpu=v3 -I"/usr/include/$arch-linux-gnu" \
		-fdebug-compilation-dir=. -c "$name/bpf/$name.bpf.c" -o "$out/$name/$name.bpf.o"
	$strip -g "$out/$name/$name.bpf.o"
done
# Compile and link in two steps: a clang that links runs wasm-opt wherever that is installed.
for name in quickstart pktguard execwatch; do
	mkdir -p "$out/$name"
	$clang --target=wasm32 -std=c23 -Os -Wall -Wextra -Werror -ffreestanding -nostdlib -Isdk/c \
		-c -o "$work/$name.o" "$name/c/main.c"
	$lld --no-entry --strip-debug -z stack-size=16384 -o "$out/$name/$name.wasm" "$work/$name.o"
	chmod 644 "$out/$name/$name.wasm"
done
