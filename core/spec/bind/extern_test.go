package bind

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TestHiddenSymbols covers a kernel that shows no addresses (kernel.kptr_restrict).
func TestHiddenSymbols(t *testing.T) {
	b := &Binder{spec: &spec.Collection{Externs: []spec.Extern{{Name: "weak", Kind: spec.ExternKsym, Weak: true}}},
		symbols: map[string]uint64{"weak": 0, "strong": 0}, hidden: true}
	p := &Program{Code: []asm.Insn{asm.LoadKsym(asm.R1, "weak"), asm.LoadKsym(asm.R1, "strong")}}
	if err := b.applyExtern(p, 0); err != nil || p.Code[0].Imm != 0 || p.Code[0].Ref != asm.RefNone {
		t.Errorf("weak: %v, %v", p.Code[0], err)
	}
	if err := b.applyExtern(p, 1); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "kptr_restrict") {
		t.Errorf("strong: %v", err)
	}
}
