package main

import (
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
)

// group is a group of functions of the table.
type group struct {
	name  string
	funcs []abi.Func
}

// groups returns the functions by their groups, both in order of their numbers.
func groups() []group {
	var out []group
	for _, f := range abi.Funcs() {
		i := slices.IndexFunc(out, func(g group) bool { return g.name == f.Group })
		if i < 0 {
			i = len(out)
			out = append(out, group{name: f.Group})
		}
		out[i].funcs = append(out[i].funcs, f)
	}
	return out
}

// goName is the name of the group's interface.
func (g group) goName() string { return camel(strings.ReplaceAll(g.name, " ", "_")) }

// hostFunctions makes an interface for each group, with one typed method for each function, and the
// checks that stand before them where Go code calls.
func hostFunctions() ([]byte, error) {
	var g page
	g.p("// %s", header)
	g.p("\npackage guest\n")
	g.p("import %q\n", "github.com/bpfhost/bpfhost/abi")
	g.WriteString(hostFunctionsDoc)
	g.p("type Functions struct {")
	for _, group := range groups() {
		g.p("\t%s", group.goName())
	}
	g.p("}\n")
	for _, group := range groups() {
		hostInterface(&g, group)
	}
	hostChecked(&g)
	return g.goFile()
}

const hostFunctionsDoc = `// Functions are what one guest may call: the functions of the ABI, an interface for each group of
// its table. Their methods run inside the guest's call, one at a time, and must neither block nor
// keep a slice.
//
// Before a method is called, the phase is right, every pointer and length lies in guest memory (of
// length zero is nil), names are names and texts are texts as package abi checks them, and input
// records are decoded. Handles, numbers and enum values are as the guest passed them. Slices are
// guest memory: inputs to be copied where they are kept, outputs to be written (abi.CopyOut,
// abi.CopyRecord). Input and output may overlap. A result is zero or above, or -abi.Errno. A uint64
// result reaches the guest only if the other is not negative.
`

func hostInterface(g *page, group group) {
	g.p("// %s are the functions of the group %q.", group.goName(), group.name)
	g.p("type %s interface {", group.goName())
	for _, f := range group.funcs {
		g.comment("\t//", camel(f.Name)+": "+f.Doc+" Result: "+f.Result+".")
		g.p("\t%s", hostSignature(f))
	}
	g.p("}\n")
}

// hostSignature is a method of an interface.
func hostSignature(f abi.Func) string {
	var params []string
	result := "int32"
	for _, p := range f.Params {
		if p.Kind == abi.OutU64 {
			result = "(uint64, int32)"
			continue
		}
		params = append(params, lowerCamel(p.Name)+" "+hostType(p))
	}
	return camel(f.Name) + "(" + strings.Join(params, ", ") + ") " + result
}

// hostType is the type of a parameter of a method.
func hostType(p abi.Param) string {
	switch p.Kind {
	case abi.Handle32:
		return "uint32"
	case abi.U32:
		if p.Of == "prop" {
			return "abi.Prop"
		}
		if e, ok := enumOf(p.Of); ok && e.Type != "" && !e.Kernel {
			return "abi." + e.Type
		}
		return "uint32"
	case abi.U64:
		return "uint64"
	case abi.InRecord:
		r, _ := recordOf(p.Of)
		return "abi." + r.Go
	}
	return "[]byte"
}

// hostChecked writes, for each group, a type that makes the checks of a call before it calls. The
// bindings of a module make the same.
func hostChecked(g *page) {
	g.p("// checked returns functions for Go code: calls of f undergo the checks of a module's, but for those")
	g.p("// of pointers.")
	g.p("func checked(s *state, f Functions) Functions {\n\treturn Functions{")
	for _, group := range groups() {
		g.p("\t\t%s: checked%[1]s{s, f.%[1]s},", group.goName())
	}
	g.p("\t}\n}\n")
	for _, group := range groups() {
		name := group.goName()
		g.p("type checked%s struct {\n\ts *state\n\tf %[1]s\n}\n", name)
		for _, f := range group.funcs {
			hostCheckedFunc(g, "checked"+name, f)
		}
	}
}

func hostCheckedFunc(g *page, receiver string, f abi.Func) {
	var args []string
	refuse := "c.s.refuseCall(abi.Func" + camel(f.Name) + ", "
	for _, p := range f.Params {
		if p.Kind == abi.OutU64 {
			refuse = "0, " + refuse
			continue
		}
		args = append(args, lowerCamel(p.Name))
	}
	g.p("func (c %s) %s {", receiver, hostSignature(f))
	g.p("\tif c.s.phase&%s == 0 {\n\t\treturn %sabi.ErrPhase)\n\t}", phaseMask(f.Phases), refuse)
	for _, p := range f.Params {
		if p.Kind == abi.Name || p.Kind == abi.Text {
			g.p("\tif e := abi.Check%s(%s); e != 0 {\n\t\treturn %se)\n\t}", camel(p.Kind.String()), lowerCamel(p.Name), refuse)
		}
	}
	g.p("\treturn c.f.%s(%s)\n}\n", camel(f.Name), strings.Join(args, ", "))
}
