//go:build 386 || arm || mipsle

package sys

import "unsafe"

// Pointer is a pointer in an attribute, always 64 bits wide. The garbage collector sees it.
type Pointer struct {
	p unsafe.Pointer
	_ uint32
}
