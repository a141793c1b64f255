package plan

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/report"
)

// TestCore shows what CO-RE relocations come to: a value, nothing, and two candidates that
// disagree.
func TestCore(t *testing.T) {
	table := func(offset uint32, twice bool) *btf.Types {
		var b btf.Builder
		id := b.Add(&btf.Int{Name: "int", Size: 4})
		b.Add(&btf.Struct{Name: "s", Size: 16, Members: []btf.Member{{Name: "a", Type: id, Offset: offset}}})
		b.Add(&btf.Struct{Name: "t", Size: 4, Members: []btf.Member{{Name: "a", Type: id}}})
		if twice {
			b.Add(&btf.Struct{Name: "t", Size: 8, Members: []btf.Member{{Name: "a", Type: id, Offset: 32}}})
		}
		b.Add(&btf.Struct{Name: map[bool]string{false: "gone", true: "other"}[twice], Size: 4, Members: []btf.Member{{Name: "a", Type: id}}})
		types, err := b.Types()
		if err != nil {
			t.Fatal(err)
		}
		return types
	}
	var code []spec.Insn
	for _, id := range []btf.ID{2, 2, 3, 4} {
		code = append(code, spec.Insn{Insn: asm.Mov64Imm(asm.R0, 0), Core: &btf.CoreRelo{Type: id, Access: "0:0"}})
	}
	c := &spec.Collection{BTF: table(0, false), Programs: []*spec.Program{{Name: "p", Insns: spec.NewInsns(code...)}}}
	plan := &Plan{Objects: []Object{{Name: "o", After: c}}}
	o := &plan.Objects[0]
	if err := o.Complete(table(64, true)); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := plan.WriteText(&text, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	want := `  CO-RE of program p: byte_off struct s.a: 8 instead of 0 (2 times)
  CO-RE of program p: byte_off struct t.a: cannot be loaded: resolve byte_off struct t.a: candidates disagree: type 3 in the types given resolves to 0 (4 bytes at 0), type 4 in the types given resolves to 4 (4 bytes at 4)
  CO-RE of program p: byte_off struct gone.a: not there: no struct gone in the types given
`
	if !strings.Contains(text.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
	b, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Collections []struct{ Core []report.CoreRelo }
	}
	if err := json.Unmarshal(b, &doc); err != nil || len(doc.Collections) != 1 {
		t.Fatal(doc, err)
	}
	relo := func(insn int, root string) report.CoreRelo {
		return report.CoreRelo{Program: "p", Insn: insn, Count: 1, Kind: "byte_off", Type: root, Path: "a",
			Outcome: o.Core[insn].Outcome(), Candidates: []report.Candidate{}}
	}
	field, again, torn, gone := relo(0, "struct s"), relo(1, "struct s"), relo(2, "struct t"), relo(3, "struct gone")
	for _, f := range []*report.CoreRelo{&field, &again} {
		f.Value, f.LocalSize, f.TargetSize = 8, 4, 4
		f.Candidates = []report.Candidate{{Type: 2, Match: true, Value: 8}}
	}
	torn.Error = o.Core[2].Err.Error()
	torn.Candidates = []report.Candidate{{Type: 3, Match: true, Value: 0}, {Type: 4, Match: true, Value: 4}}
	gone.Poison, gone.Reason = true, "no struct gone in the types given"
	if d := cmp.Diff([]report.CoreRelo{field, again, torn, gone}, doc.Collections[0].Core); d != "" {
		t.Error(d)
	}
	if err := o.Complete(nil); o.Core != nil || err != nil {
		t.Errorf("for no kernel: %v, %v", o.Core, err)
	}
	c.BTF = nil
	if err := o.Complete(table(64, true)); err == nil {
		t.Error("an object without types")
	}
}
