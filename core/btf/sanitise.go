package btf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Feature is something that BTF has and an older kernel does not accept. Features are combined with
// |.
type Feature uint16

// What kernels have learnt to accept, in the order in which they did.
const (
	FeatureFunc        Feature = 1 << iota // functions and prototypes, Linux 5.0
	FeatureDatasec                         // variables and data sections, Linux 5.2
	FeatureFuncLinkage                     // functions that are global, Linux 5.6
	FeatureFloat                           // floating point, Linux 5.13
	FeatureDeclTag                         // declaration tags, Linux 5.16
	FeatureTypeTag                         // type tags, Linux 5.17
	FeatureEnum64                          // enums of 64 bits, and signs of enums, Linux 6.0
	FeatureAttr                            // tags that are any attribute, Linux 6.15
	FeatureLayout                          // the layout table, Linux 7.1
)

// AllFeatures are all that this package knows.
const AllFeatures = FeatureLayout<<1 - 1

// featureFacts are the name of each feature and the first kernel that has it.
var featureFacts = [...]struct{ name, since string }{
	{"func", "5.0"}, {"datasec", "5.2"}, {"func linkage", "5.6"}, {"float", "5.13"}, {"decl_tag", "5.16"},
	{"type_tag", "5.17"}, {"enum64", "6.0"}, {"attribute tags", "6.15"}, {"layout", "7.1"},
}

// String names the features, "func linkage, float".
func (f Feature) String() string {
	var b bytes.Buffer
	for i, fact := range featureFacts {
		if f>>i&1 == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(fact.name)
	}
	return b.String()
}

// Since is the version of the first kernel that has the feature; of several features, the latest.
func (f Feature) Since() string {
	if f &= AllFeatures; f == 0 {
		return ""
	}
	return featureFacts[bits.Len16(uint16(f))-1].since
}

// Replacement is a type that was written as another one for an older kernel.
type Replacement struct {
	Type     ID
	Name     string // of the type, as it was
	From, To Kind
	Lacks    Feature // what the kernel lacks
}

// Features returns the features that the table makes use of, its base not included.
func (t *Types) Features() Feature {
	f := Feature(0)
	if len(t.layout) > 0 {
		f = FeatureLayout
	}
	t.headers(func(_ ID, _, _, info uint32) bool {
		r := record{info: info}
		f |= uses(r)
		return true
	})
	return f
}

// uses returns the features that a type needs.
func uses(r record) Feature {
	switch r.kind() {
	case KindFunc:
		if r.vlen() != int(LinkStatic) {
			return FeatureFunc | FeatureFuncLinkage
		}
		return FeatureFunc
	case KindFuncProto:
		return FeatureFunc
	case KindVar, KindDatasec:
		return FeatureDatasec
	case KindFloat:
		return FeatureFloat
	case KindDeclTag:
		return FeatureDeclTag | attr(r)
	case KindTypeTag:
		return FeatureTypeTag | attr(r)
	case KindEnum64:
		return FeatureEnum64
	case KindEnum:
		if r.flag() {
			return FeatureEnum64
		}
	}
	return 0
}

func attr(r record) Feature {
	if r.flag() {
		return FeatureAttr
	}
	return 0
}

// Sanitise returns the table as bytes for a kernel that accepts only some features, and lists what
// was replaced. Ids stay the same, and sizes too, so that maps and programs may refer to the types;
// what is lost is meaning. As libbpf does, prototypes become enums, functions typedefs, variables
// ints, data sections structs, floats structs without members, declaration tags ints, type tags
// const, and enums of 64 bits unions. Use it after ForKernel. The error wraps ErrBuild or
// ErrForKernel.
func (t *Types) Sanitise(accepts Feature) ([]byte, []Replacement, error) {
	if t.base != nil {
		return nil, nil, fmt.Errorf("sanitise types: %w: they are split", ErrForKernel)
	}
	s := &sanitiser{t: t, lacks: AllFeatures &^ accepts, e: newEncoder(t.big, 0)}
	s.e.strs = bytes.Clone(t.strs.data)
	var err error
	t.headers(func(id ID, off, _, _ uint32) bool {
		if err = s.copy(id, off); err != nil {
			err = fmt.Errorf("sanitise type %d: %w", id, err)
		}
		return err == nil
	})
	if err == nil && s.filler {
		err = s.e.encode(&Int{Name: "enum64_placeholder", Size: 1})
	}
	if err != nil {
		return nil, nil, err
	}
	layout := t.layout
	if s.lacks&FeatureLayout != 0 {
		layout = nil
	}
	return s.e.blob(layout), s.list, nil
}

// sanitiser copies a table.
type sanitiser struct {
	t      *Types
	e      *encoder
	lacks  Feature
	list   []Replacement
	filler bool // an int for the members of unions that were enums is needed
}

// copy writes one type as it is or as what replaces it.
func (s *sanitiser) copy(id ID, off uint32) error {
	r, n := s.t.sizedRecordAt(off)
	if s.lacks&uses(r) == 0 {
		s.e.out = append(s.e.out, s.t.types[off:off+n]...)
		return nil
	}
	begin := len(s.e.out)
	err := s.replace(r)
	to := Kind(s.word(begin+4) >> 24 & 0x7f)
	s.list = append(s.list, Replacement{Type: id, Name: s.t.str(r.name), From: r.kind(), To: to, Lacks: s.lacks & uses(r)})
	return err
}

