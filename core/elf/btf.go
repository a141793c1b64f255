package elf

import (
	"bytes"
	"io"

	"github.com/bpfhost/bpfhost/core/elf/internal/object"
)

// ErrNotObject says that the input is not an eBPF object file at all. The text of the error says
// what it is instead, for example "this is a gzip file: not an eBPF object file".
var ErrNotObject = object.ErrNotObject

// Describe says what a file is by how it begins, "a PNG image"; empty when that is not known.
func Describe(b []byte) string {
	if bytes.HasPrefix(b, []byte("\x7fELF")) {
		return "an ELF file"
	}
	if len(b) == 0 {
		return "an empty file"
	}
	what, _ := object.Describe(b)
	return what
}

// ReadBTF returns the bytes of the sections .BTF and .BTF.base of an ELF file for any machine: an
// eBPF object, a kernel image, a kernel module. What the file does not have is nil. base is the
// distilled base that the types of a module go on from which was built apart from its kernel. Nothing
// else of the file is read, so it may be of any size. The error wraps [ErrNotObject] when the input is
// not an ELF file, and is a format error with section and offset when it is malformed.
func ReadBTF(r io.ReaderAt) (types, base []byte, err error) { return object.ReadBTF(r) }
