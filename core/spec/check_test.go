package spec

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

func TestCheck(t *testing.T) {
	if err := sample(t).Check(); err != nil {
		t.Fatal(err)
	}
	if err := (&Collection{}).Check(); err != nil {
		t.Errorf("an empty collection: %v", err)
	}
	tests := []struct {
		name   string
		change func(c *Collection)
		want   string
	}{
		{"license", func(c *Collection) { c.License = "G\x00PL" }, `check collection: license "G\x00PL"`},
		{"long license", func(c *Collection) { c.License = strings.Repeat("x", 128) }, "longer than 127"},
		{"map name", func(c *Collection) { c.Maps[0].Name = "" }, "check collection: map 0 has no name"},
		{"map names", func(c *Collection) { c.Maps[0].Name = ".bss" }, `two maps are named ".bss"`},
		{"map", func(c *Collection) { c.Maps[0].KeySize = 0 }, `check map "flows": key_size`},
		{"variable name", func(c *Collection) { c.Vars[0].Name = "ports" }, `two variables are named "ports"`},
		{"variable without name", func(c *Collection) { c.Vars[0].Name = "" }, "variable 0 has no name"},
		{"variable without map", func(c *Collection) { c.Vars[0].Map = "x" }, `its map "x" does not exist`},
		{"variable outside", func(c *Collection) { c.Vars[0].Offset = 1<<32 - 1 }, "are outside the 16"},
		{"program name", func(c *Collection) { c.Programs[0].Name = "" }, "program 0 has no name"},
		{"program names", func(c *Collection) { c.Programs = append(c.Programs, c.Programs[0]) }, `two programs are named "main"`},
		{"program type", func(c *Collection) { c.Programs[0].Type = 0 }, `check program "main": it has no type`},
		{"program section", func(c *Collection) { c.Programs[0].Type, c.Programs[0].Section = 0, "xpd" }, `section "xpd" names none`},
		{"program empty", func(c *Collection) { c.Programs[0].Insns = Insns{} }, "it has no instructions"},
		{"function twice", func(c *Collection) { c.Programs[0].Insns.private()[1].Func = &btf.FuncInfo{Name: "helper"} }, `function "helper" is defined twice`},
		{"label twice", func(c *Collection) { c.Programs[0].Insns.private()[0].Label = 1 }, "label L1 is defined at instructions 0 and 4"},
		{"label missing", func(c *Collection) { c.Programs[0].Insns.private()[4].Label = 0 }, "instruction 1: label L1 is not defined"},
		{"jump out", func(c *Collection) { c.Programs[0].Insns.private()[1].Target = 2 }, "instruction 1: jump to label L2, instruction 6, leaves its function"},
		{"call into", func(c *Collection) { c.Programs[0].Insns.private()[3].SetTarget(1) }, "is not the start of a function"},
		{"function missing", func(c *Collection) { c.Programs[0].Insns.private()[3].Symbol = "x" }, `function "x" is not in the program`},
		{"helper missing", func(c *Collection) { c.Programs[0].Insns.private()[3].Symbol = "bpf_nonesuch" }, `"bpf_nonesuch" is neither a helper that is known nor a function of the program`},
		{"map missing", func(c *Collection) { c.Programs[0].Insns.private()[0].Insn = asm.LoadMap(asm.R1, "x\x1b") }, `map "x\x1b" does not exist`},
		{"value outside", func(c *Collection) { c.Programs[0].Insns.private()[0].Insn = asm.LoadMapValue(asm.R1, ".bss", 8) }, `offset 8 is outside the 8 bytes of map ".bss"`},
		{"variable missing", func(c *Collection) { c.Programs[0].Insns.private()[0].Insn = asm.LoadVar(asm.R1, "x", 0) }, `variable "x" does not exist`},
		{"behind variable", func(c *Collection) { c.Programs[0].Insns.private()[0].Insn = asm.LoadVar(asm.R1, "seen", 8) }, "is outside its map"},
		{"reference", func(c *Collection) { c.Programs[0].Insns.private()[0].Ref = 99 }, "unknown kind 99"},
		{"inner map", func(c *Collection) {
			c.Maps = append(c.Maps, &Map{Name: "o", Type: MapHashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: c.Maps[0], Values: []MapValue{{7, "x"}}})
		}, `its initial value, map "x", does not exist`},
		{"tail call", func(c *Collection) {
			c.Maps = append(c.Maps, &Map{Name: "o", Type: MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Values: []MapValue{{0, "flows"}}})
		}, `its initial value, program "flows", does not exist`},
		{"externs", func(c *Collection) { c.Externs = append(c.Externs, c.Externs[0]) }, `two externs are named "bpf_x"`},
		{"extern kind", func(c *Collection) { c.Externs[0].Kind = 9 }, "unknown kind 9"},
		{"attachment", func(c *Collection) { c.Attach[0].Program = "x" }, `program "x" does not exist`},
		{"attachment kind", func(c *Collection) { c.Attach[0].Kind = 99 }, "unknown kind 99"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := sample(t)
			tt.change(c)
			if err := c.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// TestCheckAll shows the first fault of each object, what it is a fault of, and where.
func TestCheckAll(t *testing.T) {
	c := sample(t)
	c.License = "G\x00PL"
	c.Maps[0].KeySize = 0
	c.Vars[0].Map = "x" // "limit"
	c.Programs[0].Insns.private()[1].Target = 9
	c.Programs = append(c.Programs, &Program{Name: "bare"}, &Program{Name: "bare", Type: ProgramXDP})
	c.Externs[0].Kind = 9
	c.Attach[0].Program = "y"
	type fault struct {
		Kind ObjectKind
		Name string
		Insn int
		Text string
	}
	want := []fault{
		{ObjectCollection, "", -1, `check collection: license "G\x00PL" has a NUL or is longer than 127 bytes`},
		{ObjectCollection, "", -1, `check collection: two programs are named "bare"`},
		{ObjectMap, c.Maps[0].Name, -1, `check map "flows": key_size is 0, type hash needs some`},
		{ObjectVar, "limit", -1, `check variable "limit": its map "x" does not exist`},
		{ObjectProgram, "main", 1, `check program "main": instruction 1: label L9 is not defined`},
		{ObjectProgram, "bare", -1, `check program "bare": it has no type`},
		{ObjectProgram, "bare", -1, `check program "bare": it has no instructions`},
		{ObjectExtern, "bpf_x", -1, `check extern "bpf_x": unknown kind 9`},
		{ObjectAttach, "y xdp:eth0", -1, `check attachment "y xdp:eth0": program "y" does not exist`},
	}
	var got []fault
	for _, e := range c.CheckAll() {
		got = append(got, fault{e.Kind, e.Name, e.Insn, e.Error()})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
	var first *CheckError
	if err := c.Check(); !errors.As(err, &first) || first.Error() != want[0].Text {
		t.Errorf("the first is %v", err)
	}
	if err := c.Maps[0].Check(); !errors.As(err, &first) || first.Name != "flows" {
		t.Errorf("a map alone: %v", err)
	}
}
