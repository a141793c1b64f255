package btf

// Type is one type of a Types table: a pointer to one of the structs of this file. What it refers
// to is an id, so a type is a value of its own and a graph of types is never walked by accident.
// Types that come out of a table are shared and must not be changed.
type Type interface {
	Kind() Kind
}

// Void is type 0.
type Void struct{}

// IntEncoding says how an integer is meant (BTF_INT_…, include/uapi/linux/btf.h).
type IntEncoding uint8

// The flags of an integer.
const (
	IntSigned IntEncoding = 1 << 0
	IntChar   IntEncoding = 1 << 1
	IntBool   IntEncoding = 1 << 2
)

// Int is an integer type.
type Int struct {
	Name     string
	Size     uint32 // bytes
	Encoding IntEncoding
	Offset   uint8 // bits; not zero only in old BTF that has bit-fields as types
	Bits     uint8 // width; Size*8 unless the type is an old bit-field. A Builder takes 0 for all bits from Offset on
}

// Pointer is a pointer to another type, 0 for void.
type Pointer struct{ Type ID }

// Array is an array of Count elements; 0 for a flexible array member.
type Array struct {
	Type  ID // of an element
	Index ID // integer type of the index
	Count uint32
}

// Member is a member of a struct or union.
type Member struct {
	Name    string // empty for an anonymous struct or union, and for padding bit-fields
	Type    ID
	Offset  uint32 // bits from the start of the struct
	BitSize uint32 // bits of a bit-field; 0 for other members
}

// Struct is a struct or a union.
type Struct struct {
	Name    string
	Union   bool
	Size    uint32 // bytes
	Members []Member
}

// Enumerator is a named value of an enum. The value of a signed enum is sign-extended.
type Enumerator struct {
	Name  string
	Value uint64
}

// Enum is an enumeration.
type Enum struct {
	Name   string
	Size   uint32 // bytes
	Signed bool
	Wide   bool // an enum64: values may need more than 32 bits
	Values []Enumerator
}

// Fwd is a forward declaration of a struct or union.
type Fwd struct {
	Name  string
	Union bool
}

// Typedef is another name for a type.
type Typedef struct {
	Name string
	Type ID
}

// Volatile is the volatile form of a type.
type Volatile struct{ Type ID }

// Const is the const form of a type.
type Const struct{ Type ID }

// Restrict is the restrict form of a pointer type.
type Restrict struct{ Type ID }

// Linkage is how visible a function or variable is
// (enum btf_func_linkage and BTF_VAR_…, include/uapi/linux/btf.h).
type Linkage uint32

// The linkages of functions and variables.
const (
	LinkStatic Linkage = 0
	LinkGlobal Linkage = 1
	LinkExtern Linkage = 2
)

// Func is a function (kind FUNC). Type is its FuncProto.
type Func struct {
	Name    string
	Type    ID
	Linkage Linkage
}

// Param is a parameter of a function. A last one of type 0 without a name is "...".
type Param struct {
	Name string
	Type ID
}

// FuncProto is the signature of functions.
type FuncProto struct {
	Return ID // 0 for void
	Params []Param
}

// Var is a variable. Type is 0 for an extern of unknown type.
type Var struct {
	Name    string
	Type    ID
	Linkage Linkage
}

// SecVar is where a variable or extern function is in its section.
type SecVar struct {
	Type   ID     // a Var or a Func
	Offset uint32 // bytes from the start of the section; often 0 in object files, where the symbol knows
	Size   uint32 // bytes
}

// Datasec is a data section of an object file and what is in it.
type Datasec struct {
	Name string
	Size uint32 // bytes; 0 in object files, where the section header knows
	Vars []SecVar
}

// Float is a floating point type.
type Float struct {
	Name string
	Size uint32 // bytes
}

// DeclTag is a remark on a declaration (btf_decl_tag of clang).
type DeclTag struct {
	Tag       string
	Type      ID    // the struct, union, typedef, variable or function
	Component int32 // number of the member or parameter that is meant; -1 for the whole
	Attr      bool  // the tag is any attribute of the language, not a btf_decl_tag (kind_flag, Linux 6.15)
}

// TypeTag is a remark on a type (btf_type_tag of clang), such as "rcu" or "user" on a pointee.
type TypeTag struct {
	Tag  string
	Type ID
	Attr bool // as for DeclTag
}

// Unknown is a type of a kind that is newer than this package. Only its place in the table is
// known.
type Unknown struct{ Number Kind }

// Kind is KindVoid.
func (*Void) Kind() Kind { return KindVoid }

// Kind is KindInt.
func (*Int) Kind() Kind { return KindInt }

// Kind is KindPointer.
func (*Pointer) Kind() Kind { return KindPointer }

// Kind is KindArray.
func (*Array) Kind() Kind { return KindArray }

// Kind is KindStruct or KindUnion.
func (s *Struct) Kind() Kind {
	if s.Union {
		return KindUnion
	}
	return KindStruct
}

// Kind is KindEnum or KindEnum64.
func (e *Enum) Kind() Kind {
	if e.Wide {
		return KindEnum64
	}
	return KindEnum
}

// Kind is KindFwd.
func (*Fwd) Kind() Kind { return KindFwd }

// Kind is KindTypedef.
func (*Typedef) Kind() Kind { return KindTypedef }

// Kind is KindVolatile.
func (*Volatile) Kind() Kind { return KindVolatile }

// Kind is KindConst.
func (*Const) Kind() Kind { return KindConst }

// Kind is KindRestrict.
func (*Restrict) Kind() Kind { return KindRestrict }

// Kind is KindFunc.
func (*Func) Kind() Kind { return KindFunc }

// Kind is KindFuncProto.
func (*FuncProto) Kind() Kind { return KindFuncProto }

// Kind is KindVar.
func (*Var) Kind() Kind { return KindVar }

// Kind is KindDatasec.
func (*Datasec) Kind() Kind { return KindDatasec }

// Kind is KindFloat.
func (*Float) Kind() Kind { return KindFloat }

// Kind is KindDeclTag.
func (*DeclTag) Kind() Kind { return KindDeclTag }

// Kind is KindTypeTag.
func (*TypeTag) Kind() Kind { return KindTypeTag }

// Kind is the number of the unknown kind.
func (u *Unknown) Kind() Kind { return u.Number }
