package btf

// slabs hold the types of a page, so that there is one allocation for each kind and not for each type. Kinds
// that are rare in kernels are not among them.
type slabs struct {
	memory
	n [lastKind + 1]int // types by kind
	e [lastKind + 1]int // their elements by kind
}

// memory is what types are made in.
type memory struct {
	pointers []Pointer
	consts   []Const
	typedefs []Typedef
	arrays   []Array
	funcs    []Func
	protos   []FuncProto
	structs  []Struct
	enums    []Enum
	tags     []DeclTag
	members  []Member
	params   []Param
	values   []Enumerator
}

// count makes room for a type.
func (s *slabs) count(r record) {
	if k := r.kind(); k <= lastKind {
		s.n[k]++
		s.e[k] += r.vlen()
	}
}

// make allocates what was counted.
func (s *slabs) make() {
	s.pointers = make([]Pointer, s.n[KindPointer])
	s.consts = make([]Const, s.n[KindConst])
	s.typedefs = make([]Typedef, s.n[KindTypedef])
	s.arrays = make([]Array, s.n[KindArray])
	s.funcs = make([]Func, s.n[KindFunc])
	s.protos = make([]FuncProto, s.n[KindFuncProto])
	s.structs = make([]Struct, s.n[KindStruct]+s.n[KindUnion])
	s.enums = make([]Enum, s.n[KindEnum]+s.n[KindEnum64])
	s.tags = make([]DeclTag, s.n[KindDeclTag])
	s.members = make([]Member, s.e[KindStruct]+s.e[KindUnion])
	s.params = make([]Param, s.e[KindFuncProto])
	s.values = make([]Enumerator, s.e[KindEnum]+s.e[KindEnum64])
}

// next takes the first n elements of a slab.
func next[T any](slab *[]T, n int) []T {
	if n == 0 {
		return nil
	}
	v := (*slab)[:n:n]
	*slab = (*slab)[n:]
	return v
}

// decode is Types.decode with memory that is there.
func (s *memory) decode(t *Types, r record) Type {
	switch r.kind() {
	case KindPointer:
		p := &next(&s.pointers, 1)[0]
		p.Type = ID(r.word)
		return p
	case KindConst:
		p := &next(&s.consts, 1)[0]
		p.Type = ID(r.word)
		return p
	case KindTypedef:
		p := &next(&s.typedefs, 1)[0]
		p.Name, p.Type = t.str(r.name), ID(r.word)
		return p
	case KindArray:
		p := &next(&s.arrays, 1)[0]
		p.fill(t, r)
		return p
	case KindFunc:
		p := &next(&s.funcs, 1)[0]
		p.Name, p.Type, p.Linkage = t.str(r.name), ID(r.word), Linkage(r.vlen())
		return p
	case KindFuncProto:
		p := &next(&s.protos, 1)[0]
		p.Params = next(&s.params, r.vlen())
		p.fill(t, r)
		return p
	case KindStruct, KindUnion:
		p := &next(&s.structs, 1)[0]
		p.Members = next(&s.members, r.vlen())
		p.fill(t, r)
		return p
	case KindEnum, KindEnum64:
		p := &next(&s.enums, 1)[0]
		p.Values = next(&s.values, r.vlen())
		p.fill(t, r)
		return p
	case KindDeclTag:
		p := &next(&s.tags, 1)[0]
		p.fill(t, r)
		return p
	}
	return t.decode(r)
}
