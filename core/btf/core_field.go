package btf

// field is a type that a way may come to, and what questions want to know of it. It is not changed any more.
type field struct {
	id           ID // without modifiers
	kind         Kind
	typ          record
	size         uint32 // bytes
	load         uint32 // what is loaded or stored at once, in bytes: size, or that of an element of an array
	width, shift uint32 // of a bit-field, in bits; see bitFieldOf
	signed       bool   // it is a signed number
	wider        Kind   // see coreValue
	err          error  // there is no size
	elem         *field // of an array
}

// newField looks at a type without modifiers; m is the member that has it, if there is one.
func newField(t *Types, id ID, r record, m member) *field {
	first := &field{id: id}
	last := first
	for n := 0; ; n++ {
		last.typ, last.kind = r, r.kind()
		last.size, last.err = t.sizeOf(last.id, r)
		if r.kind() != KindArray || n == maxPath {
			break
		}
		last.elem = new(field)
		last = last.elem
		last.id, r = t.strip(ID(t.word(r, 0)))
	}
	last.signed = t.signed(r)
	if last.kind == KindPointer || last.kind == KindInt && !last.signed {
		last.wider = last.kind
	}
	for f := first; f != nil; f = f.elem {
		f.load = last.size
	}
	first.width, first.shift = t.bitFieldOf(m, first.typ)
	return first
}

// newMemberField is newField for a member.
func newMemberField(t *Types, m member) *field {
	id, r := t.strip(m.typ)
	return newField(t, id, r, m)
}

// signed says whether a type without modifiers is a signed number.
func (t *Types) signed(r record) bool {
	switch r.kind() {
	case KindInt:
		return IntEncoding(t.word(r, 0)>>24)&IntSigned != 0
	case KindEnum, KindEnum64:
		return r.flag()
	}
	return false
}

// fieldsFit says whether a member of a target may stand for one of the program: structs and unions
// always, numbers of any size, pointers of any kind, arrays by their elements, enums and forward declarations
// when their names do not differ.
func fieldsFit(lt *Types, l *field, tt *Types, r *field) bool {
	for l.elem != nil && r.elem != nil {
		l, r = l.elem, r.elem
	}
	switch lk, rk := l.kind, r.kind; {
	case lk.Composite():
		return rk.Composite()
	case !sameKind(lk, rk):
		return false
	case lk == KindPointer || lk == KindFloat:
		return true
	case lk == KindInt:
		return lt.word(l.typ, 0)>>16&0xff == 0 && tt.word(r.typ, 0)>>16&0xff == 0
	case lk.Enum() || lk == KindFwd:
		return l.typ.name == 0 || r.typ.name == 0 || sameEssential(lt, l.typ.name, tt, r.typ.name)
	}
	return false
}