func (s *sanitiser) word(at int) uint32 { return s.t.u32(s.e.out[at:]) }

// replace writes what replaces a type that the kernel does not accept.
func (s *sanitiser) replace(r record) error {
	head := func(name uint32, k Kind, vlen int, word uint32) { s.e.words(name, uint32(k)<<24|uint32(vlen), word) }
	lacks := s.lacks & uses(r)
	switch k := r.kind(); k {
	case KindFuncProto:
		return s.enum(r)
	case KindFunc:
		if lacks&FeatureFunc != 0 {
			head(r.name, KindTypedef, 0, r.word)
		} else {
			head(r.name, KindFunc, int(LinkStatic), r.word)
		}
	case KindVar:
		head(r.name, KindInt, 0, 1) // the name says most
		s.e.words(8)
	case KindDatasec:
		return s.section(r)
	case KindFloat:
		head(0, KindStruct, 0, r.word) // "float" is not a name of a struct
	case KindDeclTag:
		if lacks == FeatureAttr { // the tag alone is known
			head(r.name, KindDeclTag, 0, r.word)
			s.e.words(s.t.word(r, 0))
			return nil
		}
		head(0, KindInt, 0, 1)
		s.e.words(8)
	case KindTypeTag:
		if lacks == FeatureAttr {
			head(r.name, KindTypeTag, 0, r.word)
		} else {
			head(0, KindConst, 0, r.word)
		}
	case KindEnum:
		head(r.name, KindEnum, r.vlen(), r.word)
		s.e.out = append(s.e.out, r.body...)
	case KindEnum64:
		s.filler = true
		head(r.name, KindUnion, r.vlen(), r.word)
		for i := range r.vlen() {
			s.e.words(s.t.enumName(r, i), uint32(s.t.Len()), 0)
		}
	}
	return nil
}

// enum writes a prototype as an enum, which can name the parameters.
func (s *sanitiser) enum(r record) error {
	s.e.words(r.name, uint32(KindEnum)<<24|uint32(r.vlen()), 4)
	for i := range r.vlen() {
		name := s.t.word(r, 2*i)
		if s.t.nameless(name) { // as for "..."
			var err error
			if name, err = s.e.str(fmt.Sprintf("arg%d", i)); err != nil {
				return err
			}
		}
		s.e.words(name, uint32(i))
	}
	return nil
}

// section writes a data section as a struct.
func (s *sanitiser) section(r record) error {
	b, _ := s.t.nameBytes(r.name)
	name, err := s.e.bytes(bytes.Map(func(c rune) rune {
		if c == '.' || c == '?' || c == '/' {
			return '_'
		}
		return c
	}, b))
	if err != nil {
		return err
	}
	s.e.words(name, uint32(KindStruct)<<24|uint32(r.vlen()), r.word)
	for i := range r.vlen() {
		v := ID(s.t.word(r, 3*i))
		// The variable is an int of one byte now, which is inside its place whatever the size of
		// that.
		at := s.t.word(r, 3*i+1)
		if uint64(at)*8 > 1<<32-1 {
			return fmt.Errorf("%w: a variable at %d", ErrBuild, at)
		}
		s.e.words(s.t.record(v).name, uint32(v), at*8)
	}
	return nil
}

// Probe makes a small blob that only kernels with the feature accept, for one feature of the list.
func (f Feature) Probe(order binary.ByteOrder) []byte {
	b := Builder{Order: order}
	n := b.Add(&Int{Name: "int", Size: 4, Encoding: IntSigned})
	switch f {
	case FeatureFunc:
		b.Add(&Func{Name: "f", Type: b.Add(&FuncProto{Return: n})})
	case FeatureFuncLinkage:
		b.Add(&Func{Name: "f", Type: b.Add(&FuncProto{Return: n}), Linkage: LinkGlobal})
	case FeatureDatasec:
		v := b.Add(&Var{Name: "v", Type: n, Linkage: LinkGlobal})
		b.Add(&Datasec{Name: ".data", Size: 4, Vars: []SecVar{{Type: v, Size: 4}}})
	case FeatureFloat:
		b.Add(&Float{Name: "float", Size: 4})
	case FeatureDeclTag, FeatureAttr:
		v := b.Add(&Struct{Name: "s", Size: 4, Members: []Member{{Name: "m", Type: n}}})
		b.Add(&DeclTag{Tag: "tag", Type: v, Component: -1, Attr: f == FeatureAttr})
	case FeatureTypeTag:
		b.Add(&Pointer{Type: b.Add(&TypeTag{Tag: "tag", Type: n})})
	case FeatureEnum64:
		b.Add(&Enum{Name: "e", Size: 8, Wide: true, Values: []Enumerator{{Name: "A", Value: 1 << 40}}})
	case FeatureLayout:
		e, err := b.encode(false)
		if err != nil {
			return nil
		}
		return e.blob(layoutTable())
	}
	raw, err := b.Bytes()
	if err != nil {
		return nil
	}
	return raw
}

// layoutTable describes all known kinds, as newer BTF does.
func layoutTable() []byte {
	b := make([]byte, 0, 4*(int(lastKind)+1))
	for k := range lastKind + 1 {
		if s := kindLayouts[k]; k > 0 {
			b = append(b, byte(s.fixed), byte(s.each), 0, 0)
		} else {
			b = append(b, 0, 0, 0, 0)
		}
	}
	return b
}
