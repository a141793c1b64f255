//go:build amd64 || arm64 || loong64 || mips64 || mips64le || ppc64 || ppc64le || riscv64 || s390x || wasm

package sys

import "unsafe"

// Pointer is a pointer in an attribute, always 64 bits wide. The garbage collector sees it.
type Pointer struct{ p unsafe.Pointer }
