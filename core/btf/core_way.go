package btf

import "fmt"

// way is how far one has come from a root type: to a field, to an enumerator, or only to the type.
type way struct {
	types *Types
	root  ID
	last  step
	bits  uint64  // offset of the field from the start of the root, in bits; of an enumerator its value
	end   field   // what the way ends at
	trail *[]step // if not nil, all steps are kept there
}

// step is a part of the way. The first one only steps over whole roots.
type step struct {
	in     ID     // the struct or enum that has the member or enumerator; of an index, the type of the element
	index  uint32 // of the member, enumerator or element
	member bool   // a named member or an enumerator, not an index
	m      member // of an enumerator only the name
}

// go on with a step.
func (w *way) step(s step) {
	w.last = s
	if w.trail != nil {
		*w.trail = append(*w.trail, s)
	}
}

// element steps to the nth element of a type without modifiers.
func (w *way) element(id ID, r record, n uint32) error {
	if n > 0 {
		size, err := w.types.sizeOf(id, r)
		if err != nil {
			return err
		}
		w.bits += uint64(n) * uint64(size) * 8
	}
	w.step(step{in: id, index: n})
	if w.bits/8 > 1<<32-1 {
		return fmt.Errorf("%w: %w", ErrAccess, ErrTooBig)
	}
	return nil
}

// flexible says whether the array that the last step led to is a flexible one: without a count, and
// the last member of its struct.
func (w *way) flexible(array record) bool {
	return w.last.member && w.types.word(array, 2) == 0 && int(w.last.index) == w.types.record(w.last.in).vlen()-1
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
	return compatible(q.from.types, q.from.root, w.types, w.root), nil
}

// matchField is match for fields.
func (w *way) matchField(q *question) (bool, error) {
	t := w.types
	id, r, names := w.root, record{}, t.members.known(w.root)
	if names == nil {
		id, r = t.strip(id)
	}
	for i := range q.from.steps {
		s := &q.from.steps[i]
		if s.member {
			if !w.member(s.name, id, r, names) || !fieldsFit(q.from.types, &s.to, t, &w.end.typ) {
				return false, nil
			}
			id, r, names = w.end.id, w.end.typ, nil
			continue
		}
		if names != nil && s.index > 0 {
			r = t.record(id)
		}
		if i > 0 {
			if r.kind() != KindArray || s.index >= t.word(r, 2) && !w.flexible(r) {
				return false, nil
			}
			id, r = t.strip(ID(t.word(r, 0)))
		}
		if err := w.element(id, r, s.index); err != nil {
			return false, err
		}
	}
	if !w.last.member {
		w.end = newField(t, id, t.record(id), member{})
	}
	return true, nil
}

// member steps to a member of a struct by its name, also inside anonymous structs and unions. The names of the struct may be
// known, else its record must be.
func (w *way) member(name string, id ID, r record, names *memberNames) bool {
	t := w.types
	if names == nil {
		if !r.kind().Composite() {
			return false
		}
		names = t.members.of(t, id, r)
	}
	if names != nil {
		n, ok := names.find(t, name)
		if ok {
			p := &names.list[n]
			w.bits += p.at
			w.step(step{in: p.in, index: p.index, member: true, m: p.member})
			w.end = *names.field(t, n)
		}
		return ok
	}
	p, ok := t.scanMember(id, r, name)
	if !ok {
		return false
	}
	w.bits += p.at
	w.step(step{in: p.in, index: p.index, member: true, m: p.member})
	to, typ := t.strip(p.typ)
	w.end = newField(t, to, typ, p.member)
	return true
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
				w.step(step{in: id, index: uint32(n), member: true, m: member{name: t.enumName(r, n)}})
			}
			return ok
		}
	}
	n, ok := names.find(t, name)
	if ok {
		p := &names.list[n]
		w.bits = p.at
		w.step(step{in: id, index: p.index, member: true, m: p.member})
	}
	return ok
}

// field is a type that a way may end at, and what questions want to know of it.
type field struct {
	id           ID // without modifiers
	typ          record
	size         uint32 // bytes
	width, shift uint32 // of a bit-field, in bits; see bitFieldOf
	err          error  // there is no size
}

// newField looks at a type without modifiers; m is the member that has it, if there is one.
func newField(t *Types, id ID, r record, m member) field {
	f := field{id: id, typ: r}
	f.size, f.err = t.sizeOf(id, r)
	f.width, f.shift = t.bitFieldOf(m, r)
	return f
}
