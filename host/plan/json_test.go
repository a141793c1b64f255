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
)

// TestCore shows what CO-RE relocations come to: a value, nothing, and two candidates that disagree.
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
	c := &spec.Collection{BTF: table(0, false), Programs: []*spec.Program{{Name: "p", Insns: spec.NewCode(code...)}}}
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
  CO-RE of program p: byte_off struct t.a: cannot be loaded: resolve byte_off struct t.a: candidates disagree: type 3 in the types given gives 0 (4 bytes at 0), type 4 in the types given gives 4 (4 bytes at 4)
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
		Collections []struct{ Core []jsonCore }
	}
	if err := json.Unmarshal(b, &doc); err != nil || len(doc.Collections) != 1 {
		t.Fatal(doc, err)
	}
	field := jsonCore{Program: "p", Kind: "byte_off", Type: "struct s", Path: "a", Value: 8, LocalSize: 4, TargetSize: 4, Candidates: []jsonCandidate{{2, true, 8}}}
	again, torn := field, jsonCore{Program: "p", Insn: 2, Kind: "byte_off", Type: "struct t", Path: "a", Error: o.Core[2].Err.Error(), Candidates: []jsonCandidate{{3, true, 0}, {4, true, 4}}}
	again.Insn = 1
	gone := jsonCore{Program: "p", Insn: 3, Kind: "byte_off", Type: "struct gone", Path: "a", Poison: true, Reason: "no struct gone in the types given", Candidates: []jsonCandidate{}}
	if d := cmp.Diff([]jsonCore{field, again, torn, gone}, doc.Collections[0].Core); d != "" {
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
