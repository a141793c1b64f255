package abi

import (
	"fmt"
	"slices"
)

// Func is one function that the host offers to guests in Module.
type Func struct {
	ID         FuncID // number of the function, only ever added to
	Name       string // import name
	Group      string // heading in the reference; name of the host's interface
	Params     []Param
	Result     string // what a result of zero or above means
	Phases     Phase  // where it may be called; elsewhere it answers PHASE
	Capability string // what a policy must grant, in policy words; empty is nothing
	Since      uint16 // minor version that added it
	Doc        string
}

// ParamKind says how a parameter is passed and what the host checks before the call is made.
type ParamKind uint8

// The kinds of parameter. "Pair" kinds are two i32 in the signature: a pointer and a length; a
// length of zero means that the pointer is not looked at.
const (
	Handle32  ParamKind = iota + 1 // i32: a handle
	U32                            // i32: a number
	U64                            // i64: a number
	Name                           // pair: a name, see CheckName
	Text                           // pair: UTF-8 text, see CheckText
	Bytes                          // pair: any bytes
	InRecord                       // pair: a record that starts with its size, see ReadRecord
	InArray                        // pair: pointer and number of records of a fixed size
	Out                            // pair: buffer and its capacity, see CopyOut
	Fill                           // pair: buffer that is filled to its last byte, or the call fails
	OutRecord                      // pair: buffer for a record that starts with its size, see CopyRecord
	OutArray                       // pair: pointer and number of records that fit
	OutU64                         // i32: where eight bytes are stored, only on success
)

// Pair reports whether the parameter takes two i32: a pointer and a length.
func (k ParamKind) Pair() bool { return k >= Name && k <= OutArray }

// Output reports whether the host writes to where the parameter points, and does not read there.
func (k ParamKind) Output() bool { return k >= Out && k <= OutU64 }

// Param is one parameter of a Func or Hook.
type Param struct {
	Name string
	Kind ParamKind
	Of   string // record, enum or handle kind that it holds, if one only
}

// Hook is a function that a guest may export.
type Hook struct {
	Name     string
	Params   []Param
	Phase    Phase
	Required bool
	Since    uint16
	Doc      string
}

// PropType says how the value of a property is passed and what the SDKs make of it.
type PropType uint8

// The types of property. Number, Bool and Choice go through get_u and set_u, the others through
// get_b and set_b.
const (
	Number     PropType = iota + 1
	Bool                // 0 or 1
	Choice              // a value of the enum Property.Of
	NameBytes           // see CheckName
	LineBytes           // see CheckLine
	PlainBytes          // anything
)

// Numeric reports whether the property is read and written with get_u and set_u.
func (t PropType) Numeric() bool { return t <= Choice }

// Property is something that a handle of one kind has.
type Property struct {
	Name  string // without the kind
	Kind  Kind
	Num   uint8 // within the kind
	Type  PropType
	Of    string // enum of a Choice, or of a Number whose bits it names
	Read  Phase
	Write Phase // none for a property that cannot be written
	Since uint16
	Doc   string
}

// ID is the number of the property in the guest ABI: kind<<8 | number.
func (p Property) ID() Prop { return Prop(p.Kind)<<8 | Prop(p.Num) }

// FullName is the name with the kind before it, like "map_key_size".
func (p Property) FullName() string { return p.Kind.String() + "_" + p.Name }

// Enum is a set of numbers with names.
type Enum struct {
	Name   string
	Go     string // prefix of the Go constants
	C      string // prefix of the C constants, after BPFHOST_
	Type   string // Go type; empty for untyped
	Bits   bool   // values are bits that may be joined
	Kernel bool   // numbers are the kernel's; host packages have their own constants
	Doc    string
	Values []Value
}

// Value is one number of an Enum.
type Value struct {
	Name  string
	Num   uint32
	Since uint16
	Doc   string
}

// Record is a structure shared through memory: little-endian, naturally aligned, without pointers.
type Record struct {
	Name   string
	Go     string // name of the Go type
	Sized  bool   // starts with its size and may grow at the end
	Size   uint32 // bytes, in this minor version
	Since  uint16
	Doc    string
	Fields []Field
}

// Field is one member of a Record.
type Field struct {
	Name   string
	Type   string // u8 u16 u32 u64 i16 i32 i64
	Offset uint32 // bytes from the start of the record
	Since  uint16
	Doc    string
}

// Funcs returns the functions in order of their numbers.
func Funcs() []Func { return slices.Clone(funcs) }

// Hooks returns the functions that a guest may export.
func Hooks() []Hook { return slices.Clone(hooks) }

// Properties returns the properties in order of their numbers.
func Properties() []Property { return slices.Clone(properties) }

// Enums returns the sets of numbers.
func Enums() []Enum { return slices.Clone(enums) }

// Records returns the shared structures.
func Records() []Record { return slices.Clone(records) }

// LookupProp finds a property by its number. It does not allocate.
func LookupProp(id Prop) (Property, bool) {
	for i := range properties {
		if properties[i].ID() == id {
			return properties[i], true
		}
	}
	return Property{}, false
}

// String returns the import name, or "function N" for a number that no function has.
func (id FuncID) String() string {
	if i := int(id) - 1; i >= 0 && i < len(funcs) { // TestFuncs: no gaps, in order
		return funcs[i].Name
	}
	return fmt.Sprintf("function %d", uint16(id))
}

// LookupFunc finds a function by its import name.
func LookupFunc(name string) (Func, bool) {
	i := slices.IndexFunc(funcs, func(f Func) bool { return f.Name == name })
	if i < 0 {
		return Func{}, false
	}
	return funcs[i], true
}
