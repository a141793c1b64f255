package main

import (
	"fmt"

	"github.com/bpfhost/bpfhost/abi"
)

// abiConsts makes the constants of package abi.
func abiConsts() ([]byte, error) {
	var g page
	g.p("// %s", header)
	g.p("\npackage abi\n")
	for _, e := range abi.Enums() {
		if !e.Kernel {
			goEnum(&g, e)
		}
	}
	goFuncs(&g)
	goProps(&g)
	return g.goFile()
}

// goEnum writes one enum as a Go type and its constants.
func goEnum(g *page, e abi.Enum) {
	if e.Type != "" {
		g.comment("//", e.Type+" is the type of: "+e.Doc)
		g.p("type %s uint32\n", e.Type)
	}
	g.comment("//", e.Doc)
	g.p("const (")
	for _, v := range e.Values {
		typ := e.Type
		if typ == "" {
			typ = "uint32"
		}
		num := fmt.Sprint(v.Num)
		if e.Bits || v.Num >= 0x10000 {
			num = fmt.Sprintf("%#x", v.Num)
		}
		g.p("\t%s%s %s = %s // %s", e.Go, camel(v.Name), typ, num, v.Doc)
	}
	g.p(")\n")
}

// goFuncs writes the numbers of the functions.
func goFuncs(g *page) {
	g.p("// FuncID is the number of a function.")
	g.p("type FuncID uint16\n")
	g.p("// The functions.")
	g.p("const (")
	for _, f := range abi.Funcs() {
		g.p("\tFunc%s FuncID = %d", camel(f.Name), f.ID)
	}
	g.p(")\n")
}

// goProps writes the numbers of the properties.
func goProps(g *page) {
	g.p("// Prop is the number of a property: kind<<8 | number within the kind.")
	g.p("type Prop uint32\n")
	g.p("// The properties.")
	g.p("const (")
	for _, p := range abi.Properties() {
		g.p("\tProp%s Prop = 0x%04x // %s", camel(p.FullName()), uint32(p.ID()), p.Doc)
	}
	g.p(")")
}
