package btf

import "strconv"

// Kind is a kind of type. The numbers are those of BTF_KIND_… (include/uapi/linux/btf.h).
type Kind uint8

// The kinds of type. KindVoid is type 0 only; as an argument of a search it means any kind.
const (
	KindVoid      Kind = 0
	KindInt       Kind = 1
	KindPointer   Kind = 2
	KindArray     Kind = 3
	KindStruct    Kind = 4
	KindUnion     Kind = 5
	KindEnum      Kind = 6
	KindFwd       Kind = 7
	KindTypedef   Kind = 8
	KindVolatile  Kind = 9
	KindConst     Kind = 10
	KindRestrict  Kind = 11
	KindFunc      Kind = 12
	KindFuncProto Kind = 13
	KindVar       Kind = 14
	KindDatasec   Kind = 15
	KindFloat     Kind = 16
	KindDeclTag   Kind = 17
	KindTypeTag   Kind = 18
	KindEnum64    Kind = 19
)

// lastKind is the highest kind that this package understands.
const lastKind = KindEnum64

// maxKinds is how many kinds the wire format has room for (BTF_MAX_KIND + 1).
const maxKinds = 128

var kindNames = [lastKind + 1]string{
	"void", "int", "ptr", "array", "struct", "union", "enum", "fwd", "typedef", "volatile", "const",
	"restrict", "func", "func_proto", "var", "datasec", "float", "decl_tag", "type_tag", "enum64",
}

// String returns the kernel's name of the kind in lower case, for example "func_proto".
func (k Kind) String() string {
	if k <= lastKind {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Modifier says whether a type of this kind only adds to the type that it refers to:
// typedef, volatile, const, restrict and type_tag. Strip passes over them.
func (k Kind) Modifier() bool {
	return k == KindTypedef || k >= KindVolatile && k <= KindRestrict || k == KindTypeTag
}

// Composite says whether the kind has members: struct and union.
func (k Kind) Composite() bool { return k == KindStruct || k == KindUnion }

// Enum says whether the kind has enumerators: enum and enum64.
func (k Kind) Enum() bool { return k == KindEnum || k == KindEnum64 }

// refers says whether the third word of a type of this kind is the id of another type.
func (k Kind) refers() bool {
	switch k {
	case KindPointer, KindFunc, KindFuncProto, KindVar, KindDeclTag:
		return true
	}
	return k.Modifier()
}

// kindLayout (struct btf_layout) is how much follows the three words that every type begins with.
type kindLayout struct {
	fixed uint16 // bytes once
	each  uint16 // bytes per element, as many as vlen says
}

// unknownLayout marks a kind of unknown layout, which cannot even be skipped.
var unknownLayout = kindLayout{fixed: 0xffff}

// kindLayouts are those of the known kinds. It is never changed.
var kindLayouts = func() *[maxKinds]kindLayout {
	var s [maxKinds]kindLayout
	for k := range s {
		if s[k] = unknownLayout; k > 0 && k <= int(lastKind) {
			s[k] = kindLayout{}
		}
	}
	s[KindInt].fixed = 4
	s[KindArray].fixed = 12
	s[KindStruct].each = 12
	s[KindUnion].each = 12
	s[KindEnum].each = 8
	s[KindFuncProto].each = 8
	s[KindVar].fixed = 4
	s[KindDatasec].each = 12
	s[KindDeclTag].fixed = 4
	s[KindEnum64].each = 12
	return &s
}()
