package spec

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

func TestRename(t *testing.T) {
	c := sample(t)
	p := c.Programs[0]
	p.Insns.private()[0].Insn = asm.LoadMap(asm.R1, "flows")
	p.Insns.private()[2].Insn = asm.LoadVar(asm.R1, "seen", 0)
	p.Insns.private()[5].Insn = asm.LoadMapValue(asm.R1, ".bss", 0)
	p.Insns = NewInsns(append(p.Insns.Slice(), Insn{Insn: asm.CallFunc("main")}, Insn{Insn: asm.Exit()})...)
	c.Maps = append(c.Maps,
		&Map{Name: "calls", Type: MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Values: []MapValue{{0, "main"}}},
		&Map{Name: "outer", Type: MapHashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: &Map{Name: "template", Type: MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1}, Values: []MapValue{{0, "flows"}}},
	)
	p.Exception = "helper"
	before := c.Clone()
	for _, do := range []func() error{
		func() error { return c.RenameProgram("main", "entry") },
		func() error { return c.RenameMap("flows", "streams") },
		func() error { return c.RenameMap(".bss", "zeroes") },
		func() error { return c.RenameVar("seen", "count") },
		func() error { return p.RenameFunc("helper", "aide") },
		func() error { return c.RenameMap("calls", "calls") },
		func() error { return c.RenameProgram("entry", "entry") },
		func() error { return c.RenameVar("count", "count") },
		func() error { return p.RenameFunc("aide", "aide") },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	text := c.String()
	for _, gone := range []string{"main", "flows", ".bss]", "seen", "helper"} {
		if strings.Contains(text, gone) {
			t.Errorf("%q is still in\n%s", gone, text)
		}
	}
	if p.Insns.read()[6].Func.Name != "aide" || before.Programs[0].Insns.read()[6].Func.Name != "helper" {
		t.Error("a renamed function changed a clone, or is not renamed")
	}
	if len(Diff(before, c)) == 0 {
		t.Error("a renamed collection does not differ")
	}
}

func TestRenameRefused(t *testing.T) {
	c := sample(t)
	c.Vars = append(c.Vars, &Var{Name: "CONFIG_HZ", Section: ".bss", Map: ".bss", Size: 4})
	c.Externs = append(c.Externs, Extern{Name: "CONFIG_HZ", Kind: ExternKconfig}, Extern{Name: "CONFIG_NR_CPUS", Kind: ExternKconfig})
	p := c.Programs[0]
	tests := []struct {
		do   func() error
		want string
	}{
		{func() error { return c.RenameProgram("x", "y") }, "no such program"},
		{func() error { return c.RenameProgram("main", "") }, "name is empty"},
		{func() error { return c.RenameProgram("main", "a\nb") }, "control character"},
		{func() error { return c.RenameProgram("main", "helper") }, `has a function "helper" already`},
		{func() error { return c.RenameMap("x", "y") }, "no such map"},
		{func() error { return c.RenameMap("flows", ".bss") }, "exists already"},
		{func() error { return c.RenameMap("flows", strings.Repeat("x", 256)) }, "256 bytes long"},
		{func() error { return c.RenameVar("x", "y") }, "no such variable"},
		{func() error { return c.RenameVar("seen", "ports") }, "exists already"},
		{func() error { return c.RenameVar("seen", "\xff") }, "not UTF-8"},
		{func() error { return c.RenameVar("CONFIG_HZ", "hz") }, `"CONFIG_HZ" is a configuration value`},
		{func() error { return c.RenameVar("seen", "CONFIG_NR_CPUS") }, `"CONFIG_NR_CPUS" is a configuration value`},
		{func() error { return p.RenameFunc("x", "y") }, "has no such function"},
		{func() error { return p.RenameFunc("main", "helper") }, "already"},
		{func() error { return p.RenameFunc("main", "\u0085") }, "control character"},
	}
	want := c.Clone()
	for _, tt := range tests {
		if err := tt.do(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want an error with %q", err, tt.want)
		}
	}
	if Diff(want, c) != nil {
		t.Error("a refused renaming changed the collection")
	}
}
