package wire

import (
	"encoding/binary"
	"errors"
	"testing"
)

func TestCursorReads(t *testing.T) {
	data := []byte{1, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 'h', 'i', 0}
	c := New("x", binary.LittleEndian, data)
	if got := [...]uint64{uint64(c.U8()), uint64(c.U16()), uint64(c.U32()), c.U64()}; got != [...]uint64{1, 2, 3, 4} {
		t.Errorf("read %v", got)
	}
	if s := string(c.CString()); s != "hi" || c.Len() != 0 || c.Err() != nil {
		t.Errorf("string %q, %d left, %v", s, c.Len(), c.Err())
	}
	if v := New("x", binary.BigEndian, data[1:3]).U16(); v != 0x200 {
		t.Errorf("big endian U16 = %#x", v)
	}
}

func TestCursorFirstErrorSticks(t *testing.T) {
	c := NewAt(".BTF", binary.LittleEndian, []byte{1, 2, 3, 4, 5, 6}, 0x10)
	c.U32()
	if v := c.U32(); v != 0 {
		t.Errorf("read past the end gives %d", v)
	}
	c.Fail(errors.New("later"))
	if b := c.Bytes(1); b != nil {
		t.Errorf("read after a failure gives %v", b)
	}
	var e *Error
	if !errors.As(c.Err(), &e) || e.Section != ".BTF" || e.Offset != 0x14 || !errors.Is(e, ErrTruncated) {
		t.Fatalf("error %v", c.Err())
	}
	if got, want := e.Error(), ".BTF+0x14: data ends too early"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}

func TestCursorHostileSizes(t *testing.T) {
	for name, f := range map[string]func(c *Cursor){
		"huge bytes":    func(c *Cursor) { c.Bytes(1<<64 - 1) },
		"huge skip":     func(c *Cursor) { c.Skip(1 << 63) },
		"product wraps": func(c *Cursor) { c.Fits(1<<63, 2) },
		"too many":      func(c *Cursor) { c.Fits(5, 1) },
		"no NUL":        func(c *Cursor) { c.CString() },
		"sub wraps":     func(c *Cursor) { c.Sub(2, 1<<64-1) },
		"sub past end":  func(c *Cursor) { c.Sub(5, 0) },
	} {
		c := New("x", binary.LittleEndian, []byte{1, 2, 3, 4})
		if f(c); c.Err() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	c := New("x", binary.LittleEndian, []byte{1, 2, 3, 4})
	if !c.Fits(2, 2) || !c.Fits(0, 1<<63) || c.Err() != nil {
		t.Errorf("what fits is refused: %v", c.Err())
	}
}

func TestCursorSub(t *testing.T) {
	c := NewAt("x", binary.LittleEndian, []byte{1, 2, 3, 4}, 8)
	s := c.Sub(1, 2)
	if s.Offset() != 9 || s.U16() != 0x302 {
		t.Errorf("sub cursor is elsewhere")
	}
	var e *Error
	if s.U8(); !errors.As(s.Err(), &e) || e.Offset != 11 || c.Err() != nil {
		t.Errorf("sub reads past its end: %v, parent %v", s.Err(), c.Err())
	}
	if c.Sub(4, 1); c.Sub(0, 1).Err() == nil {
		t.Errorf("sub of a failed cursor has no error")
	}
}
