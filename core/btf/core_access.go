package btf

import (
	"fmt"
	"strconv"
)

// maxAccess is how many parts an access string may have.
const maxAccess = 64

// short is a list that needs no memory of its own while it is short.
type short[T any] struct {
	n    int
	few  [6]T
	more []T
}

func (s *short[T]) clear() { s.n, s.more = 0, s.more[:0] }

func (s *short[T]) add(v T) {
	if s.n < len(s.few) {
		s.few[s.n] = v
	} else {
		s.more = append(s.more, v)
	}
	s.n++
}

func (s *short[T]) at(i int) T {
	if i < len(s.few) {
		return s.few[i]
	}
	return s.more[i-len(s.few)]
}

// parseAccess reads "0:1:2" into parts.
func parseAccess(parts *short[uint32], s string) error {
	parts.clear()
	n, digits := uint64(0), 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i < len(s) && s[i] >= '0' && s[i] <= '9':
			n = min(n*10+uint64(s[i]-'0'), 1<<31)
			digits++
		case digits == 0 || n == 1<<31 || i < len(s) && s[i] != ':':
			return fmt.Errorf("%w: %.64q", ErrAccess, s)
		case parts.n == maxAccess:
			return fmt.Errorf("%w: more than %d parts", ErrAccess, maxAccess)
		default:
			parts.add(uint32(n))
			n, digits = 0, 0
		}
	}
	return nil
}

// access is an access string understood within some types: the way from a root type to a field, or one
// enumerator of an enum, or only a type.
type access struct {
	types *Types
	root  ID
	steps short[step]
	bits  uint64 // offset of the field from the start of the root, in bits
	id    ID     // the type of the field without modifiers
	typ   record // of that
	parts short[uint32]
}

// step is a part of the way. The first one only steps over whole roots.
type step struct {
	in     ID     // the struct or enum that has the member or enumerator; of an index, the type of the element
	index  uint32 // of the member, enumerator or element
	member bool   // a named member or an enumerator, not an index
	m      member // of an enumerator only the name
}

// begin starts again at the root.
func (a *access) begin(t *Types, root ID) {
	a.types, a.root, a.bits = t, root, 0
	a.steps.clear()
}

// end gives the last step.
func (a *access) end() step { return a.steps.at(a.steps.n - 1) }

