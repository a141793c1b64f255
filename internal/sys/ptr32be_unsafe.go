//go:build mips

package sys

import "unsafe"

// Pointer is a pointer in an attribute, always 64 bits wide. The garbage collector sees it.
type Pointer struct {
	_ uint32
	p unsafe.Pointer
}
