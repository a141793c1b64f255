package spec

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/google/go-cmp/cmp"
)

func TestLookup(t *testing.T) {
	c := sample(t)
	if c.Program("main") != c.Programs[0] || c.Map("flows") != c.Maps[0] || c.Var("ports") != c.Vars[1] || c.Extern("bpf_x") != &c.Externs[0] {
		t.Error("a lookup gave another object")
	}
	if c.Program("x") != nil || c.Map("x") != nil || c.Var("x") != nil || c.Extern("x") != nil {
		t.Error("a lookup of a name that is not there gave an object")
	}
}

func TestCloneSharesNothing(t *testing.T) {
	a := sample(t)
	a.Maps[0].Type = MapArrayOfMaps
	a.Maps[0].Inner = &Map{Name: "inner", Type: MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	a.Maps[0].Values = []MapValue{{1, ".bss"}}
	a.Maps[0].Tags = []string{"x"}
	a.Notes = []Note{{"N01", "odd"}}
	a.Programs[0].LabelNames = map[asm.Label]string{1: "out"}
	want, text := a.Clone(), string(a.AppendText(nil))
	b := a.Clone()
	b.Maps[0].Inner.ValueSize = 9
	b.Maps[0].Values[0].Key = 9
	b.Maps[0].Tags[0] = "y"
	b.Maps[1].Data[0] = 99
	b.Vars[0].Size = 99
	b.Externs[0].Name = "y"
	b.Attach[0].Target = "y"
	b.Notes[0].Text = "y"
	b.Programs[0].Insns.Edit(func(insns []Insn) { insns[0].Imm = 99 })
	b.Programs[0].LabelNames[1] = "y"
	b.Programs = b.Programs[:0]
	if diff := cmp.Diff(want, a) + cmp.Diff(text, string(a.AppendText(nil))); diff != "" {
		t.Errorf("a change of the clone changed the original: %s", diff)
	}
}

func TestCloneProgramsApart(t *testing.T) {
	a := &Collection{Programs: []*Program{program(t, "r0 = 1\nexit"), program(t, "r0 = 2\nexit")}}
	b := a.Clone()
	if err := b.Programs[0].Insert(2, code(t, "exit")...); err != nil {
		t.Fatal(err)
	}
	if got := listing(b.Programs[1]); got != "r0 = 2\nexit\n" {
		t.Errorf("growing one program changed the next: %s", got)
	}
}

func BenchmarkClone(b *testing.B) {
	c := sample(b)
	list := make([]asm.Insn, 1000)
	for i := range list {
		list[i] = asm.Mov64Imm(asm.R0, 1)
	}
	c.Programs[0].Insns = NewInsns(list...)
	b.ReportAllocs()
	for b.Loop() {
		c.Clone()
	}
}

func TestCloneDataApart(t *testing.T) {
	a := &Collection{Maps: []*Map{{Data: []byte{1, 2}}, {Data: []byte{}}, {}, {Data: []byte{3}}}}
	b := a.Clone()
	if diff := cmp.Diff(a, b); diff != "" {
		t.Fatal(diff)
	}
	b.Maps[0].Data = append(b.Maps[0].Data, 9)
	b.Maps[0].Data[0] = 9
	if a.Maps[0].Data[0] != 1 || b.Maps[3].Data[0] != 3 {
		t.Errorf("%v, %v: a change of one map's bytes reached another", a.Maps[0].Data, b.Maps[3].Data)
	}
}
