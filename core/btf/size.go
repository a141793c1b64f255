package btf

import (
	"errors"
	"fmt"
)

// Reasons for which a type has no size.
var (
	ErrNoSize = errors.New("type has no size")
	ErrTooBig = errors.New("size exceeds 32 bits")
)

// pointerSize is what pointers take in BPF and on every 64-bit kernel, in bytes.
const pointerSize = 8

// Strip passes over typedefs, volatile, const, restrict and type tags and returns the type below
// them. In a cycle of them, which only malformed BTF has, it ends somewhere.
func (t *Types) Strip(id ID) ID {
	id, _ = t.strip(id)
	return id
}

// strip is Strip giving the record as well.
func (t *Types) strip(id ID) (ID, record) {
	r := t.record(id)
	for n := 0; r.kind().Modifier(); n++ {
		if n == nearHops {
			return t.stripLong(id)
		}
		id = ID(r.word)
		r = t.record(id)
	}
	return id, r
}

// Size returns how many bytes a value of the type takes. The size of a flexible array is 0. Errors:
// ErrNoSize for void, functions and forward declarations, ErrTooBig, ErrCycle, ErrID.
func (t *Types) Size(id ID) (uint32, error) {
	n, err := t.size(id)
	if err != nil {
		return 0, fmt.Errorf("find size of type %d: %w", id, err)
	}
	return n, nil
}

func (t *Types) size(id ID) (uint32, error) { return t.sizeOf(id, t.record(id)) }

// sizeOf is size when the record is known.
func (t *Types) sizeOf(id ID, r record) (uint32, error) {
	if k := r.kind(); k == KindInt || k.Composite() || k.Enum() {
		return r.word, nil // most of them
	}
	first, count := id, uint64(1)
	for range nearHops {
		next, times, more := t.sizeStep(r)
		if !more {
			size, err := t.sizeEnd(id, r)
			if total := saturate(count, uint64(size)); total <= 1<<32-1 || err != nil {
				return uint32(total), err
			}
			return 0, ErrTooBig
		}
		count = saturate(count, times)
		id, r = next, t.record(next)
	}
	return t.sizeLong(first)
}

// sizeStep returns the type that the size of a type is a multiple of.
func (t *Types) sizeStep(r record) (next ID, times uint64, more bool) {
	switch k := r.kind(); {
	case k.Modifier() || k == KindVar:
		return ID(r.word), 1, true
	case k == KindArray:
		return ID(t.word(r, 0)), uint64(t.word(r, 2)), true
	}
	return 0, 0, false
}

// sizeEnd returns the size of a type that is not a multiple of another.
func (t *Types) sizeEnd(id ID, r record) (uint32, error) {
	if int(id) >= t.Len() {
		return 0, ErrID
	}
	switch k := r.kind(); {
	case k == KindPointer:
		return pointerSize, nil
	case k == KindInt, k == KindFloat, k == KindDatasec, k.Enum(), k.Composite():
		return r.word, nil
	default:
		return 0, fmt.Errorf("%w: %v", ErrNoSize, k)
	}
}
