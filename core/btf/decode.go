package btf

// decoders make a Type of a record that was checked.
var decoders = [lastKind + 1]func(*Types, record) Type{
	KindInt:       decodeInt,
	KindPointer:   func(_ *Types, r record) Type { return &Pointer{Type: ID(r.word)} },
	KindArray:     decodeArray,
	KindStruct:    decodeStruct,
	KindUnion:     decodeStruct,
	KindEnum:      decodeEnum,
	KindFwd:       func(t *Types, r record) Type { return &Fwd{Name: t.str(r.name), Union: r.flag()} },
	KindTypedef:   func(t *Types, r record) Type { return &Typedef{Name: t.str(r.name), Type: ID(r.word)} },
	KindVolatile:  func(_ *Types, r record) Type { return &Volatile{Type: ID(r.word)} },
	KindConst:     func(_ *Types, r record) Type { return &Const{Type: ID(r.word)} },
	KindRestrict:  func(_ *Types, r record) Type { return &Restrict{Type: ID(r.word)} },
	KindFunc:      decodeFunc,
	KindFuncProto: decodeFuncProto,
	KindVar:       decodeVar,
	KindDatasec:   decodeDatasec,
	KindFloat:     func(t *Types, r record) Type { return &Float{Name: t.str(r.name), Size: r.word} },
	KindDeclTag:   decodeDeclTag,
	KindTypeTag: func(t *Types, r record) Type {
		return &TypeTag{Tag: t.str(r.name), Type: ID(r.word), Attr: r.flag()}
	},
	KindEnum64: decodeEnum,
}

func (t *Types) decode(r record) Type {
	if k := r.kind(); k > lastKind {
		return &Unknown{Number: k}
	}
	return decoders[r.kind()](t, r)
}

// word reads the nth word that follows the first three.
func (t *Types) word(r record, n int) uint32 { return t.u32(r.body[4*n:]) }

func decodeInt(t *Types, r record) Type {
	w := t.word(r, 0)
	return &Int{
		Name: t.str(r.name), Size: r.word,
		Encoding: IntEncoding(w >> 24 & 0xf), Offset: uint8(w >> 16), Bits: uint8(w),
	}
}

func decodeArray(t *Types, r record) Type {
	a := new(Array)
	a.fill(t, r)
	return a
}

func (a *Array) fill(t *Types, r record) {
	a.Type, a.Index, a.Count = ID(t.word(r, 0)), ID(t.word(r, 1)), t.word(r, 2)
}

// some is a slice of n elements, nil for none.
func some[T any](n int) []T {
	if n == 0 {
		return nil
	}
	return make([]T, n)
}

func decodeStruct(t *Types, r record) Type {
	s := &Struct{Members: some[Member](r.vlen())}
	s.fill(t, r)
	return s
}

// fill decodes into a struct that has room for its members, as the other methods of this name do.
func (s *Struct) fill(t *Types, r record) {
	s.Name, s.Union, s.Size = t.str(r.name), r.kind() == KindUnion, r.word
	for i := range s.Members {
		m := t.member(r, i)
		s.Members[i] = Member{Name: t.str(m.name), Type: m.typ, Offset: m.offset, BitSize: m.bits}
	}
}

// member is a member as it is written, with offset and width taken apart.
type member struct {
	name   uint32
	typ    ID
	offset uint32 // bits
	bits   uint32 // width of a bit-field, or 0
}

// member reads the ith member of a struct or union.
func (t *Types) member(r record, i int) member {
	m := member{name: t.word(r, 3*i), typ: ID(t.word(r, 3*i+1)), offset: t.word(r, 3*i+2)}
	if r.flag() {
		m.bits, m.offset = m.offset>>24, m.offset&0xffffff
	}
	return m
}

func decodeEnum(t *Types, r record) Type {
	e := &Enum{Values: some[Enumerator](r.vlen())}
	e.fill(t, r)
	return e
}

func (e *Enum) fill(t *Types, r record) {
	e.Name, e.Size, e.Signed, e.Wide = t.str(r.name), r.word, r.flag(), r.kind() == KindEnum64
	for i := range e.Values {
		e.Values[i] = Enumerator{Name: t.str(t.enumName(r, i)), Value: t.enumValue(r, i)}
	}
}

// enumValue reads the ith value of an enum or enum64.
func (t *Types) enumValue(r record, i int) uint64 {
	if r.kind() == KindEnum64 {
		return uint64(t.word(r, 3*i+1)) | uint64(t.word(r, 3*i+2))<<32
	}
	if v := t.word(r, 2*i+1); !r.flag() {
		return uint64(v)
	} else {
		return uint64(int64(int32(v)))
	}
}

// enumName reads the offset of the ith name of an enum or enum64.
func (t *Types) enumName(r record, i int) uint32 {
	if r.kind() == KindEnum64 {
		return t.word(r, 3*i)
	}
	return t.word(r, 2*i)
}

func decodeFunc(t *Types, r record) Type {
	return &Func{Name: t.str(r.name), Type: ID(r.word), Linkage: Linkage(r.vlen())}
}

func decodeFuncProto(t *Types, r record) Type {
	f := &FuncProto{Params: some[Param](r.vlen())}
	f.fill(t, r)
	return f
}

func (f *FuncProto) fill(t *Types, r record) {
	f.Return = ID(r.word)
	for i := range f.Params {
		f.Params[i] = Param{Name: t.str(t.word(r, 2*i)), Type: ID(t.word(r, 2*i+1))}
	}
}

func decodeVar(t *Types, r record) Type {
	return &Var{Name: t.str(r.name), Type: ID(r.word), Linkage: Linkage(t.word(r, 0))}
}

func decodeDatasec(t *Types, r record) Type {
	d := &Datasec{Name: t.str(r.name), Size: r.word, Vars: some[SecVar](r.vlen())}
	for i := range d.Vars {
		d.Vars[i] = SecVar{Type: ID(t.word(r, 3*i)), Offset: t.word(r, 3*i+1), Size: t.word(r, 3*i+2)}
	}
	return d
}

func decodeDeclTag(t *Types, r record) Type {
	d := new(DeclTag)
	d.fill(t, r)
	return d
}

func (d *DeclTag) fill(t *Types, r record) {
	d.Tag, d.Type, d.Component, d.Attr = t.str(r.name), ID(r.word), int32(t.word(r, 0)), r.flag()
}
