package loader

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

func TestLink(t *testing.T) {
	c := collection(nil)
	c.Vars = []*spec.Var{{Name: "v", Map: ".data", Offset: 8, Size: 8}}
	l := &load{spec: c, fds: map[string]int{"m": 5, ".data": 6}}
	for _, x := range []struct {
		name string
		in   asm.Insn
		src  asm.Reg
		imm  int64
		err  string
	}{
		{"map", asm.LoadMap(asm.R1, "m"), asm.PseudoMapFD, 5, ""},
		{"value", asm.LoadMapValue(asm.R1, "m", 16), asm.PseudoMapValue, 16<<32 | 5, ""},
		{"variable", asm.LoadVar(asm.R1, "v", 4), asm.PseudoMapValue, 12<<32 | 6, ""},
		{"constant", asm.LoadImm64(asm.R1, 9), 0, 9, ""},
		{"no map", asm.LoadMap(asm.R1, "none"), 0, 0, `no map "none"`},
		{"no variable", asm.LoadVar(asm.R1, "none", 0), 0, 0, `no variable "none"`},
		{"call", asm.Insn{Op: asm.OpCall, Ref: asm.RefMap, Symbol: "m"}, 0, 0, "cannot refer to map"},
		{"negative", asm.Insn{Op: asm.OpLoadImm64, Imm: -1, Ref: asm.RefMapValue, Symbol: "m"}, 0, 0, "does not fit 32 bits"},
	} {
		p := &prepared{code: []asm.Insn{x.in}}
		err := l.link(p)
		if x.err != "" {
			if err == nil || !strings.Contains(err.Error(), x.err) {
				t.Errorf("%s: %v, want %q", x.name, err, x.err)
			}
			continue
		}
		if got := p.code[0]; err != nil || got.Src != x.src || got.Imm != x.imm || got.Ref != asm.RefNone {
			t.Errorf("%s: %+v, %v", x.name, got, err)
		}
	}
}

func TestFailKeepsLabel(t *testing.T) {
	p := &prepared{code: []asm.Insn{asm.Exit(), {Op: asm.OpLoadImm64, Label: 3}}}
	p.fail(1, "why")
	if got := p.code[1]; got.Label != 3 || got.Op != asm.OpCall || got.Imm != poisonCall+1 || p.poison[1] != "why" {
		t.Errorf("%+v, %q", got, p.poison)
	}
}
