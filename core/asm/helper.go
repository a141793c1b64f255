package asm

// HelperInfo is what is known of a helper. The zero value of a field means that it is not known,
// except for Args and Variadic, which are always known.
type HelperInfo struct {
	Result   string      // C type, e.g. "long"
	Args     []HelperArg // at most 5, passed in R1 to R5
	Variadic bool        // more arguments may follow, up to R5
	GPL      Tristate    // only programs under a license compatible with the GPL may call it
	Since    string      // first kernel that has it, e.g. "5.8"

	// Programs has the bit of each program type (enum bpf_prog_type) of which at least some
	// programs may call it on Linux 6.18: some helpers are for sleepable programs or for certain
	// attach types.
	Programs uint64
}

// HelperArg is a parameter of a helper.
type HelperArg struct {
	Kind ArgKind
	Type string // in C, e.g. "const void *"
	Name string // in the kernel's prototype
}

// ArgKind says what a parameter of a helper is.
type ArgKind uint8

// The kinds of parameters.
const (
	ArgUnknown ArgKind = iota
	ArgNumber          // a number: size, flags, index
	ArgPointer         // a pointer to memory or to an object of the kernel
	ArgMap             // a map
	ArgContext         // the context of the program
	ArgFunc            // a function of the program, to be called back
)

// argKindNames is indexed by ArgKind.
var argKindNames = [...]string{"unknown", "number", "pointer", "map", "context", "function"}

// String returns "number", "pointer", "map", "context" or "function".
func (k ArgKind) String() string {
	if int(k) < len(argKindNames) {
		return argKindNames[k]
	}
	return argKindNames[ArgUnknown]
}

// Tristate is the answer to a question that cannot always be answered.
type Tristate uint8

// The answers.
const (
	Unknown Tristate = iota
	No
	Yes
)

// tristateNames is indexed by Fact.
var tristateNames = [...]string{"unknown", "no", "yes"}

// String returns "unknown", "no" or "yes".
func (f Tristate) String() string {
	if int(f) < len(tristateNames) {
		return tristateNames[f]
	}
	return tristateNames[Unknown]
}

// Info returns what is known of the helper, and false for a number that Linux 6.18 does not have.
// The slices of the result are shared and must not be changed.
func (h Helper) Info() (HelperInfo, bool) {
	if h <= 0 || int(h) >= len(helperInfos) {
		return HelperInfo{}, false
	}
	return helperInfos[h], true
}

// Numbers of enum bpf_prog_type where the helpers depend on more than the type.
const (
	programStructOps = 27
	programExt       = 28
)

// In says whether programs of a type (the number of enum bpf_prog_type) may call the helper. It is
// unknown where that depends on what the program replaces or implements (ext, struct_ops), and for
// types that Linux 6.18 does not have.
func (i HelperInfo) In(programType uint32) Tristate {
	switch {
	case i.Programs == 0, programType == 0, programType == programStructOps, programType == programExt, programType > 32:
		return Unknown
	case i.Programs>>programType&1 != 0:
		return Yes
	}
	return No
}

// Prototype returns the declaration in C, e.g. "long bpf_map_delete_elem(void *map, const void
// *key)".
func (h Helper) Prototype() string {
	i, ok := h.Info()
	if !ok {
		return ""
	}
	b := appendC(nil, i.Result, h.String())
	b = append(b, '(')
	for n, a := range i.Args {
		if n > 0 {
			b = append(b, ", "...)
		}
		b = appendC(b, a.Type, a.Name)
	}
	switch {
	case i.Variadic:
		b = append(b, ", ..."...)
	case len(i.Args) == 0:
		b = append(b, "void"...)
	}
	return string(append(b, ')'))
}

// appendC appends a type and a name as C writes them: a star sticks to the name.
func appendC(b []byte, typ, name string) []byte {
	b = append(b, typ...)
	if typ != "" && typ[len(typ)-1] != '*' {
		b = append(b, ' ')
	}
	return append(b, name...)
}
