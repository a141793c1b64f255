package btf

import (
	"fmt"
	"strconv"
)

// maxAccess is how many parts an access string may have.
const maxAccess = 64

// parseAccess reads "0:1:2" into parts, which may be memory to be used again.
func parseAccess(parts []uint32, s string) ([]uint32, error) {
	n, digits := uint64(0), 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i < len(s) && s[i] >= '0' && s[i] <= '9':
			n = min(n*10+uint64(s[i]-'0'), 1<<31)
			digits++
		case digits == 0 || n == 1<<31 || i < len(s) && s[i] != ':':
			return nil, fmt.Errorf("%w: %.64q", ErrAccess, s)
		case len(parts) == maxAccess:
			return nil, fmt.Errorf("%w: more than %d parts", ErrAccess, maxAccess)
		default:
			parts = append(parts, uint32(n))
			n, digits = 0, 0
		}
	}
	return parts, nil
}

// access is an access string understood within some types: the way from a root type to a field, or one
// enumerator of an enum, or only a type.
type access struct {
	types *Types
	root  ID
	steps []step
	bits  uint64 // offset of the field from the start of the root, in bits
	parts []uint32
}

// step is a part of the way. The first one only steps over whole roots.
type step struct {
	in     ID     // the struct or enum that has the member or enumerator; of an index, the type of the element
	index  uint32 // of the member, enumerator or element
	name   uint32 // of the member or enumerator; 0 for an index
	member bool   // a named member or an enumerator, not an index
}

// read understands a relocation within the program's own types.
func (a *access) read(t *Types, r CoreRelo) error {
	if r.Kind > lastCoreKind {
		return fmt.Errorf("%w: %d", ErrCoreKind, uint32(r.Kind))
	}
	raw, err := parseAccess(a.parts[:0], r.Access)
	if err != nil {
		return err
	}
	if err := t.checkID(uint32(r.Type)); err != nil {
		return err
	}
	a.parts = raw
	a.types, a.root, a.steps, a.bits = t, r.Type, a.steps[:0], 0
	switch {
	case r.Kind.Field():
		return a.field(raw)
	case len(raw) != 1:
		return fmt.Errorf("%w: %q has too many parts for %v", ErrAccess, r.Access, r.Kind)
	case r.Kind.Enumval():
		return a.enumerator(raw[0])
	case raw[0] != 0:
		return fmt.Errorf("%w: %q is not 0, which %v has", ErrAccess, r.Access, r.Kind)
	}
	return nil
}

// enumerator takes an enumerator of the root by index.
func (a *access) enumerator(n uint32) error {
	id, r := a.types.strip(a.root)
	if !r.kind().Enum() || n >= uint32(r.vlen()) {
		return fmt.Errorf("%w: value %d of %s", ErrAccess, n, a.types.TypeName(a.root))
	}
	a.steps = append(a.steps, step{in: id, index: n, name: a.types.enumName(r, int(n)), member: true})
	return nil
}

// field walks to a field by the indexes of members and elements.
func (a *access) field(raw []uint32) error {
	id, _ := a.types.strip(a.root)
	if err := a.element(id, raw[0]); err != nil {
		return err
	}
	named := true // what the last part led to
	for _, n := range raw[1:] {
		next, r := a.types.strip(id)
		named = true
		switch k := r.kind(); {
		case k.Composite() && n < uint32(r.vlen()):
			m := a.types.member(r, int(n))
			a.bits += uint64(m.offset)
			if err := a.types.checkName(m.name); err != nil {
				return fmt.Errorf("name of a member: %w", err)
			}
			if named = !a.types.nameless(m.name); named {
				a.steps = append(a.steps, step{in: next, index: n, name: m.name, member: true})
			}
			id = m.typ
		case k == KindArray && (n < a.types.word(r, 2) || a.flexible(r)):
			id = ID(a.types.word(r, 0))
			if err := a.element(id, n); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: part %d of %s", ErrAccess, n, a.types.TypeName(next))
		}
	}
	if !named {
		return fmt.Errorf("%w: it ends at a member without a name", ErrAccess)
	}
	return nil
}

// element steps to the nth element of a type.
func (a *access) element(id ID, n uint32) error {
	id = a.types.Strip(id)
	if n > 0 {
		size, err := a.types.size(id)
		if err != nil {
			return err
		}
		a.bits += uint64(n) * uint64(size) * 8
	}
	a.steps = append(a.steps, step{in: id, index: n})
	if a.bits/8 > 1<<32-1 {
		return fmt.Errorf("%w: %w", ErrAccess, ErrTooBig)
	}
	return nil
}

// flexible says whether the array that the last step led to is a flexible one: without a count, and
// the last member of its struct.
func (a *access) flexible(array record) bool {
	s := a.steps[len(a.steps)-1]
	return s.member && a.types.word(array, 2) == 0 && int(s.index) == a.types.record(s.in).vlen()-1
}

// match looks for the same thing in a candidate and becomes the way to it. It is false when the candidate does
// not have it.
func (a *access) match(local *access, c cand, k CoreKind) (bool, error) {
	a.types, a.root, a.steps, a.bits = c.types, c.id, a.steps[:0], 0
	switch {
	case k == CoreTypeMatches:
		return matches(local.types, local.root, c.types, c.id), nil
	case k.Enumval():
		return a.sameEnumerator(local), nil
	case !k.Field():
		return compatible(local.types, local.root, c.types, c.id), nil
	}
	id := c.types.Strip(c.id)
	for i, s := range local.steps {
		ok, err := true, error(nil)
		switch {
		case s.member:
			id, ok = a.sameMember(local, s, id)
		case i > 0:
			_, r := a.types.strip(id)
			ok = r.kind() == KindArray && (s.index < a.types.word(r, 2) || a.flexible(r))
			if ok {
				id = ID(a.types.word(r, 0))
			}
		}
		if ok && !s.member {
			err = a.element(id, s.index)
		}
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// sameEnumerator looks for an enumerator of the same essential name.
func (a *access) sameEnumerator(local *access) bool {
	id, r := a.types.strip(a.root)
	if !r.kind().Enum() {
		return false
	}
	want, _ := local.types.nameBytes(local.steps[0].name)
	for i := range r.vlen() {
		off := a.types.enumName(r, i)
		if b, ok := a.types.nameBytes(off); ok && string(essential(b)) == string(essential(want)) {
			a.steps = append(a.steps, step{in: id, index: uint32(i), name: off, member: true})
			return true
		}
	}
	return false
}

// sameMember looks for the member that a step of the program's way names, also inside anonymous structs and
// unions, and steps there. The member must be of a compatible type.
func (a *access) sameMember(local *access, s step, id ID) (ID, bool) {
	id, in := a.types.strip(id)
	if !in.kind().Composite() {
		return 0, false
	}
	p, ok := a.types.memberByName(id, in, local.types.str(s.name))
	if !ok {
		return 0, false
	}
	m := local.types.member(local.types.record(s.in), int(s.index))
	a.bits += p.at
	a.steps = append(a.steps, step{in: p.in, index: p.index, name: p.name, member: true})
	return p.typ, fieldsFit(local.types, m.typ, a.types, p.typ)
}

// last names what the way ends at.
func (a *access) last() string {
	for i := len(a.steps) - 1; i >= 0; i-- {
		if s := a.steps[i]; s.member {
			return strconv.Quote(a.types.str(s.name))
		}
	}
	return "element"
}