// read understands a relocation within the program's own types.
func (a *access) read(t *Types, r *CoreRelo) error {
	if r.Kind > lastCoreKind {
		return fmt.Errorf("%w: %d", ErrCoreKind, uint32(r.Kind))
	}
	if err := parseAccess(&a.parts, r.Access); err != nil {
		return err
	}
	if err := t.checkID(uint32(r.Type)); err != nil {
		return err
	}
	a.begin(t, r.Type)
	switch {
	case r.Kind.Field():
		return a.field()
	case a.parts.n != 1:
		return fmt.Errorf("%w: %q has too many parts for %v", ErrAccess, r.Access, r.Kind)
	case r.Kind.Enumval():
		return a.enumerator(a.parts.at(0))
	case a.parts.at(0) != 0:
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
	a.steps.add(step{in: id, index: n, member: true, m: member{name: a.types.enumName(r, int(n))}})
	return nil
}

// field walks to a field by the indexes of members and elements.
func (a *access) field() error {
	id, r := a.types.strip(a.root)
	if err := a.element(id, r, a.parts.at(0)); err != nil {
		return err
	}
	named := true // what the last part led to
	for i := 1; i < a.parts.n; i++ {
		n := a.parts.at(i)
		named = true
		switch k := r.kind(); {
		case k.Composite() && n < uint32(r.vlen()):
			m := a.types.member(r, int(n))
			a.bits += uint64(m.offset)
			if err := a.types.checkName(m.name); err != nil {
				return fmt.Errorf("name of a member: %w", err)
			}
			if named = !a.types.nameless(m.name); named {
				a.steps.add(step{in: id, index: n, member: true, m: m})
			}
			id, r = a.types.strip(m.typ)
		case k == KindArray && (n < a.types.word(r, 2) || a.flexible(r)):
			id, r = a.types.strip(ID(a.types.word(r, 0)))
			if err := a.element(id, r, n); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: part %d of %s", ErrAccess, n, a.types.TypeName(id))
		}
	}
	if !named {
		return fmt.Errorf("%w: it ends at a member without a name", ErrAccess)
	}
	a.id, a.typ = id, r
	return nil
}

// element steps to the nth element of a type without modifiers.
func (a *access) element(id ID, r record, n uint32) error {
	if n > 0 {
		size, err := a.types.sizeOf(id, r)
		if err != nil {
			return err
		}
		a.bits += uint64(n) * uint64(size) * 8
	}
	a.steps.add(step{in: id, index: n})
	if a.bits/8 > 1<<32-1 {
		return fmt.Errorf("%w: %w", ErrAccess, ErrTooBig)
	}
	return nil
}

// flexible says whether the array that the last step led to is a flexible one: without a count, and
// the last member of its struct.
func (a *access) flexible(array record) bool {
	s := a.end()
	return s.member && a.types.word(array, 2) == 0 && int(s.index) == a.types.record(s.in).vlen()-1
}

// match looks for the same thing in a candidate and becomes the way to it. It is false when the candidate does
// not have it.
func (a *access) match(local *access, t *Types, root ID, k CoreKind) (bool, error) {
	a.begin(t, root)
	switch {
	case k == CoreTypeMatches:
		return matches(local.types, local.root, t, root), nil
	case k.Enumval():
		return a.sameEnumerator(local), nil
	case !k.Field():
		return compatible(local.types, local.root, t, root), nil
	}
	id, r := t.strip(root)
	for i := range local.steps.n {
		s, ok := local.steps.at(i), true
		switch {
		case s.member:
			id, r, ok = a.sameMember(local, s, id, r)
		case i > 0:
			if ok = r.kind() == KindArray && (s.index < t.word(r, 2) || a.flexible(r)); ok {
				id, r = t.strip(ID(t.word(r, 0)))
			}
		}
		if !ok {
			return false, nil
		}
		if !s.member {
			if err := a.element(id, r, s.index); err != nil {
				return false, err
			}
		}
	}
	a.id, a.typ = id, r
	return true, nil
}

// sameEnumerator looks for an enumerator of the same essential name.
func (a *access) sameEnumerator(local *access) bool {
	id, r := a.types.strip(a.root)
	if !r.kind().Enum() {
		return false
	}
	want := Essential(local.types.str(local.steps.at(0).m.name))
	for i := range r.vlen() {
		if off := a.types.enumName(r, i); a.types.namedEssential(off, want) {
			a.steps.add(step{in: id, index: uint32(i), member: true, m: member{name: off}})
			return true
		}
	}
	return false
}

// sameMember looks in a struct for the member that a step of the program's way names, also inside anonymous structs and
// unions, and steps there. The member must be of a compatible type, which is given without modifiers.
func (a *access) sameMember(local *access, s step, id ID, in record) (ID, record, bool) {
	if !in.kind().Composite() {
		return 0, record{}, false
	}
	p, ok := a.types.memberByName(id, in, local.types.str(s.m.name))
	if !ok {
		return 0, record{}, false
	}
	a.bits += p.at
	a.steps.add(step{in: p.in, index: p.index, member: true, m: p.member})
	l := local.typ
	if a.steps.n < local.steps.n { // there is more to come
		_, l = local.types.strip(s.m.typ)
	}
	to, r := a.types.strip(p.typ)
	return to, r, fieldsFit(local.types, l, a.types, r)
}

// last names what the way ends at.
func (a *access) last() string {
	for i := a.steps.n - 1; i >= 0; i-- {
		if s := a.steps.at(i); s.member {
			return strconv.Quote(a.types.str(s.m.name))
		}
	}
	return "element"
}
