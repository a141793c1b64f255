package opt

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// program makes a program from text.
func program(t testing.TB, text string) *spec.Program {
	t.Helper()
	l, err := asm.Parse(text)
	if err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	p := &spec.Program{Name: "main", Type: spec.ProgramXDP, LabelNames: l.LabelNames}
	var insns []spec.Insn
	for i, in := range l.Insns {
		x := spec.Insn{Insn: in}
		if n, ok := l.Funcs[i]; ok {
			x.Func = &btf.FuncInfo{Name: n}
		}
		insns = append(insns, x)
	}
	p.Insns = spec.NewInsns(insns...)
	return p
}

// listing is the program as text without properties.
func listing(p *spec.Program) string {
	var insns []asm.Insn
	funcs := make(map[int]string)
	for i, in := range p.Insns.All() {
		insns = append(insns, in.Insn)
		if in.Func != nil {
			funcs[i] = in.Func.Name
		}
	}
	return strings.ReplaceAll(string(asm.AppendText(nil, insns, asm.TextOptions{LabelNames: p.LabelNames, Funcs: funcs})), "\t", "")
}

// editable is a collection in which every function of the package changes something.
func editable(t testing.TB) *spec.Collection {
	c := constants(program(t, `.func main
		r1 = map[flows] ll
		r2 = 5
		call sub
		r1 = var[a] ll
		r0 = *(u32 *)(r1 + 0)
		exit
	.func sub
		r0 = 1
		exit`))
	c.Maps = append(c.Maps, &spec.Map{Name: "flows", Type: spec.MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	return c
}
