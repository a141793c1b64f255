package btf

import "iter"

// Refs returns the ids that a type refers to, in the order in which they are written, void
// included. With Visit it is the way to work with graphs of types, which have cycles: nothing here
// follows more than one step.
func (t *Types) Refs(id ID) iter.Seq[ID] {
	return func(yield func(ID) bool) { t.refs(id, yield) }
}

// refs is Refs with a function that says when to stop.
func (t *Types) refs(id ID, yield func(ID) bool) {
	r := t.record(id)
	k := r.kind()
	if k.refers() && !yield(ID(r.word)) {
		return
	}
	step, first, n := r.ids()
	for i := range n {
		if !yield(ID(t.word(r, step*i+first))) {
			return
		}
	}
}

// DeclTags returns every declaration tag of the table with its id, those of the base not included.
// It leaves out tags that are malformed. Type tags are among what types refer to.
func (t *Types) DeclTags() iter.Seq2[ID, *DeclTag] {
	return func(yield func(ID, *DeclTag) bool) {
		t.headers(func(id ID, _, _, info uint32) bool {
			if (record{info: info}).kind() != KindDeclTag {
				return true
			}
			typ, err := t.Type(id)
			tag, ok := typ.(*DeclTag)
			return err != nil || !ok || yield(id, tag)
		})
	}
}

// ids says where in the words after the first three ids are: how far apart, after how many, and how
// many.
func (r record) ids() (step, first, count int) {
	switch k := r.kind(); {
	case k.Composite():
		return 3, 1, r.vlen()
	case k == KindFuncProto:
		return 2, 1, r.vlen()
	case k == KindDatasec:
		return 3, 0, r.vlen()
	case k == KindArray:
		return 1, 0, 2
	}
	return 0, 0, 0
}

// Ref returns the nth of the ids that a type refers to, counted from 0; false after the last. It is
// for those who come back to a type, as walks with a stack of their own do.
func (t *Types) Ref(id ID, n int) (ID, bool) {
	r := t.record(id)
	k := r.kind()
	if k.refers() {
		if n == 0 {
			return ID(r.word), true
		}
		n--
	}
	step, first, count := r.ids()
	if n < 0 || n >= count {
		return 0, false
	}
	return ID(t.word(r, step*n+first)), true
}

// Kinds returns id and kind of every type of the table, those of the base not included, without
// making them.
func (t *Types) Kinds() iter.Seq2[ID, Kind] {
	return func(yield func(ID, Kind) bool) {
		t.headers(func(id ID, _, _, info uint32) bool { return yield(id, record{info: info}.kind()) })
	}
}

// Visit calls f once for each type that can be reached from the roots, void left out, the nearest
// first. What a type refers to is visited only if f returns true for it. Visit does not recurse, so
// neither cycles nor depth matter.
func (t *Types) Visit(f func(ID) bool, roots ...ID) {
	seen := make([]uint64, t.Len()/64+1)
	list := make([]ID, 0, len(roots))
	add := func(id ID) {
		if id != 0 && int(id) < t.Len() && seen[id/64]>>(id%64)&1 == 0 {
			seen[id/64] |= 1 << (id % 64)
			list = append(list, id)
		}
	}
	for _, id := range roots {
		add(id)
	}
	for len(list) > 0 {
		id := list[0]
		list = list[1:]
		if f(id) {
			for to := range t.Refs(id) {
				add(to)
			}
		}
	}
}
