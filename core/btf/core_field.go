package btf

// field is a type that an access may come to, and what relocations depend on of it. It is not
// changed any more.
type field struct {
	id           ID // without modifiers
	kind         Kind
	typ          record
	size         uint32 // bytes
	load         uint32 // what is loaded or stored at once, in bytes: size, or that of an element of an array
	width, shift uint32 // of a bit-field, in bits; see bitFieldOf
	signed       bool   // it is a signed number
	wider        Kind   // see coreValue
	err          error  // why it has no size
	elem         *field // of an array; may be nil deep inside, see element
}

// maxElems is how many arrays inside of each other are looked at in advance.
const maxElems = 4

// newField looks at a type without modifiers; m is the member that has it, if there is one.
func newField(t *Types, id ID, r record, m member) *field {
	first := fieldOf(t, id, r)
	first.width, first.shift = t.bitFieldOf(m, r)
	for f, n := first, 0; f.kind == KindArray && n < maxElems; n++ {
		id, r = t.elementOf(f.typ)
		f.elem = fieldOf(t, id, r)
		f = f.elem
	}
	return first
}

// fieldOf looks at a type and not at its elements.
func fieldOf(t *Types, id ID, r record) *field {
	f := &field{id: id, kind: r.kind(), typ: r, signed: t.signed(r)}
	f.size, f.err = t.sizeOf(id, r)
	if f.kind == KindPointer || f.kind == KindInt && !f.signed {
		f.wider = f.kind
	}
	for n := 0; r.kind() == KindArray && n < maxPath; n++ {
		id, r = t.elementOf(r)
	}
	f.load, _ = t.sizeOf(id, r) // without a size, err says so
	return f
}

// elementOf returns the type of the elements of an array, without modifiers.
func (t *Types) elementOf(array record) (ID, record) { return t.strip(ID(t.word(array, 0))) }

// element returns the field of an element of an array, nil if the field is not an array.
func (f *field) element(t *Types) *field {
	if f.elem != nil || f.kind != KindArray {
		return f.elem
	}
	id, r := t.elementOf(f.typ)
	return newField(t, id, r, member{})
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

// fieldsFit says whether a member of a target may match one of the program: structs and unions
// always, numbers of any size, pointers of any kind, arrays by their elements, enums and forward
// declarations when their names do not differ.
func fieldsFit(lt *Types, l *field, tt *Types, r *field) bool {
	for n := 0; l.kind == KindArray && r.kind == KindArray && n < maxPath; n++ {
		l, r = l.element(lt), r.element(tt)
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
