package main

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
)

// sdkTypes are the Go types of the handle kinds in the SDK, where they are not the kind's own name.
var sdkTypes = map[string]string{"plugin": "Self", "live_map": "LoadedMap"}

// sdkType is the Go type that a handle of kind has.
func sdkType(kind string) string {
	if t := sdkTypes[kind]; t != "" {
		return t
	}
	return camel(kind)
}

// sdkConsts makes the numbers of the SDK.
func sdkConsts() ([]byte, error) {
	var g page
	g.p("// %s", header)
	g.p("\npackage sdk\n")
	g.p("// Version of the guest ABI that this SDK speaks: major<<16 | minor.")
	g.p("const Version = %#x\n", uint32(abi.Current))
	g.p("// marker tells inspectors of a module which definition it was built with.")
	g.p("var marker = %q\n", abi.Marker())
	for _, e := range abi.Enums() {
		goEnum(&g, e)
	}
	g.p("// String names the code, like NOENT.")
	g.p("func (e Errno) String() string {\n\tswitch e {")
	errnos, _ := enumOf("errno")
	for _, v := range errnos.Values {
		g.p("\tcase Err%s:\n\t\treturn %q", camel(v.Name), strings.ToUpper(v.Name))
	}
	g.p("\t}\n\treturn \"unknown error\"\n}\n")
	goProps(&g)
	g.p("\n// funcName names a function of the host by its number.")
	g.p("func funcName(id uint32) string {\n\tswitch id {")
	for _, f := range abi.Funcs() {
		g.p("\tcase %d:\n\t\treturn %q", f.ID, f.Name)
	}
	g.p("\t}\n\treturn \"\"\n}\n")
	return g.goFile()
}

// sdkParams are the parameters of an import in the SDK.
func sdkParams(params []abi.Param) string {
	var out []string
	for _, p := range params {
		name := lowerCamel(p.Name)
		switch {
		case p.Kind == abi.U64:
			out = append(out, name+" uint64")
		case p.Kind == abi.OutU64:
			out = append(out, name+" *uint64")
		case p.Kind == abi.Name || p.Kind == abi.Text:
			out = append(out, name+" string")
		case p.Kind.Pair():
			out = append(out, name+" unsafe.Pointer", name+"N uint32")
		default:
			out = append(out, name+" uint32")
		}
	}
	return strings.Join(out, ", ")
}

// sdkImports makes the imports of the SDK as they are in a guest.
func sdkImports() ([]byte, error) {
	var g page
	g.p("// %s", header)
	g.p("\n//go:build wasip1\n")
	g.p("package sdk\n\nimport \"unsafe\"\n")
	for _, f := range abi.Funcs() {
		g.p("//go:wasmimport %s %s\n//go:noescape", abi.Module, f.Name)
		g.p("func host%s(%s) int32\n", camel(f.Name), sdkParams(f.Params))
	}
	return g.goFile()
}

// sdkImportsOther makes what stands for the imports where there is no host, so that plugins can be
// checked and their own logic tested natively.
func sdkImportsOther() ([]byte, error) {
	var g page
	g.p("// %s", header)
	g.p("\n//go:build !wasip1\n")
	g.p("package sdk\n\nimport \"unsafe\"\n")
	for _, f := range abi.Funcs() {
		g.p("func host%s(%s) int32 { return noHost }\n", camel(f.Name), sdkParams(f.Params))
	}
	return g.goFile()
}

// sdkRecords makes the shared records of the SDK, with their layout checked by the compiler.
func sdkRecords() ([]byte, error) {
	var g page
	g.p("// %s", header)
	g.p("\npackage sdk\n\nimport (\n\t\"structs\"\n\t\"unsafe\"\n)\n")
	for _, r := range abi.Records() {
		g.comment("//", r.Go+" is the record "+r.Name+". "+r.Doc)
		g.p("type %s struct {\n\t_ structs.HostLayout", r.Go)
		for _, f := range r.Fields {
			g.p("\t%s %s // %s", camel(f.Name), goType(f.Type), f.Doc)
		}
		g.p("}\n")
		g.p("// The layout of %s is that of the ABI.", r.Go)
		g.p("var (")
		g.p("\t_ [%d]byte = [unsafe.Sizeof(%s{})]byte{}", r.Size, r.Go)
		for _, f := range r.Fields {
			g.p("\t_ [%d]byte = [unsafe.Offsetof(%s{}.%s)]byte{}", f.Offset, r.Go, camel(f.Name))
		}
		g.p(")\n")
	}
	return g.goFile()
}

// sdkProperties makes the handle types and their typed accessors.
func sdkProperties() ([]byte, error) {
	var g page
	g.p("// %s", header)
	g.p("\npackage sdk\n")
	kinds, _ := enumOf("kind")
	for _, k := range kinds.Values {
		t := sdkType(k.Name)
		g.p("// %s is a handle: %s.\ntype %s Handle\n", t, k.Doc, t)
		for _, p := range abi.Properties() {
			if uint32(p.Kind) == k.Num {
				sdkGet(&g, t, p)
				if p.Write != 0 {
					sdkSet(&g, t, p)
				}
			}
		}
	}
	return g.goFile()
}

// sdkValue is the Go type of a property's value.
func sdkValue(p abi.Property) string {
	switch p.Type {
	case abi.Number:
		return "uint64"
	case abi.Bool:
		return "bool"
	case abi.PlainBytes:
		return "[]byte"
	case abi.Choice:
		if e, ok := enumOf(p.Of); ok && e.Type != "" {
			return e.Type
		}
		return "uint64"
	}
	return "string"
}

func sdkGet(g *page, t string, p abi.Property) {
	typ := sdkValue(p)
	g.comment("//", fmt.Sprintf("%s reads: %s.", camel(p.Name), p.Doc))
	g.p("func (h %s) %s() (%s, error) {", t, camel(p.Name), typ)
	id := "Prop" + camel(p.FullName())
	switch {
	case typ == "string":
		g.p("\tb, err := getB(Handle(h), %s)\n\treturn string(b), err", id)
	case typ == "[]byte":
		g.p("\treturn getB(Handle(h), %s)", id)
	case typ == "bool":
		g.p("\tv, err := getU(Handle(h), %s)\n\treturn v != 0, err", id)
	case typ == "uint64":
		g.p("\treturn getU(Handle(h), %s)", id)
	default:
		g.p("\tv, err := getU(Handle(h), %s)\n\treturn %s(v), err", id, typ)
	}
	g.p("}\n")
}

func sdkSet(g *page, t string, p abi.Property) {
	typ := sdkValue(p)
	g.comment("//", fmt.Sprintf("Set%s writes: %s.", camel(p.Name), p.Doc))
	g.p("func (h %s) Set%s(v %s) error {", t, camel(p.Name), typ)
	id := "Prop" + camel(p.FullName())
	switch typ {
	case "string":
		g.p("\treturn setS(Handle(h), %s, v)", id)
	case "[]byte":
		g.p("\treturn setB(Handle(h), %s, v)", id)
	case "bool":
		g.p("\treturn setU(Handle(h), %s, number(v))", id)
	default:
		g.p("\treturn setU(Handle(h), %s, uint64(v))", id)
	}
	g.p("}\n")
}
