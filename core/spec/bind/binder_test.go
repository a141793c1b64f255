package bind

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

func TestFailKeepsLabel(t *testing.T) {
	p := &Program{Code: []asm.Insn{asm.Exit(), {Op: asm.OpLoadImm64, Label: 3}}}
	p.fail(1, "why")
	if got := p.Code[1]; got.Label != 3 || got.Op != asm.OpCall || got.Imm != PoisonCall+1 || p.Poison[1] != "why" {
		t.Errorf("%+v, %q", got, p.Poison)
	}
}
