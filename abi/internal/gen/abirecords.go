package main

import (
	"fmt"

	"github.com/bpfhost/bpfhost/abi"
)

// width is how many bits a field type has.
var width = map[string]int{"u8": 8, "u16": 16, "u32": 32, "u64": 64, "i16": 16, "i32": 32, "i64": 64}

// goType is the Go type of a field.
func goType(t string) string {
	sign := "uint"
	if t[0] == 'i' {
		sign = "int"
	}
	return fmt.Sprint(sign, width[t])
}

// abiRecords makes the records of package abi: plain structures with a codec.
func abiRecords() ([]byte, error) {
	var g page
	g.p("// %s", header)
	g.p("\npackage abi\n")
	g.p("import \"encoding/binary\"\n")
	for _, r := range abi.Records() {
		g.p("// %sSize is the size of a %s in bytes.", r.Go, r.Go)
		g.p("const %sSize = %d\n", r.Go, r.Size)
		g.comment("//", r.Go+" is the record "+r.Name+". "+r.Doc)
		g.p("type %s struct {", r.Go)
		for _, f := range r.Fields {
			g.p("\t%s %s // %s", camel(f.Name), goType(f.Type), f.Doc)
		}
		g.p("}\n")
		codec(&g, r)
	}
	return g.goFile()
}

func codec(g *page, r abi.Record) {
	g.p("// Get reads the record from b, which holds at least %sSize bytes.", r.Go)
	g.p("func (r *%s) Get(b []byte) {", r.Go)
	g.p("\t_ = b[%sSize-1]", r.Go)
	for _, f := range r.Fields {
		v := fmt.Sprintf("b[%d]", f.Offset)
		if w := width[f.Type]; w > 8 {
			v = fmt.Sprintf("binary.LittleEndian.Uint%d(b[%d:])", w, f.Offset)
		}
		if f.Type[0] == 'i' {
			v = goType(f.Type) + "(" + v + ")"
		}
		g.p("\tr.%s = %s", camel(f.Name), v)
	}
	g.p("}\n")
	g.p("// Put writes the record to b, which holds at least %sSize bytes.", r.Go)
	g.p("func (r *%s) Put(b []byte) {", r.Go)
	g.p("\t_ = b[%sSize-1]", r.Go)
	for _, f := range r.Fields {
		v := "r." + camel(f.Name)
		w := width[f.Type]
		if f.Type[0] == 'i' {
			v = fmt.Sprintf("uint%d(%s)", w, v)
		}
		if w == 8 {
			g.p("\tb[%d] = %s", f.Offset, v)
		} else {
			g.p("\tbinary.LittleEndian.PutUint%d(b[%d:], %s)", w, f.Offset, v)
		}
	}
	g.p("}\n")
}
