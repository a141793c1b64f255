package elflink

import (
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/elfwrite"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

// places returns the entries of a table as indices of instructions of the program.
func places(p *spec.Program, name string) []int {
	var out []int
	for _, l := range p.Table(name).Labels {
		out = append(out, p.FindLabel(l))
	}
	return out
}

// TestLinkJumpTables links two objects whose tables have the same names: places move with the code.
func TestLinkJumpTables(t *testing.T) {
	b := elftest.ReadFile(t, "../testdata/jump-el.o")
	other, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range other.Programs {
		p.Name += "_too"
		p.Insns.Edit(func(insns []spec.Insn) { // another function of that name, and another result
			fn := *insns[0].Func
			fn.Name, insns[0].Func = p.Name, &fn
		})
		if err := p.RenameFunc("table_of_all", "table_too"); err != nil {
			t.Fatal(err)
		}
		if err := p.Insert(0, spec.Insn{Insn: asm.LoadImm64(asm.R3, 7)}); err != nil {
			t.Fatal(err)
		}
	}
	other.Vars[0].Linkage = spec.LinkWeak
	second, err := elfwrite.Write(other)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Link(Object{"a.o", b}, Object{"b.o", second})
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(out, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	for name, own := range map[string]string{"itself": "BPF.JT.2.0", "itself_too": "BPF.JT.2.0", "by_call": "BPF.JT.0.0", "by_call_too": "BPF.JT.0.0"} {
		from := other.Program(strings.TrimSuffix(name, "_too") + "_too")
		want := places(from, own)
		if !strings.HasSuffix(name, "_too") { // without the instruction that was put in
			for i := range want {
				want[i]--
			}
		}
		if got := places(c.Program(name), own); !slices.Equal(got, want) {
			t.Errorf("%s: places %v, want %v", name, got, want)
		}
	}
}
