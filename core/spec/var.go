package spec

import "github.com/bpfhost/bpfhost/core/btf"

// Var is a global variable: a named window into the initial bytes of a data section map.
type Var struct {
	Name    string
	Section string // its data section, e.g. ".rodata"
	Map     string // the map that holds it
	Offset  uint32 // bytes from the start of the map's value
	Size    uint32 // bytes
	Type    btf.ID // its type in Collection.BTF; 0 is unknown
	Linkage Linkage
}

// Linkage is how visible a symbol is.
type Linkage uint8

// The linkages of symbols.
const (
	LinkGlobal Linkage = iota
	LinkWeak
	LinkStatic
	LinkHidden
)

// ExternKind says where the value of an extern comes from.
type ExternKind uint8

// The kinds of extern.
const (
	ExternKconfig ExternKind = iota + 1 // a kernel configuration value (.kconfig)
	ExternKsym                          // the address of a kernel symbol (.ksyms)
	ExternKfunc                         // a kernel function (.ksyms)
)

// Extern is a symbol that the kernel provides.
type Extern struct {
	Name string
	Kind ExternKind
	Type btf.ID // its type in Collection.BTF; 0 is untyped
	Weak bool   // absent is no error: its value is then 0
}
