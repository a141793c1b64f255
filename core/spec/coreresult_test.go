package spec

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

func TestCoreResults(t *testing.T) {
	var types [2]*btf.Types
	for i := range types {
		var b btf.Builder
		u32 := b.Add(&btf.Int{Name: "unsigned int", Size: 4})
		wide := b.Add(&btf.Int{Name: "unsigned long", Size: uint32(4 + 4*i)})
		s := &btf.Struct{Name: "s", Size: 32, Members: []btf.Member{
			{Name: "same", Type: u32}, {Name: "moved", Type: u32, Offset: uint32(32 + 64*i)}, {Name: "wider", Type: wide, Offset: 128}, {Name: "gone", Type: u32, Offset: 192},
		}}
		if i == 1 {
			s.Members = s.Members[:3]
		}
		b.Add(s)
		for range 1 + i {
			b.Add(&btf.Struct{Name: "twice", Size: 4})
		}
		b.Add(&btf.Enum{Name: "e", Size: 4, Signed: true, Values: []btf.Enumerator{{Name: "LOW", Value: 1<<64 - 1}}})
		var err error
		if types[i], err = b.Types(); err != nil {
			t.Fatal(err)
		}
	}
	code := func(relos ...btf.CoreRelo) Insns {
		insns := []Insn{{Insn: asm.Mov64Imm(asm.R0, 0)}}
		for i := range relos {
			insns = append(insns, Insn{Insn: asm.Mov64Imm(asm.R1, 0), Core: &relos[i]})
		}
		return NewInsns(insns...)
	}
	c := &Collection{BTF: types[0], Programs: []*Program{
		{Name: "a", Insns: code(btf.CoreRelo{Type: 3, Access: "0:0"}, btf.CoreRelo{Type: 3, Access: "0:1"}, btf.CoreRelo{Type: 3, Access: "0:2"})},
		{Name: "none", Insns: code()},
		{Name: "b", Insns: code(
			btf.CoreRelo{Type: 3, Access: "0:3"}, btf.CoreRelo{Type: 3, Access: "0:3", Kind: btf.CoreExists},
			btf.CoreRelo{Type: 4, Access: "0", Kind: btf.CoreTypeIDTarget}, btf.CoreRelo{Type: 5, Access: "0", Kind: btf.CoreEnumvalValue},
		)},
	}}
	list, err := c.CoreResults(btf.Target{Name: "kernel", Types: types[1]})
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Program string
		Insn    int
		Outcome string
	}
	var got []line
	for _, f := range list {
		got = append(got, line{f.Program, f.Insn, f.Outcome()})
	}
	want := []line{
		{"a", 1, "0"},
		{"a", 2, "12 instead of 4"},
		{"a", 3, "16, 8 bytes instead of 4"},
		{"b", 1, `not there: struct s in kernel has no "gone" that fits`},
		{"b", 2, `0: struct s in kernel has no "gone" that fits`},
		{"b", 3, "cannot be loaded: resolve target_type_id struct twice: candidates disagree: type 4 in kernel resolves to 4, type 5 in kernel resolves to 5"},
		{"b", 4, "-1"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !errors.Is(list[5].Err, btf.ErrAmbiguous) || len(list[5].Found) != 2 {
		t.Errorf("%v of %v", list[5].Err, list[5].Found)
	}
	c.BTF = nil
	if _, err := c.CoreResults(); err == nil {
		t.Error("a collection without types")
	}
	c.Programs = c.Programs[1:2]
	if list, err := c.CoreResults(); list != nil || err != nil {
		t.Errorf("no records: %v, %v", list, err)
	}
}
