package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// The causes that the cursor itself finds.
var (
	ErrTruncated = errors.New("data ends too early")
	ErrCount     = errors.New("count does not fit the data")
	ErrString    = errors.New("string has no end")
)

// Error is a format error: what is wrong, and where.
type Error struct {
	Section string // name of the section or of the whole input
	Offset  uint64 // bytes from the start of that section
	Err     error
}

// Error returns position and cause, for example ".BTF+0x18: data ends too early".
func (e *Error) Error() string {
	return fmt.Sprintf("%s+%#x: %v", e.Section, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Cursor reads forward through bytes. After a failure every read returns zeroes, and Err the first
// error.
type Cursor struct {
	section string
	order   binary.ByteOrder
	data    []byte
	base    uint64 // offset of data[0] within the section
	pos     int
	err     error
}

// New starts at the first byte of data; section names it in errors.
func New(section string, order binary.ByteOrder, data []byte) *Cursor {
	return &Cursor{section: section, order: order, data: data}
}

// NewAt is New for data that begins base bytes into its section, so that errors have the right
// offset.
func NewAt(section string, order binary.ByteOrder, data []byte, base uint64) *Cursor {
	return &Cursor{section: section, order: order, data: data, base: base}
}

// Err is the first failure, or nil.
func (c *Cursor) Err() error { return c.err }

// Offset is the place of the next byte, counted from the start of the section.
func (c *Cursor) Offset() uint64 { return c.base + uint64(c.pos) }

// Len is the number of bytes left; zero after a failure.
func (c *Cursor) Len() int {
	if c.err != nil {
		return 0
	}
	return len(c.data) - c.pos
}

// Fail records err at the present offset, unless something failed before, and returns the sticky
// error.
func (c *Cursor) Fail(err error) error { return c.FailAt(c.Offset(), err) }

// FailAt is Fail for a place other than the present one, counted from the start of the section.
func (c *Cursor) FailAt(offset uint64, err error) error {
	if c.err == nil {
		c.err = &Error{Section: c.section, Offset: offset, Err: err}
	}
	return c.err
}

// Failf is Fail with a formatted cause; %w works.
func (c *Cursor) Failf(format string, args ...any) error {
	return c.Fail(fmt.Errorf(format, args...))
}

// Bytes returns the next n bytes without copying them, nil when there are fewer.
func (c *Cursor) Bytes(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.data)-c.pos) {
		c.Fail(ErrTruncated)
		return nil
	}
	b := c.data[c.pos : c.pos+int(n) : c.pos+int(n)]
	c.pos += int(n)
	return b
}

// Skip passes over n bytes.
func (c *Cursor) Skip(n uint64) { c.Bytes(n) }

// U8 reads one byte.
func (c *Cursor) U8() uint8 {
	if b := c.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 reads two bytes in the cursor's byte order.
func (c *Cursor) U16() uint16 {
	if b := c.Bytes(2); b != nil {
		return c.order.Uint16(b)
	}
	return 0
}

// U32 reads four bytes in the cursor's byte order.
func (c *Cursor) U32() uint32 {
	if b := c.Bytes(4); b != nil {
		return c.order.Uint32(b)
	}
	return 0
}

// U64 reads eight bytes in the cursor's byte order.
func (c *Cursor) U64() uint64 {
	if b := c.Bytes(8); b != nil {
		return c.order.Uint64(b)
	}
	return 0
}

// CString reads up to and over the next NUL and returns what is before it, without copying.
func (c *Cursor) CString() []byte {
	if c.err != nil {
		return nil
	}
	i := bytes.IndexByte(c.data[c.pos:], 0)
	if i < 0 {
		c.Fail(ErrString)
		return nil
	}
	return c.Bytes(uint64(i) + 1)[:i]
}

// Fits says whether count records of size bytes are left, and fails otherwise. Call it before
// allocating anything for the records.
func (c *Cursor) Fits(count, size uint64) bool {
	if c.err != nil {
		return false
	}
	hi, lo := bits.Mul64(count, size)
	if hi != 0 || lo > uint64(len(c.data)-c.pos) {
		c.Failf("%w: %d records of %d bytes, %d bytes are left", ErrCount, count, size, len(c.data)-c.pos)
		return false
	}
	return true
}

// Sub returns a cursor over n bytes that begin offset bytes into this cursor's data, wherever this
// one stands. Its errors count from the start of the same section. When the bytes are not there,
// both fail.
func (c *Cursor) Sub(offset, n uint64) *Cursor {
	s := &Cursor{section: c.section, order: c.order, base: c.base + offset}
	size := uint64(len(c.data))
	if c.err == nil && (offset > size || n > size-offset) {
		c.FailAt(c.base+min(offset, size), ErrTruncated)
	}
	if c.err != nil {
		s.err = c.err
		return s
	}
	s.data = c.data[offset : offset+n : offset+n]
	return s
}
