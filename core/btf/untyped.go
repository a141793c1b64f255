package btf

import "iter"

// Compilers of C++ write parts of type void where C has none: methods and static members among the
// members of a struct, and whatever BTF has no kind for, references above all, as members, elements and
// parameters. Kernels refuse them; nothing that is read needs them.

// Untyped returns the structs, unions, arrays and prototypes with a part of type void that has no
// counterpart in C, in the order of the table, its base not included. ForKernel leaves such parts out.
func (t *Types) Untyped() iter.Seq[ID] {
	return func(yield func(ID) bool) {
		t.headers(func(id ID, off, _, info uint32) bool {
			if k := (record{info: info}).kind(); k != KindArray && k != KindFuncProto && !k.Composite() {
				return true
			}
			r, _ := t.sizedRecordAt(off)
			return !t.untyped(r) || yield(id)
		})
	}
}

// untyped reports whether a part of the type is void and has no counterpart in C.
func (t *Types) untyped(r record) bool {
	switch k := r.kind(); {
	case k == KindArray:
		return t.isVoid(ID(t.word(r, 0)))
	case k == KindFuncProto:
		for i := range r.vlen() {
			if t.untypedParam(r, i) {
				return true
			}
		}
	case k.Composite():
		for i := range r.vlen() {
			if t.isVoid(ID(t.word(r, 3*i+1))) {
				return true
			}
		}
	}
	return false
}

// untypedParam reports whether a parameter is void and not the "..." at the end.
func (t *Types) untypedParam(r record, i int) bool {
	name, typ := t.word(r, 2*i), t.word(r, 2*i+1)
	dots := typ == 0 && i == r.vlen()-1 && t.nameless(name)
	return !dots && t.isVoid(ID(typ))
}

// isVoid reports whether the type is void, modified or not, or an array of it.
func (t *Types) isVoid(id ID) bool {
	for range nearHops {
		var r record
		if id, r = t.strip(id); r.kind() != KindArray {
			return id == 0
		}
		id = ID(t.word(r, 0))
	}
	return false
}

// surveyUntyped finds what has to be left out and returns the number of the next type to be added.
func (f *fixer) surveyUntyped(next ID) ID {
	f.untyped = make(map[ID]bool)
	empty, pointer := false, false
	for id := range f.t.Untyped() {
		f.untyped[id] = true
		empty = empty || f.t.Kind(id) == KindArray
		pointer = pointer || f.t.Kind(id) == KindFuncProto
	}
	for id, k := range f.t.Kinds() {
		if k == KindVar && !f.ksyms[id] && f.t.isVoid(ID(f.t.record(id).word)) {
			f.untyped[id], empty = true, true
		}
	}
	if empty {
		f.empty, next = next, next+1
	}
	if pointer {
		f.pointer, next = next, next+1
	}
	return next
}

// appendUntyped writes the types that surveyUntyped announced.
func (f *fixer) appendUntyped() error {
	if f.empty != 0 {
		if err := f.e.encode(&Struct{}); err != nil {
			return err
		}
	}
	if f.pointer == 0 {
		return nil
	}
	return f.e.encode(&Pointer{})
}

// leaveOut removes from a type, written from begin on, what is untyped. Members go; an element or a
// variable becomes an empty struct, and a parameter, for want of a better guess, a pointer.
func (f *fixer) leaveOut(r record, begin int) {
	b := f.e.out[begin:]
	switch k := r.kind(); {
	case k == KindArray:
		f.put(b[12:], uint32(f.empty))
	case k == KindVar:
		f.put(b[8:], uint32(f.empty))
	case k == KindFuncProto:
		for i := range r.vlen() {
			if f.t.untypedParam(r, i) {
				f.put(b[12+8*i+4:], uint32(f.pointer))
			}
		}
	case k.Composite():
		kept := 0
		for i := range r.vlen() {
			if !f.t.isVoid(ID(f.t.word(r, 3*i+1))) {
				copy(b[12+12*kept:], b[12+12*i:12+12*i+12])
				kept++
			}
		}
		f.put(b[4:], r.info&^maxVlen|uint32(kept))
		f.e.out = f.e.out[:begin+12+12*kept]
	}
}

// retag moves a declaration tag, written from begin on, to the member that it is on now. One on a member
// that was left out becomes a type that nothing refers to.
func (f *fixer) retag(r record, begin int) {
	on, component := f.t.record(ID(r.word)), int32(f.t.word(r, 0))
	if !on.kind().Composite() || component < 0 {
		return
	}
	if f.t.isVoid(ID(f.t.word(on, 3*int(component)+1))) {
		f.e.out = f.e.out[:begin]
		f.e.words(0, uint32(KindConst)<<24, 0)
		return
	}
	now := component
	for i := range int(component) {
		if f.t.isVoid(ID(f.t.word(on, 3*i+1))) {
			now--
		}
	}
	f.put(f.e.out[begin+12:], uint32(now))
}
