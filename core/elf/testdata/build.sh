#!/bin/sh
# Builds the objects of this directory with clang-19; see README.md. Usage: build.sh [output directory]
set -eu
cd "$(dirname "$0")"
out=${1:-.}
mkdir -p "$out/link" "$out/lenient"
build() { # source target flags...
	source=$1 target=$2
	shift 2
	[ -e "$source.c" ] && file=$source.c || file=$source.cc
	clang-19 -O2 "$@" -target "bpf$target" -mcpu=v3 -Wall -Werror -fdebug-compilation-dir=. -c "$file" -o "$out/$source-$target.o"
	llvm-strip-19 -g "$out/$source-$target.o"
}
build basic el -g
build basic eb -g
build maps el -g
build core el -g
build guarded el -g
build legacy el
build ops el -g
build tcp el -g
build arena el -g
build cpp el -g -std=c++17 -fno-exceptions -fno-asynchronous-unwind-tables
build link/a el -g
build link/b el -g
build link/same-a el -g
build link/same-b el -g
build lenient/static el -g
build lenient/values el -g
command -v clang-22 >/dev/null || exit 0
for order in el eb; do
	clang-22 -O2 -g -target "bpf$order" -mcpu=v4 -mllvm -bpf-min-jump-table-entries=4 -Wall -Werror -fdebug-compilation-dir=. -c jump.c -o "$out/jump-$order.o"
	llvm-strip-19 -g "$out/jump-$order.o"
done
