package tx

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/plan"
)

// looping is a transaction on a program that jumps back to its second instruction.
func looping() (*Transaction, ProgramRef) {
	c := collection()
	insns := []spec.Insn{{Insn: asm.Mov64Imm(asm.R0, 1)}, {Insn: asm.JumpImm(asm.Equal, asm.R0, 0, 1)}, {Insn: asm.Exit()}}
	insns[1].Label = 1
	c.Programs[0].Insns = spec.NewInsns(insns...)
	t := New("plugin", []Input{{Name: "o", Collection: c}}, nil)
	return t, ProgramRef{t.Objects[0], t.Objects[0].Work.Programs[0]}
}

func immediates(p *spec.Program) []int64 {
	var out []int64
	for _, in := range p.Insns.All() {
		out = append(out, in.Imm)
	}
	return out
}

func TestSplice(t *testing.T) {
	x, r := looping()
	before := r.Object.Before.Programs[0].Clone()
	new := spec.Insn{Insn: asm.Mov64Imm(asm.R0, 7)}
	new.Label = 5
	err := x.Splice(r, Splice{At: 0, Del: 1, Insns: []spec.Insn{new, {Insn: asm.Mov64Imm(asm.R0, 8)}}, Names: map[asm.Label]string{5: "start"}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int64{7, 8, 0, 0}, immediates(r.Program)); d != "" || r.Program.LabelNames[5] != "start" {
		t.Errorf("instructions, labels %v:\n%s", r.Program.LabelNames, d)
	}
	twice := spec.Insn{Insn: asm.Mov64Imm(asm.R0, 9)}
	twice.Label = 1
	if err := x.Splice(r, Splice{At: 1, Insns: []spec.Insn{twice}, After: 9}); err == nil || r.Program.Insns.At(1).Label != 0 {
		t.Errorf("a label is there twice: %v; the instruction after it has label %d", err, r.Program.Insns.At(1).Label)
	}
	if err := x.Splice(r, Splice{At: 1, Insns: []spec.Insn{{Insn: asm.Mov64Imm(asm.R0, 9)}}, After: 9}); err != nil || r.Program.Insns.At(2).Label != 9 {
		t.Errorf("the instruction after the splice has label %d; %v", r.Program.Insns.At(2).Label, err)
	}
	want := plan.Edit{
		Owner: "plugin", Object: "o", Kind: "program", Name: "p", What: "insns",
		Insns: &plan.InsnRange{At: 0, Removed: 1, Inserted: 2}, Old: "1 at 0", New: "2 at 0",
	}
	if d := cmp.Diff(want, x.Edits[0]); d != "" {
		t.Errorf("log:\n%s", d)
	}
	if len(x.Edits) != 2 {
		t.Errorf("%d edits are in the log", len(x.Edits))
	}
	if d := cmp.Diff(before, r.Object.Before.Programs[0]); d != "" {
		t.Errorf("the operator's program changed:\n%s", d)
	}
}

func TestSpliceBounds(t *testing.T) {
	x, r := looping()
	for _, tt := range []struct {
		name              string
		at, del, inserted uint64
		want              error
	}{
		{"at the end", 3, 0, 1, nil},
		{"past the end", 4, 0, 1, abi.ErrRange},
		{"over the end", 2, 2, 0, abi.ErrRange},
		{"as many as there may be", 0, 3, MaxInsns, nil},
		{"one more", 0, 2, MaxInsns, abi.ErrLimit},
	} {
		if err := r.CheckSplice(tt.at, tt.del, tt.inserted); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if err := x.Splice(r, Splice{At: 4}); !errors.Is(err, abi.ErrRange) || len(x.Edits) != 0 {
		t.Errorf("a splice past the end: %v, log %v", err, x.Edits)
	}
}
