package spec

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// settings has a variable of
//
//	struct { char name[8]; u8 mac[2]; u32 on:1; s32 level:7; struct { s16 low; s16 high; } ports[3];
//	         union { u16 half; u32 whole; }; struct { u8 deep; }; }
//
// with a hole after the bit-fields, an array of sixty-four of u32, a number and a text.
func settings(t testing.TB, order asm.ByteOrder) *Collection {
	t.Helper()
	var b btf.Builder
	char := b.Add(&btf.Int{Name: "char", Size: 1, Encoding: btf.IntSigned})
	u8 := b.Add(&btf.Int{Name: "u8", Size: 1})
	u16 := b.Add(&btf.Int{Name: "u16", Size: 2})
	s16 := b.Add(&btf.Int{Name: "s16", Size: 2, Encoding: btf.IntSigned})
	u32 := b.Add(&btf.Int{Name: "u32", Size: 4})
	s32 := b.Add(&btf.Int{Name: "s32", Size: 4, Encoding: btf.IntSigned})
	name := b.Add(&btf.Array{Type: char, Index: u32, Count: 8})
	mac := b.Add(&btf.Array{Type: u8, Index: u32, Count: 2})
	port := b.Add(&btf.Struct{Size: 4, Members: []btf.Member{{Name: "low", Type: s16}, {Name: "high", Type: s16, Offset: 16}}})
	ports := b.Add(&btf.Array{Type: port, Index: u32, Count: 3})
	either := b.Add(&btf.Struct{Union: true, Size: 4, Members: []btf.Member{{Name: "half", Type: u16}, {Name: "whole", Type: u32}}})
	deep := b.Add(&btf.Struct{Size: 1, Members: []btf.Member{{Name: "deep", Type: u8}}})
	all := b.Add(&btf.Struct{Name: "settings", Size: 32, Members: []btf.Member{
		{Name: "name", Type: name}, {Name: "mac", Type: mac, Offset: 64},
		{Name: "on", Type: u32, Offset: 80, BitSize: 1}, {Name: "level", Type: s32, Offset: 81, BitSize: 7},
		{Name: "ports", Type: ports, Offset: 96}, {Type: either, Offset: 192}, {Type: deep, Offset: 224},
	}})
	table := b.Add(&btf.Array{Type: u32, Index: u32, Count: 64})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return &Collection{
		Order: order, BTF: types,
		Maps: []*Map{{Name: ".data", Type: MapArray, KeySize: 4, ValueSize: 298, MaxEntries: 1, Data: make([]byte, 298)}},
		Vars: []*Var{
			{Name: "s", Map: ".data", Size: 32, Type: all}, {Name: "table", Map: ".data", Offset: 32, Size: 256, Type: table},
			{Name: "one", Map: ".data", Offset: 288, Size: 2, Type: s16}, {Name: "text", Map: ".data", Offset: 290, Size: 8, Type: name},
		},
	}
}

func TestDiffLeaves(t *testing.T) {
	for _, order := range []asm.ByteOrder{asm.LittleEndian, asm.BigEndian} {
		a := settings(t, order)
		b := a.Clone()
		for path, x := range map[string]int64{
			"s.on": 1, "s.level": -3, "s.mac[1]": 200, "s.ports[2].high": -7, "s.whole": 9, "s.deep": 4,
			"table[0]": 1, "table[63]": 2, "one": -1,
		} {
			p, err := b.VarPath(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.SetInt(b, x); err != nil {
				t.Fatal(err)
			}
		}
		copy(b.Maps[0].Data, "eth0")
		copy(b.Maps[0].Data[290:], "lo")
		b.Maps[0].Data[11] = 5 // padding
		got := string(AppendChanges(nil, Diff(a, b)))
		want := `~ variable s
    s.name: "" -> eth0
    s.mac[1]: 0 -> 200
    s.on: 0 -> 1
    s.level: 0 -> -3
    s.ports[2].high: 0 -> -7
    s.whole: 0 -> 9
    s.deep: 0 -> 4
    s+0xb: 00 -> 05
~ variable table
    table[0]: 0 -> 1
    table[63]: 0 -> 2
~ variable one
    value: 0 -> -1
~ variable text
    value: "" -> lo
`
		if got != want {
			t.Errorf("%v: got\n%s\nwant\n%s", order, got, want)
		}
	}
}

func TestDiffLeavesWhole(t *testing.T) {
	for name, change := range map[string]func(c *Collection){
		"more than can be told": func(c *Collection) {
			for i := range c.Maps[0].Data[32:288] {
				c.Maps[0].Data[32+i] = byte(i + 1)
			}
		},
		"another type": func(c *Collection) {
			c.Maps[0].Data[40], c.Vars[1].Type = 1, c.Vars[0].Type
		},
		"no type": func(c *Collection) { c.Maps[0].Data[40], c.Vars[1].Type = 1, 0 },
	} {
		a := settings(t, asm.LittleEndian)
		b := a.Clone()
		change(b)
		d := Diff(a, b)
		if len(d) != 1 || d[0].Name != "table" {
			t.Errorf("%s: %s", name, AppendChanges(nil, d))
			continue
		}
		if last := d[0].Props[len(d[0].Props)-1]; last.Name != "value" || last.Old == last.New {
			t.Errorf("%s: %+v", name, d[0].Props)
		}
	}
}

func TestDiffTypesByName(t *testing.T) {
	a := settings(t, asm.LittleEndian)
	b := settings(t, asm.LittleEndian)
	if d := Diff(a, b); d != nil {
		t.Errorf("equal types are a change: %s", AppendChanges(nil, d))
	}
	// Another number for the same type, as the next compiler run may assign it.
	var build btf.Builder
	build.Add(&btf.Int{Name: "first", Size: 1})
	u32 := build.Add(&btf.Int{Name: "u32", Size: 4})
	table := build.Add(&btf.Array{Type: u32, Index: u32, Count: 64})
	types, err := build.Types()
	if err != nil {
		t.Fatal(err)
	}
	b.BTF, b.Vars[1].Type, b.Vars[0].Type = types, table, u32
	a.Vars, b.Vars = a.Vars[:2], b.Vars[:2]
	b.Maps[0].Data[36] = 1
	relo := func(c *Collection, id btf.ID) {
		p := program(t, "r0 = 4\nexit")
		p.Insns.Edit(func(list []Insn) { list[0].Core = &btf.CoreRelo{Type: id, Access: "0"} })
		c.Programs = []*Program{p}
	}
	relo(a, a.Vars[1].Type)
	relo(b, table)
	got := string(AppendChanges(nil, Diff(a, b)))
	want := `~ collection
    btf: 14 types -> 3 types
~ variable s
    type: struct settings -> u32
~ variable table
    table[1]: 0 -> 1
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
