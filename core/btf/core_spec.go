package btf

import "fmt"

// accessSpec (bpf_core_spec in libbpf) is how far an access has come from a root type: to a field, to
// an enumerator, or only to the type.
type accessSpec struct {
	types *Types
	root  ID
	last  step
	bits  uint64  // offset of the field from the start of the root, in bits; of an enumerator its value
	end   *field  // what the access ends at
	trail *[]step // if not nil, steps are kept there, but for a first one that stays at the root
}

// step is one index or member of an access. The first one only steps over whole roots.
type step struct {
	in     ID     // the struct or enum that has the member or enumerator; of an index, the type of the element
	index  uint32 // of the member, enumerator or element
	member bool   // a named member or an enumerator, not an index
}

// go on with a step.
func (s *accessSpec) step(to step) {
	s.last = to
	if s.trail != nil {
		*s.trail = append(*s.trail, to)
	}
}

// element steps to the nth element of a type without modifiers.
func (s *accessSpec) element(to *field, n uint32) error {
	s.end = to
	if n > 0 {
		if to.err != nil {
			return to.err
		}
		s.bits += uint64(n) * uint64(to.size) * 8
	}
	s.step(step{in: to.id, index: n})
	if s.bits > 1<<35-1 { // not bits/8: Go 1.26 compiles that comparison to false on s390x
		return fmt.Errorf("%w: %w", ErrAccess, ErrTooBig)
	}
	return nil
}

// match takes the steps of a local spec in a candidate, which is the root of an access spec without
// steps. It is false when the candidate does not have them.
func (s *accessSpec) match(l *localSpec) (bool, error) {
	switch k := l.relo.Kind; {
	case k.Field():
		return s.matchField(l)
	case k.Enumval():
		return s.matchEnumerator(l.access.steps[0].name), nil
	case k == CoreTypeMatches:
		return matches(l.access.types, l.access.root, s.types, s.root), nil
	case l.name.kind.Composite() || l.name.kind.Enum():
		return true, nil // kinds agree, or it were no candidate
	}
	return Compatible(l.access.types, l.access.root, s.types, s.root), nil
}

// matchField is match for fields.
func (s *accessSpec) matchField(l *localSpec) (bool, error) {
	t := s.types
	names := t.members.known(s.root)
	id, r := s.root, record{}
	if names == nil {
		if id, r = t.strip(id); id != s.root {
			names = t.members.known(id)
		}
	}
	for i := range l.access.steps {
		st := &l.access.steps[i]
		switch {
		case st.member:
			if !s.member(st.name, names) || !fieldsFit(l.access.types, st.to, t, s.end) {
				return false, nil
			}
			names = nil
			continue
		case i > 0:
			if !s.has(st.index) {
				return false, nil
			}
			s.end = s.end.element(t)
		case names == nil || st.index > 0 || len(l.access.steps) == 1:
			if r.body == nil {
				r = t.record(id)
			}
			s.end = newField(t, id, r, member{})
		default:
			continue // a struct that is known need not be looked at
		}
		if err := s.element(s.end, st.index); err != nil {
			return false, err
		}
	}
	return true, nil
}

// has says whether what the access ends at is an array with an nth element.
func (s *accessSpec) has(n uint32) bool {
	a := s.end
	if a == nil || a.kind != KindArray {
		return false
	}
	count := s.types.word(a.typ, 2)
	return n < count || count == 0 && s.last.member && int(s.last.index) == s.types.record(s.last.in).vlen()-1
}

// member steps to a member of a struct by its name, also inside anonymous structs and unions. The
// names of the struct may be known, else it is what the access ends at.
func (s *accessSpec) member(name string, names *memberNames) bool {
	t := s.types
	if names == nil {
		if !s.end.kind.Composite() {
			return false
		}
		names = t.members.of(t, s.end.id, s.end.typ)
	}
	if names == nil {
		p, ok := t.scanMember(s.end.id, s.end.typ, name)
		if ok {
			s.enter(&p, newMemberField(t, p.member))
		}
		return ok
	}
	n, ok := names.find(t, name)
	if ok {
		s.enter(&names.list[n], names.field(t, n))
	}
	return ok
}

// enter steps to a member.
func (s *accessSpec) enter(p *memberPlace, to *field) {
	s.bits += p.at
	s.end = to
	s.step(step{in: p.in, index: p.index, member: true})
}

// matchEnumerator steps to an enumerator of the root by its essential name.
func (s *accessSpec) matchEnumerator(name string) bool {
	t := s.types
	id, names := s.root, t.members.known(s.root)
	if names == nil {
		var r record
		if id, r = t.strip(id); !r.kind().Enum() {
			return false
		}
		if names = t.members.of(t, id, r); names == nil {
			n, ok := t.scanEnumerator(r, name)
			if ok {
				s.bits = t.coreEnumValue(r, n)
				s.step(step{in: id, index: uint32(n), member: true})
			}
			return ok
		}
	}
	n, ok := names.find(t, name)
	if ok {
		p := &names.list[n]
		s.bits = p.at
		s.step(step{in: id, index: p.index, member: true})
	}
	return ok
}
