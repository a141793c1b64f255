package main

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
)

// hostImports makes the bindings of a module: the table that decodes and checks arguments before it
// calls a guest's functions.
func hostImports() ([]byte, error) {
	var g page
	g.p("// %s", header)
	g.p("\npackage guest\n")
	g.p("import (\n\t%q\n\n\t%q\n\t%q\n)\n", "encoding/binary", "github.com/bpfhost/bpfhost/abi", "github.com/bpfhost/bpfhost/host/internal/sandbox")
	hostTable(&g)
	g.WriteString(hostHelpers)
	for _, f := range abi.Funcs() {
		if err := hostFunc(&g, f); err != nil {
			return nil, err
		}
	}
	return g.goFile()
}

func hostTable(g *page) {
	g.p("// importTable binds every function of the ABI. of finds the instance of the guest that calls.")
	g.p("func importTable(of func(Guest) *Instance) []function {")
	g.p("\tb := binding(of)")
	g.p("\treturn []function{")
	for _, f := range abi.Funcs() {
		g.p("\t\tentry(%q, %q, b.%s),", f.Name, wasmParams(f.Params), lowerCamel(f.Name))
	}
	g.p("\t}\n}\n")
}

// wasmParams is the signature of parameters: 'i' is an i32, 'l' an i64.
func wasmParams(params []abi.Param) string {
	var b strings.Builder
	for _, p := range params {
		switch {
		case p.Kind == abi.U64:
			b.WriteByte('l')
		case p.Kind.Pair():
			b.WriteString("ii")
		default:
			b.WriteByte('i')
		}
	}
	return b.String()
}

const hostHelpers = `// binding decodes the arguments of each function for the guest that calls.
type binding func(Guest) *Instance

// function is one function of the ABI as a module imports it.
type function struct {
	name   string
	params []sandbox.ValueType

	// call takes the arguments from the start of the stack.
	call func(g Guest, stack []uint64) int32
}

// entry makes a row of the table; in params 'i' is an i32 and 'l' an i64.
func entry(name, params string, call func(Guest, []uint64) int32) function {
	types := make([]sandbox.ValueType, len(params))
	for i, c := range params {
		types[i] = sandbox.I32
		if c == 'l' {
			types[i] = sandbox.I64
		}
	}
	return function{name, types, call}
}

// toRead returns n elements of size bytes at ptr of guest memory, as they are now. None at all are
// nil, wherever they are.
func toRead(g Guest, ptr, n, size uint64) ([]byte, bool) {
	total := uint64(uint32(n)) * size
	switch {
	case total == 0:
		return nil, true
	case total > 1<<32-1:
		return nil, false
	}
	return g.Input(uint32(ptr), uint32(total))
}

// toWrite is toRead for elements that are written.
func toWrite(g Guest, ptr, n, size uint64) ([]byte, bool) {
	total := uint64(uint32(n)) * size
	switch {
	case total == 0:
		return nil, true
	case total > 1<<32-1:
		return nil, false
	}
	return g.View(uint32(ptr), uint32(total))
}

`

// hostFunc writes the decoder of one function.
func hostFunc(g *page, f abi.Func) error {
	refuse := func(code string) string {
		return fmt.Sprintf("return c.refuseCall(abi.Func%s, %s)", camel(f.Name), code)
	}
	g.p("func (b binding) %s(g Guest, s []uint64) int32 {", lowerCamel(f.Name))
	g.p("\tc := b(g)")
	g.p("\tif c.phase&%s == 0 {", phaseMask(f.Phases))
	g.p("\t\t%s\n\t}", refuse("abi.ErrPhase"))
	var args []string
	out := ""
	i := 0
	for _, p := range f.Params {
		name := lowerCamel(p.Name)
		switch {
		case p.Kind == abi.OutU64:
			out = name
			g.p("\t%s, ok := g.View(uint32(s[%d]), 8)", name, i)
			g.p("\tif !ok {\n\t\t%s\n\t}", refuse("abi.ErrFault"))
			i++
		case p.Kind.Pair():
			arg, err := hostPair(g, p, i, refuse)
			if err != nil {
				return fmt.Errorf("function %s: %w", f.Name, err)
			}
			args = append(args, arg)
			i += 2
		default:
			args = append(args, fmt.Sprintf("%s(s[%d])", hostType(p), i))
			i++
		}
	}
	call := fmt.Sprintf("c.functions.%s(%s)", camel(f.Name), strings.Join(args, ", "))
	if out == "" {
		g.p("\treturn %s\n}\n", call)
		return nil
	}
	g.p("\tv, rc := %s", call)
	g.p("\tif rc >= 0 {\n\t\tbinary.LittleEndian.PutUint64(%s, v)\n\t}", out)
	g.p("\treturn rc\n}\n")
	return nil
}

// phaseMask writes a set of phases with the constants of package abi.
func phaseMask(set abi.Phase) string {
	var names []string
	phases, _ := enumOf("phase")
	for _, v := range phases.Values {
		if set&abi.Phase(v.Num) != 0 {
			names = append(names, "abi.Phase"+camel(v.Name))
		}
	}
	if len(names) == 1 {
		return names[0]
	}
	return "(" + strings.Join(names, "|") + ")"
}

// hostPair writes how a pointer and length become an argument, and returns that.
func hostPair(g *page, p abi.Param, i int, refuse func(string) string) (string, error) {
	name := lowerCamel(p.Name)
	size := "1"
	r, isRecord := recordOf(p.Of)
	if p.Kind == abi.InArray || p.Kind == abi.OutArray {
		if !isRecord {
			return "", fmt.Errorf("array %s of unknown record %q", p.Name, p.Of)
		}
		size = "abi." + r.Go + "Size"
	}
	access := "toRead"
	if p.Kind.Output() {
		access = "toWrite"
	}
	g.p("\t%s, ok := %s(g, s[%d], s[%d], %s)", name, access, i, i+1, size)
	g.p("\tif !ok {\n\t\t%s\n\t}", refuse("abi.ErrFault"))
	switch p.Kind {
	case abi.Name, abi.Text:
		g.p("\tif e := abi.Check%s(%s); e != 0 {\n\t\t%s\n\t}", camel(p.Kind.String()), name, refuse("e"))
	case abi.InRecord:
		if !isRecord {
			return "", fmt.Errorf("unknown record %q", p.Of)
		}
		g.p("\tvar raw [abi.%sSize]byte", r.Go)
		g.p("\tif e := abi.ReadRecord(raw[:], %s); e != 0 {\n\t\t%s\n\t}", name, refuse("e"))
		g.p("\tvar %sRec abi.%s", name, r.Go)
		g.p("\t%sRec.Get(raw[:])", name)
		return name + "Rec", nil
	}
	return name, nil
}
