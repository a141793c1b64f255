package sandbox

import (
	"fmt"
	"unicode/utf8"
)

// reader reads a part of a module. It trusts no number: nothing is read past end, and the first
// error sticks, so that callers check it once per item.
type reader struct {
	b        []byte // the whole module
	pos, end int    // the part, as offsets into b
	section  string // for errors
	err      *Reject
}

// fail records the first error with its place.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = reject("not a valid module: %s, offset %d: %s", r.section, r.pos, fmt.Sprintf(format, args...))
	}
}

// left returns how many bytes the part still has; zero after an error.
func (r *reader) left() int {
	if r.err != nil {
		return 0
	}
	return r.end - r.pos
}

// skip passes over n bytes.
func (r *reader) skip(n uint32) {
	if uint64(n) > uint64(r.left()) {
		r.fail("%d bytes are announced, %d are left", n, r.left())
		return
	}
	r.pos += int(n)
}

// u8 reads a byte.
func (r *reader) u8() uint8 {
	if r.left() < 1 {
		r.fail("ends in the middle")
		return 0
	}
	r.pos++
	return r.b[r.pos-1]
}

// u32 reads an unsigned LEB128 number of at most 32 bits.
func (r *reader) u32() uint32 {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		c := r.u8()
		if shift == 28 && c > 0x0f {
			break
		}
		v |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail("number does not fit 32 bits")
	return 0
}

// skipSigned passes over a signed LEB128 number of at most size bytes. The value is the runtime's
// business, only its length counts here.
func (r *reader) skipSigned(size int) {
	for range size {
		if r.u8() < 0x80 {
			return
		}
	}
	r.fail("number is too long")
}

// count reads the length of a vector. Every item takes at least itemSize bytes, so a length beyond
// the rest of the part is a lie that must not reach an allocator.
func (r *reader) count(what string, itemSize, limit int) int {
	n := r.u32()
	switch {
	case r.err != nil:
		return 0
	case uint64(n)*uint64(itemSize) > uint64(r.left()):
		r.fail("%d %s are announced, %d bytes are left", n, what, r.left())
		return 0
	case uint64(n) > uint64(limit):
		r.fail("%d %s, the limit is %d", n, what, limit)
		return 0
	}
	return int(n)
}

// name reads a string, which must be UTF-8.
func (r *reader) name() string {
	n := r.u32()
	from := r.pos
	r.skip(n)
	if r.err != nil {
		return ""
	}
	s := string(r.b[from:r.pos])
	if !utf8.ValidString(s) {
		r.fail("name is not UTF-8")
		return ""
	}
	return s
}

// types reads a vector of value types.
func (r *reader) types(what string, limit int) []ValueType {
	n := r.count(what, 1, limit)
	if n == 0 {
		return nil
	}
	list := make([]ValueType, n)
	for i := range list {
		list[i] = r.valueType()
	}
	return list
}

// valueType reads one value type of WebAssembly 2.0.
func (r *reader) valueType() ValueType {
	t := r.u8()
	if r.err == nil && typeName(t) == "unknown" {
		r.fail("unknown value type 0x%02x", t)
	}
	return ValueType(t)
}

// sub takes the next n bytes as a part of its own.
func (r *reader) sub(section string, n uint32) reader {
	from := r.pos
	r.skip(n)
	return reader{b: r.b, pos: from, end: r.pos, section: section, err: r.err}
}

// close checks that a part was read to its end and hands its error to r.
func (r *reader) close(part *reader) {
	if part.left() > 0 {
		part.fail("%d bytes are left over", part.left())
	}
	r.err = part.err
}
