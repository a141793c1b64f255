package btf

import "fmt"

// way is how far one has come from a root type: to a field, to an enumerator, or only to the type.
type way struct {
	types *Types
	root  ID
	last  step
	bits  uint64  // offset of the field from the start of the root, in bits; of an enumerator its value
	end   *field  // what the way ends at
	trail *[]step // if not nil, steps are kept there, but for a first one that stays at the root
}

// step is a part of the way. The first one only steps over whole roots.
type step struct {
	in     ID     // the struct or enum that has the member or enumerator; of an index, the type of the element
	index  uint32 // of the member, enumerator or element
	member bool   // a named member or an enumerator, not an index
}

// go on with a step.
func (w *way) step(s step) {
	w.last = s
	if w.trail != nil {
		*w.trail = append(*w.trail, s)
	}
}

// element steps to the nth element of a type without modifiers.
func (w *way) element(to *field, n uint32) error {
	w.end = to
	if n > 0 {
		if to.err != nil {
			return to.err
		}
		w.bits += uint64(n) * uint64(to.size) * 8
	}
	w.step(step{in: to.id, index: n})
	if w.bits/8 > 1<<32-1 {
		return fmt.Errorf("%w: %w", ErrAccess, ErrTooBig)
	}
	return nil
}

// match goes to what a question is about in a candidate, which is the root of a way that has just begun. It is false when the
// candidate does not have it.
func (w *way) match(q *question) (bool, error) {
	switch k := q.relo.Kind; {
	case k.Field():
		return w.matchField(q)
	case k.Enumval():
		return w.matchEnumerator(q.from.steps[0].name), nil
	case k == CoreTypeMatches:
		return matches(q.from.types, q.from.root, w.types, w.root), nil
	case q.name.kind.Composite() || q.name.kind.Enum():
		return true, nil // kinds agree, or it were no candidate
	}
	return Compatible(q.from.types, q.from.root, w.types, w.root), nil
}

// matchField is match for fields.
func (w *way) matchField(q *question) (bool, error) {
	t := w.types
	names := t.members.known(w.root)
	id, r := w.root, record{}
	if names == nil {
		if id, r = t.strip(id); id != w.root {
			names = t.members.known(id)
		}
	}
	for i := range q.from.steps {
		s := &q.from.steps[i]
		switch {
		case s.member:
			if !w.member(s.name, names) || !fieldsFit(q.from.types, s.to, t, w.end) {
				return false, nil
			}
			names = nil
			continue
		case i > 0:
			if !w.has(s.index) {
				return false, nil
			}
			w.end = w.end.element(t)
		case names == nil || s.index > 0 || len(q.from.steps) == 1:
			if r.body == nil {
				r = t.record(id)
			}
			w.end = newField(t, id, r, member{})
		default:
			continue // a struct that is known need not be looked at
		}
		if err := w.element(w.end, s.index); err != nil {
			return false, err
		}
	}
	return true, nil
}

// has says whether what the way ends at is an array with an nth element.
func (w *way) has(n uint32) bool {
	a := w.end
	if a == nil || a.kind != KindArray {
		return false
	}
	count := w.types.word(a.typ, 2)
	return n < count || count == 0 && w.last.member && int(w.last.index) == w.types.record(w.last.in).vlen()-1
}

// member steps to a member of a struct by its name, also inside anonymous structs and unions. The names of the struct may be
// known, else it is what the way ends at.
func (w *way) member(name string, names *memberNames) bool {
	t := w.types
	if names == nil {
		if !w.end.kind.Composite() {
			return false
		}
		names = t.members.of(t, w.end.id, w.end.typ)
	}
	if names == nil {
		p, ok := t.scanMember(w.end.id, w.end.typ, name)
		if ok {
			w.enter(&p, newMemberField(t, p.member))
		}
		return ok
	}
	n, ok := names.find(t, name)
	if ok {
		w.enter(&names.list[n], names.field(t, n))
	}
	return ok
}

// enter steps to a member.
func (w *way) enter(p *memberPlace, to *field) {
	w.bits += p.at
	w.end = to
	w.step(step{in: p.in, index: p.index, member: true})
}

// matchEnumerator steps to an enumerator of the root by its essential name.
func (w *way) matchEnumerator(name string) bool {
	t := w.types
	id, names := w.root, t.members.known(w.root)
	if names == nil {
		var r record
		if id, r = t.strip(id); !r.kind().Enum() {
			return false
		}
		if names = t.members.of(t, id, r); names == nil {
			n, ok := t.scanEnumerator(r, name)
			if ok {
				w.bits = t.coreEnumValue(r, n)
				w.step(step{in: id, index: uint32(n), member: true})
			}
			return ok
		}
	}
	n, ok := names.find(t, name)
	if ok {
		p := &names.list[n]
		w.bits = p.at
		w.step(step{in: id, index: p.index, member: true})
	}
	return ok
}
