package btf

import "fmt"

// Align returns the alignment in bytes of a value of the type in C; 1 for packed structs. Errors
// are those of Size.
func (t *Types) Align(id ID) (uint32, error) {
	n, err := t.align(id)
	if err != nil {
		return 0, fmt.Errorf("find alignment of type %d: %w", id, err)
	}
	return n, nil
}

// alignFrame is a struct whose members are being looked at.
type alignFrame struct {
	id    ID
	r     record
	next  int // member
	align uint32
}

// align visits the members of structs inside structs with a stack of its own, each struct once.
func (t *Types) align(id ID) (uint32, error) {
	done := map[ID]uint32{} // 0 while the struct is on the stack
	n, inner, err := t.alignScalar(id)
	if err != nil || inner == 0 {
		return n, err
	}
	stack := []alignFrame{{id: inner, r: t.record(inner), align: 1}}
	done[inner] = 0
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		if f.next == f.r.vlen() {
			if f.r.word%f.align != 0 {
				f.align = 1 // packed
			}
			done[f.id], n = f.align, f.align
			stack = stack[:len(stack)-1]
			continue
		}
		m := t.member(f.r, f.next)
		if t.isVoid(m.typ) {
			f.next++ // see Untyped
			continue
		}
		n, inner, err := t.alignScalar(m.typ)
		if err != nil {
			return 0, err
		}
		if inner != 0 {
			known, seen := done[inner]
			switch {
			case !seen:
				done[inner] = 0
				stack = append(stack, alignFrame{id: inner, r: t.record(inner), align: 1})
				continue
			case known == 0:
				return 0, ErrCycle
			}
			n = known
		}
		f.next++
		if m.bits == 0 && m.offset%(8*n) != 0 {
			f.align, f.next = 1, f.r.vlen() // packed
			continue
		}
		f.align = max(f.align, n)
	}
	return n, nil
}

// alignScalar returns the alignment of a type, or the struct that decides it.
func (t *Types) alignScalar(id ID) (n uint32, composite ID, err error) {
	id, r := t.strip(id)
	for levels := 0; r.kind() == KindArray || r.kind() == KindVar; levels++ {
		if levels == nearHops {
			return 0, 0, ErrTooBig // more dimensions than any compiler accepts
		}
		to := ID(r.word)
		if r.kind() == KindArray {
			to = ID(t.word(r, 0))
		}
		id, r = t.strip(to)
	}
	switch k := r.kind(); {
	case k == KindPointer:
		return pointerSize, 0, nil
	case k == KindInt || k == KindFloat || k.Enum():
		if powerOfTwo(r.word, 16) {
			return r.word, 0, nil
		}
		return pointerSize, 0, nil // the 12 bytes of a 32-bit long double
	case k.Composite():
		return 0, id, nil
	case k.Modifier():
		return 0, 0, ErrCycle
	default:
		return 0, 0, fmt.Errorf("%w: %v", ErrNoSize, k)
	}
}
