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

// Strip passes over typedefs, volatile, const, restrict and type tags and gives what they stand for.
// It ends at the same id in a cycle of them, which only malformed BTF has.
func (t *Types) Strip(id ID) ID {
	for range t.Len() {
		r := t.record(id)
		if !r.kind().Modifier() {
			return id
		}
		id = ID(r.word)
	}
	return id
}

// strip is Strip giving the record as well.
func (t *Types) strip(id ID) (ID, record) {
	id = t.Strip(id)
	return id, t.record(id)
}

// Size gives how many bytes a value of the type takes. The size of a flexible array is 0. Errors: ErrNoSize
// for void, functions and forward declarations, ErrTooBig, ErrCycle, ErrID.
func (t *Types) Size(id ID) (uint32, error) {
	n, err := t.size(id)
	if err != nil {
		return 0, fmt.Errorf("find size of type %d: %w", id, err)
	}
	return n, nil
}

func (t *Types) size(id ID) (uint32, error) {
	count := uint64(1)
	for range t.Len() {
		if int(id) >= t.Len() {
			return 0, ErrID
		}
		r := t.record(id)
		size := uint64(r.word)
		switch k := r.kind(); {
		case k.Modifier() || k == KindVar:
			id = ID(r.word)
			continue
		case k == KindArray:
			// Once it is zero it stays zero; otherwise it grows, so that stopping at 32 bits is final.
			if count *= uint64(t.word(r, 2)); count > 1<<32-1 {
				return 0, ErrTooBig
			}
			id = ID(t.word(r, 0))
			continue
		case k == KindPointer:
			size = pointerSize
		case k == KindVoid || k == KindFwd || k == KindFunc || k == KindFuncProto || k == KindDeclTag || k > lastKind:
			return 0, fmt.Errorf("%w: %v", ErrNoSize, k)
		}
		if size *= count; size > 1<<32-1 {
			return 0, ErrTooBig
		}
		return uint32(size), nil
	}
	return 0, ErrCycle
}
