package module

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
	err      *Error
}

// fail records the first error with its place.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Section: r.section, Offset: r.pos, Reason: fmt.Sprintf(format, args...)}
	}
}

// exceed records that a limit is exceeded. limit is the name of its field.
func (r *reader) exceed(limit, format string, args ...any) {
	if r.err == nil {
		r.fail(format, args...)
		r.err.Limit = limit
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
	if r.err == nil && r.pos < r.end && r.b[r.pos] < 0x80 {
		r.pos++
		return uint32(r.b[r.pos-1])
	}
	if r.err != nil {
		return 0
	}
	v, n := Uint32(r.b[r.pos:r.end])
	switch {
	case n > 0:
		r.pos += n
	case n == 0:
		r.pos = r.end
		r.fail("ends in the middle")
	default:
		r.fail("number does not fit 32 bits")
	}
	return v
}

// Uint32 decodes an unsigned LEB128 number and returns its length. Zero is a number that does not
// end, less than zero one that does not fit.
func Uint32(b []byte) (v uint32, n int) {
	for i := range min(len(b), 5) {
		c := b[i]
		if i == 4 && c > 0x0f {
			return 0, -1
		}
		v |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// signed reads a signed LEB128 number of that many bits.
func (r *reader) signed(bits int) int64 {
	var v int64
	for shift := 0; shift < bits; shift += 7 {
		c := r.u8()
		v |= int64(c&0x7f) << shift
		if c >= 0x80 {
			continue
		}
		if unused := 64 - shift - 7; unused > 0 {
			v = v << unused >> unused
		}
		if v<<(64-bits)>>(64-bits) != v || shift+7 > 64 && c != 0 && c != 0x7f {
			break
		}
		return v
	}
	r.fail("number does not fit %d bits", bits)
	return 0
}

// count reads the length of a vector. Every item takes at least itemSize bytes, so a length beyond
// the rest of the part is a lie that must not reach an allocator.
func (r *reader) count(what string, itemSize int, name string, limit int) int {
	n := r.u32()
	switch {
	case r.err != nil:
		return 0
	case uint64(n)*uint64(itemSize) > uint64(r.left()):
		r.fail("%d %s are announced, %d bytes are left", n, what, r.left())
		return 0
	case uint64(n) > uint64(limit):
		r.exceed(name, "%d %s, the limit is %d", n, what, limit)
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
func (r *reader) types(what, name string, limit int) []ValueType {
	n := r.count(what, 1, name, limit)
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
	t := ValueType(r.u8())
	switch {
	case r.err != nil || t.String() != "unknown":
	case t >= 0x63 && t <= 0x74:
		r.err = unsupported("has the value type 0x%02x of %s", uint8(t), typedReferences)
	default:
		r.fail("unknown value type 0x%02x", uint8(t))
	}
	return t
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
