package btf

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrPath says that a member path is malformed or leads nowhere.
var ErrPath = errors.New("path is wrong")

// maxPath is how many parts a member path may have, and how many anonymous structs one of its names
// may be inside of.
const maxPath = 64

// Field is a place inside a type.
type Field struct {
	Type    ID     // as it is declared, with its typedefs and modifiers
	Offset  uint32 // bytes from the start
	Size    uint32 // bytes; 0 if the type has no size, as a flexible array
	BitSize uint32 // width of a bit-field; 0 for other fields
	Bit     uint32 // of a bit-field: bits from the start of the byte at Offset, counted as BTF counts them
}

// Path finds a member of a type, "a.b[3].c". Typedefs and modifiers are passed over, and members of
// anonymous structs and unions belong to what is around them, as in C. An array without a count (a
// flexible one) has every index. The error wraps ErrPath, ErrNotFound or ErrID.
func (t *Types) Path(id ID, path string) (Field, error) {
	f, err := t.path(id, path)
	if err != nil {
		return Field{}, fmt.Errorf("find %q in %s: %w", path, t.TypeName(id), err)
	}
	return f, nil
}

func (t *Types) path(id ID, path string) (Field, error) {
	if err := t.checkID(uint32(id)); err != nil {
		return Field{}, err
	}
	at, bits := uint64(0), uint32(0) // both in bits
	rest, n := path, 0
	for ; rest != ""; n++ {
		if n == maxPath {
			return Field{}, fmt.Errorf("%w: more than %d parts", ErrPath, maxPath)
		}
		part, tail, err := cutPart(rest, n == 0)
		if err != nil {
			return Field{}, err
		}
		var off uint64
		if part[0] == '[' {
			id, off, err = t.element(id, part[1:len(part)-1])
		} else {
			id, off, bits, err = t.memberNamed(id, part)
		}
		if err != nil {
			return Field{}, err
		}
		if at += off; at > 1<<35-1 { // not at/8, see accessSpec.element
			return Field{}, fmt.Errorf("%w: %w", ErrPath, ErrTooBig)
		}
		rest = tail
	}
	f := Field{Type: id, Offset: uint32(at / 8), BitSize: bits}
	if bits > 0 {
		f.Bit = uint32(at % 8)
	}
	if size, err := t.size(id); err == nil {
		f.Size = size
	}
	return f, nil
}

// cutPart takes the first part of a path: a name or an index in brackets.
func cutPart(path string, first bool) (part, rest string, err error) {
	if path[0] == '[' {
		i := strings.IndexByte(path, ']')
		if i < 0 {
			return "", "", fmt.Errorf("%w: no ] after %q", ErrPath, path)
		}
		return path[:i+1], path[i+1:], nil
	}
	if !first {
		if path[0] != '.' {
			return "", "", fmt.Errorf("%w: no . or [ before %q", ErrPath, path)
		}
		path = path[1:]
	}
	i := strings.IndexAny(path, ".[]")
	if i < 0 {
		i = len(path)
	}
	if i == 0 {
		return "", "", fmt.Errorf("%w: a name is missing before %q", ErrPath, path)
	}
	return path[:i], path[i:], nil
}

// element steps into an array; the offset is in bits.
func (t *Types) element(id ID, index string) (ID, uint64, error) {
	n, err := strconv.ParseUint(index, 10, 32)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: index %q is not a number", ErrPath, index)
	}
	_, r := t.strip(id)
	if r.kind() == KindPointer {
		return 0, 0, t.pointerError(id, r)
	}
	if r.kind() != KindArray {
		return 0, 0, fmt.Errorf("%w: %s is not an array", ErrPath, t.TypeName(id))
	}
	if count := t.word(r, 2); count != 0 && n >= uint64(count) {
		return 0, 0, fmt.Errorf("%w: index %d of %d elements", ErrPath, n, count)
	}
	elem := ID(t.word(r, 0))
	size, err := t.size(elem)
	if err != nil {
		return 0, 0, err
	}
	return elem, n * uint64(size) * 8, nil
}

// pointerError says where a path that came to a pointer would go on.
func (t *Types) pointerError(id ID, r record) error {
	return fmt.Errorf("%w: %s is a pointer, which no path follows: begin again at %s", ErrPath, t.TypeName(id), t.TypeName(ID(r.word)))
}

// memberNamed steps into the member of a struct with a name; the offset is in bits.
func (t *Types) memberNamed(id ID, name string) (ID, uint64, uint32, error) {
	_, r := t.strip(id)
	if r.kind() == KindPointer {
		return 0, 0, 0, t.pointerError(id, r)
	}
	if !r.kind().Composite() {
		return 0, 0, 0, fmt.Errorf("%w: %s has no members", ErrPath, t.TypeName(id))
	}
	type place struct {
		r  record
		at uint64
	}
	seen := map[ID]bool{}
	for list := []place{{r: r}}; len(list) > 0; list = list[1:] {
		p := list[0]
		for i := range p.r.vlen() {
			m := t.member(p.r, i)
			at := p.at + uint64(m.offset)
			if t.named(m.name, name) {
				bits, shift := t.bitField(m)
				return m.typ, at + uint64(shift), bits, nil
			}
			if inner, ok := t.anonymous(m); ok && !seen[inner] {
				seen[inner] = true
				list = append(list, place{t.record(inner), at})
			}
		}
	}
	return 0, 0, 0, fmt.Errorf("member %q: %w", name, ErrNotFound)
}

// anonymous returns the struct or union that a member without a name holds.
func (t *Types) anonymous(m member) (ID, bool) {
	if !t.nameless(m.name) {
		return 0, false
	}
	id, r := t.strip(m.typ)
	return id, r.kind().Composite()
}

// bitField returns the width of a bit-field, 0 for other members, and how many bits it begins after
// the member's offset: in old BTF the type of a member says both.
func (t *Types) bitField(m member) (width, shift uint32) {
	if m.bits > 0 {
		return m.bits, 0
	}
	_, r := t.strip(m.typ)
	return t.bitFieldOf(m, r)
}

// bitFieldOf is bitField when the record of the member's type without modifiers is known.
func (t *Types) bitFieldOf(m member, r record) (width, shift uint32) {
	if m.bits > 0 {
		return m.bits, 0
	}
	if r.kind() != KindInt {
		return 0, 0
	}
	w := t.word(r, 0)
	if width, shift = w&0xff, w>>16&0xff; width == r.word*8 && shift == 0 {
		return 0, 0
	}
	return width, shift
}
