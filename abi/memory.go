package abi

import (
	"encoding/binary"
	"unicode/utf8"
)

// Longest texts, in bytes.
const (
	MaxName = 255
	MaxLine = 4095
)

// CheckName returns 0 for a name and ErrInval for anything else: UTF-8, at most MaxName bytes, no
// control characters. It may be empty; whether that makes sense is up to the call.
func CheckName(b []byte) Errno { return checkLine(b, MaxName) }

// CheckLine is CheckName for one line of text: at most MaxLine bytes.
func CheckLine(b []byte) Errno { return checkLine(b, MaxLine) }

func checkLine(b []byte, most int) Errno {
	if len(b) > most || !utf8.Valid(b) {
		return ErrInval
	}
	for i, c := range b {
		// U+0080 to U+009F are controls too; in UTF-8 they start with 0xC2.
		if c < 0x20 || c == 0x7f || c == 0xc2 && b[i+1] < 0xa0 {
			return ErrInval
		}
	}
	return 0
}

// CheckText returns 0 for UTF-8 without NUL, else ErrInval.
func CheckText(b []byte) Errno {
	if !utf8.Valid(b) {
		return ErrInval
	}
	for _, c := range b {
		if c == 0 {
			return ErrInval
		}
	}
	return 0
}

// CopyOut answers a call with an Out buffer: value is written if all of it fits, and its length is
// the result either way.
func CopyOut(out, value []byte) int32 {
	if len(value) <= len(out) {
		copy(out, value)
	}
	return int32(len(value))
}

// CopyRecord answers a call with an OutRecord: as much of the record as fits, its size field saying
// how much that is. A buffer smaller than least, the size of the record in minor version 0, is
// -ErrInval.
func CopyRecord(out, record []byte, least int) int32 {
	if len(out) < least {
		return -int32(ErrInval)
	}
	n := copy(out, record)
	binary.LittleEndian.PutUint32(out, uint32(n))
	return int32(n)
}

// ReadRecord copies an InRecord from guest memory to dst, whose length is the size that this
// version knows. A shorter one is filled with zero; a longer one must have a tail of zeros, else it
// is ErrToobig. The size field has to agree with the length of b: ErrInval.
func ReadRecord(dst, b []byte) Errno {
	if len(b) < 4 || binary.LittleEndian.Uint32(b) != uint32(len(b)) {
		return ErrInval
	}
	n := copy(dst, b)
	clear(dst[n:])
	for _, c := range b[n:] {
		if c != 0 {
			return ErrToobig
		}
	}
	return 0
}
