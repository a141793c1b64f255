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
	KindEnum64: decodeEnum64,
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
	return &Array{Type: ID(t.word(r, 0)), Index: ID(t.word(r, 1)), Count: t.word(r, 2)}
}

func decodeStruct(t *Types, r record) Type {
	s := &Struct{Name: t.str(r.name), Union: r.kind() == KindUnion, Size: r.word}
	if n := r.vlen(); n > 0 {
		s.Members = make([]Member, n)
	}
	for i := range s.Members {
		m := t.member(r, i)
		s.Members[i] = Member{Name: t.str(m.name), Type: m.typ, Offset: m.offset, BitSize: m.bits}
	}
	return s
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
	e := &Enum{Name: t.str(r.name), Size: r.word, Signed: r.flag()}
	if n := r.vlen(); n > 0 {
		e.Values = make([]Enumerator, n)
	}
	for i := range e.Values {
		e.Values[i].Name = t.str(t.word(r, 2*i))
		e.Values[i].Value = t.enumValue(r, i)
	}
	return e
}

func decodeEnum64(t *Types, r record) Type {
	e := &Enum{Name: t.str(r.name), Size: r.word, Signed: r.flag(), Wide: true}
	if n := r.vlen(); n > 0 {
		e.Values = make([]Enumerator, n)
	}
	for i := range e.Values {
		e.Values[i].Name = t.str(t.word(r, 3*i))
		e.Values[i].Value = t.enumValue(r, i)
	}
	return e
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
	return &Function{Name: t.str(r.name), Type: ID(r.word), Linkage: Linkage(r.vlen())}
}

func decodeFuncProto(t *Types, r record) Type {
	f := &FuncProto{Return: ID(r.word)}
	if n := r.vlen(); n > 0 {
		f.Params = make([]Param, n)
	}
	for i := range f.Params {
		f.Params[i] = Param{Name: t.str(t.word(r, 2*i)), Type: ID(t.word(r, 2*i+1))}
	}
	return f
}

func decodeVar(t *Types, r record) Type {
	return &Var{Name: t.str(r.name), Type: ID(r.word), Linkage: Linkage(t.word(r, 0))}
}

func decodeDatasec(t *Types, r record) Type {
	d := &Datasec{Name: t.str(r.name), Size: r.word}
	if n := r.vlen(); n > 0 {
		d.Vars = make([]SecVar, n)
	}
	for i := range d.Vars {
		d.Vars[i] = SecVar{Type: ID(t.word(r, 3*i)), Offset: t.word(r, 3*i+1), Size: t.word(r, 3*i+2)}
	}
	return d
}

func decodeDeclTag(t *Types, r record) Type {
	return &DeclTag{Tag: t.str(r.name), Type: ID(r.word), Component: int32(t.word(r, 0)), Attr: r.flag()}
}
