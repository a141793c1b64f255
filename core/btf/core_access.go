package btf

import (
	"fmt"
	"strconv"
	"strings"
)

// maxAccess is how many parts an access string may have.
const maxAccess = 64

// parseAccess reads "0:1:2".
func parseAccess(s string) ([]uint32, error) {
	if strings.Count(s, ":") >= maxAccess {
		return nil, fmt.Errorf("%w: more than %d parts", ErrAccess, maxAccess)
	}
	var parts []uint32
	for part := range strings.SplitSeq(s, ":") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil || part[0] == '+' {
			return nil, fmt.Errorf("%w: %.64q", ErrAccess, s)
		}
		parts = append(parts, uint32(n))
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
}

// step is a part of the way. The first one only steps over whole roots.
type step struct {
	in     ID     // the struct or enum that has the member or enumerator; of an index, the type of the element
	index  uint32 // of the member, enumerator or element
	name   uint32 // of the member or enumerator; 0 for an index
	member bool   // a named member or an enumerator, not an index
}

// access understands a relocation within the program's own types.
func (t *Types) access(r CoreRelo) (*access, error) {
	if r.Kind > lastCoreKind {
		return nil, fmt.Errorf("%w: %d", ErrCoreKind, uint32(r.Kind))
	}
	raw, err := parseAccess(r.Access)
	if err != nil {
		return nil, err
	}
	if err := t.checkID(uint32(r.Type)); err != nil {
		return nil, err
	}
	a := &access{types: t, root: r.Type}
	switch {
	case r.Kind.Field():
		err = a.field(raw)
	case len(raw) != 1:
		err = fmt.Errorf("%w: %q has too many parts for %v", ErrAccess, r.Access, r.Kind)
	case r.Kind.Enumval():
		err = a.enumerator(raw[0])
	case raw[0] != 0:
		err = fmt.Errorf("%w: %q is not 0, which %v has", ErrAccess, r.Access, r.Kind)
	}
	return a, err
}

// enumerator takes an enumerator of the root by index.
func (a *access) enumerator(n uint32) error {
	id, r := a.types.strip(a.root)
	if !r.kind().Enum() || n >= uint32(r.vlen()) {
		return fmt.Errorf("%w: value %d of %s", ErrAccess, n, a.types.TypeName(a.root))
	}
	a.steps = []step{{in: id, index: n, name: a.types.enumName(r, int(n)), member: true}}
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
			b, ok := a.types.nameBytes(m.name)
			if !ok {
				return fmt.Errorf("name of a member: %w", ErrString)
			}
			if named = len(b) > 0; named {
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
	size, err := a.types.size(id)
	if err != nil {
		return err
	}
	a.bits += uint64(n) * uint64(size) * 8
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

// match looks for the same thing in a candidate. It is false when the candidate does not have it.
func (a *access) match(c cand, k CoreKind) (*access, bool, error) {
	to := &access{types: c.types, root: c.id}
	switch {
	case k == CoreTypeMatches:
		return to, matches(a.types, a.root, c.types, c.id), nil
	case k.Enumval():
		return to, to.sameEnumerator(a), nil
	case !k.Field():
		return to, compatible(a.types, a.root, c.types, c.id), nil
	}
	id := to.types.Strip(c.id)
	for i, s := range a.steps {
		ok, err := true, error(nil)
		switch {
		case s.member:
			id, ok = to.sameMember(a, s, id)
		case i > 0:
			_, r := to.types.strip(id)
			ok = r.kind() == KindArray && (s.index < to.types.word(r, 2) || to.flexible(r))
			if ok {
				id = ID(to.types.word(r, 0))
			}
		}
		if ok && !s.member {
			err = to.element(id, s.index)
		}
		if !ok || err != nil {
			return to, false, err
		}
	}
	return to, true, nil
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
			a.steps = []step{{in: id, index: uint32(i), name: off, member: true}}
			return true
		}
	}
	return false
}

// sameMember looks for the member that a step of the program's way names, also inside anonymous structs and
// unions, and steps there. The member must be of a compatible type.
func (a *access) sameMember(local *access, s step, id ID) (ID, bool) {
	want := local.types.str(s.name)
	type place struct {
		id ID
		at uint64
	}
	id, r := a.types.strip(id)
	if !r.kind().Composite() {
		return 0, false
	}
	m := local.types.member(local.types.record(s.in), int(s.index))
	var seen map[ID]bool
	for list := []place{{id, a.bits}}; len(list) > 0; list = list[1:] {
		p := list[0]
		r := a.types.record(p.id)
		for i := range r.vlen() {
			name := a.types.word(r, 3*i)
			found := a.types.named(name, want)
			if !found && !a.types.nameless(name) {
				continue // most members
			}
			to := a.types.member(r, i)
			if found {
				a.bits = p.at + uint64(to.offset)
				a.steps = append(a.steps, step{in: p.id, index: uint32(i), name: to.name, member: true})
				return to.typ, fieldsFit(local.types, m.typ, a.types, to.typ)
			}
			if in, ok := a.types.anonymous(to); ok && !seen[in] {
				if seen == nil {
					seen = map[ID]bool{}
				}
				seen[in] = true
				list = append(list, place{in, p.at + uint64(to.offset)})
			}
		}
	}
	return 0, false
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

// String writes the way as C does: "struct task_struct.comm[3]".
func (a *access) String() string {
	var b strings.Builder
	b.WriteString(a.types.TypeName(a.root))
	for i, s := range a.steps {
		switch {
		case s.member && a.types.record(s.in).kind().Enum():
			b.WriteString("::" + a.types.str(s.name))
		case s.member:
			b.WriteString("." + a.types.str(s.name))
		case i > 0 || s.index > 0:
			b.WriteString("[" + strconv.Itoa(int(s.index)) + "]")
		}
	}
	return b.String()
}
