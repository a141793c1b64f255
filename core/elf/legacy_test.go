package elf_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

// legacyObject has maps of so many 32-bit fields each.
func legacyObject(t *testing.T, section string, defs ...[]uint32) []byte {
	t.Helper()
	f, err := elftest.Assemble("nobtf\nlicense GPL\nsection xdp\n.func prog\nr0 = 2\nexit")
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for i, d := range defs {
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: string(rune('a' + i)), Section: section, Value: uint64(len(data)), Size: uint64(4 * len(d)), Bind: elftest.Global, Type: elftest.Object})
		for _, x := range d {
			data = binary.LittleEndian.AppendUint32(data, x)
		}
	}
	f.Sections = append(f.Sections, elftest.Section{Name: section, Data: data, Flags: elftest.Alloc, Align: 4})
	return f.Bytes()
}

// TestIproute2Maps reads struct bpf_elf_map: type, key, value, entries, flags, id, pinning, inner id
// and inner index.
func TestIproute2Maps(t *testing.T) {
	c, err := elf.LoadBytes(legacyObject(t, "maps",
		[]uint32{2, 4, 8, 16, 0, 7, 2, 0, 1},
		[]uint32{12, 4, 4, 2, 0, 9, 0, 7, 0},
		[]uint32{2, 4, 8, 16, 0, 7, 0, 0, 0},
	), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	outer := c.Map("b")
	if c.Map("a").Pinning != spec.PinByName || outer.Inner == nil || outer.Inner.ValueSize != 8 || outer.Inner.Pinning != spec.PinNone {
		t.Errorf("maps\n%s", c)
	}
	if want := []spec.MapValue{{Key: 1, Name: "a"}, {Key: 0, Name: "c"}}; len(outer.Values) != 2 || outer.Values[0] != want[0] || outer.Values[1] != want[1] {
		t.Errorf("values %v", outer.Values)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	for want, def := range map[string][]uint32{
		"no map has id 7": {12, 4, 4, 2, 0, 9, 0, 7, 0},
		"pinning 3":       {2, 4, 4, 2, 0, 9, 3, 0, 0},
	} {
		if _, err := elf.LoadBytes(legacyObject(t, "maps", def), elf.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// tailCalls is an object with an array of programs of id 2 and programs in sections with numbers.
func tailCalls(t *testing.T, sections ...string) []byte {
	t.Helper()
	text := "nobtf\nlicense GPL\n"
	for i, s := range sections {
		text += fmt.Sprintf("section %s\n.func prog%d\nr0 = %d\nexit\n", s, i, i)
	}
	f, err := elftest.Assemble(text)
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for _, x := range []uint32{uint32(spec.MapProgArray), 4, 4, 8, 0, 2, 0, 0, 0} {
		data = binary.LittleEndian.AppendUint32(data, x)
	}
	f.Sections = append(f.Sections, elftest.Section{Name: "maps", Data: data, Flags: elftest.Alloc, Align: 4})
	f.Symbols = append(f.Symbols, elftest.Symbol{Name: "jumps", Section: "maps", Size: 36, Bind: elftest.Global, Type: elftest.Object})
	return f.Bytes()
}

// TestTailCallSections reads programs that iproute2 puts into an array by the name of their section.
func TestTailCallSections(t *testing.T) {
	c, err := elf.LoadBytes(tailCalls(t, "2/0", "action", "2/7"), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []spec.MapValue{{Key: 0, Name: "prog0"}, {Key: 7, Name: "prog2"}}; !slices.Equal(c.Map("jumps").Values, want) {
		t.Errorf("values %v", c.Map("jumps").Values)
	}
	for _, p := range c.Programs {
		if p.Type != spec.ProgramSchedAct {
			t.Errorf("program %s is of type %v", p.Name, p.Type)
		}
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	if n := c.Notes[len(c.Notes)-1]; n.Code != elf.NoteTailCall || !strings.Contains(n.Text, "section 2/7") {
		t.Errorf("notes %v", c.Notes)
	}
	if c, err := elf.LoadBytes(tailCalls(t, "2/1"), elf.Options{}); err != nil || c.Programs[0].Type != spec.ProgramSchedCls {
		t.Errorf("alone: %v", err)
	}
	if c, err := elf.LoadBytes(tailCalls(t, "3/1", "2/x"), elf.Options{}); err != nil || c.Programs[0].Type != spec.ProgramUnspec || c.Programs[1].Type != spec.ProgramUnspec {
		t.Errorf("another id, no number: %v", err)
	}
	for want, sections := range map[string][]string{
		`section is entry 8 of map "jumps", which has 8`:               {"2/8"},
		`programs "prog0" and "prog1" are both entry 1 of map "jumps"`: {"2/1", "02/1"},
	} {
		if _, err := elf.LoadBytes(tailCalls(t, sections...), elf.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestSampleMaps reads struct bpf_map_def of the kernel's samples: type, key, value, entries, flags,
// number of the inner map and NUMA node, in a section of any of its names.
func TestSampleMaps(t *testing.T) {
	for _, section := range []string{"maps", "maps/x", "x/maps"} {
		c, err := elf.LoadBytes(legacyObject(t, section,
			[]uint32{1, 4, 8, 16, uint32(spec.FlagNUMANode), 0, 1},
			[]uint32{13, 4, 4, 2, 0, 0, 1},
		), elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		a, b := c.Map("a"), c.Map("b")
		if a.NUMANode != 1 || b.NUMANode != 0 || b.Inner == nil || b.Inner.Type != spec.MapHash {
			t.Errorf("maps\n%s", c)
		}
	}
}

// TestUndefined reads references that nothing satisfies, if it is told to.
func TestUndefined(t *testing.T) {
	f, err := elftest.Assemble("license GPL\nvar .data x 01\nsection xdp\n.func prog\nr1 = var[x] ll\ncall other\nexit\nsection .text\n.func other\nexit")
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Symbols {
		if n := f.Symbols[i].Name; n == "x" || n == "other" {
			f.Symbols[i] = elftest.Symbol{Name: n, Bind: elftest.Global}
		}
	}
	if _, err := elf.LoadBytes(f.Bytes(), elf.Options{}); err == nil || !strings.Contains(err.Error(), `undefined map or variable "x"`) {
		t.Errorf("%v", err)
	}
	c, err := elf.LoadBytes(f.Bytes(), elf.Options{Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err == nil || len(c.Notes) < 2 {
		t.Errorf("check: %v, notes %v", err, c.Notes)
	}
	if in := c.Programs[0].Insns.Slice(); in[0].Symbol != "x" || in[1].Symbol != "other" {
		t.Errorf("%+v", in)
	}
}

// TestDeclaredMaps reads maps that another object defines, if it is told to.
func TestDeclaredMaps(t *testing.T) {
	for section, want := range map[string]string{".maps": `map "flows" is defined in another object: link them`, ".note": `undefined map or variable "flows"`} {
		b := elftest.Declaring(t, "license GPL\nmap flows hash 4 8 1\nsection xdp\n.func prog\nr1 = map[flows] ll\nr2 = map[flows] ll\nexit", "flows", ".maps", section)
		if _, err := elf.LoadBytes(b, elf.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("section %s: got %v, want %q", section, err, want)
		}
		c, err := elf.LoadBytes(b, elf.Options{Lenient: true})
		if err != nil {
			t.Error(err)
			continue
		}
		if in := c.Programs[0].Insns.At(0); in.Ref != asm.RefMap || in.Symbol != "flows" {
			t.Errorf("section %s: first instruction is %v", section, in)
		}
		undefined := 0
		for _, n := range c.Notes {
			if n.Code == elf.NoteUndefined && strings.Contains(n.Text, "flows") {
				undefined++
			}
		}
		if undefined != 1 {
			t.Errorf("section %s: notes %v", section, c.Notes)
		}
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), `map "flows" does not exist`) {
			t.Errorf("section %s: check: %v", section, err)
		}
		c.Maps = append(c.Maps, &spec.Map{Name: "flows", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1})
		if err := c.Check(); err != nil {
			t.Errorf("section %s: with the map: %v", section, err)
		}
	}
}

// TestLegacySizes reads old definitions without the sizes that a type leaves no choice about.
func TestLegacySizes(t *testing.T) {
	for _, kind := range []spec.MapType{spec.MapPerfEventArray, spec.MapProgArray, spec.MapCgroupArray} {
		c, err := elf.LoadBytes(legacyObject(t, "maps", []uint32{uint32(kind), 0, 0, 2, 0}), elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if m := c.Map("a"); m.KeySize != 4 || m.ValueSize != 4 || c.Check() != nil {
			t.Errorf("%v: key %d, value %d, %v", kind, m.KeySize, m.ValueSize, c.Check())
		}
	}
}

// TestSectionRules reads sections that are known to the caller or to the lenient rule only.
func TestSectionRules(t *testing.T) {
	object := func(section string) []byte {
		return elftest.MustBytes("license GPL\nsection " + section + "\n.func prog\nr0 = 2\nexit")
	}
	own := elf.Options{Sections: []elf.SectionRule{{Pattern: "guard+", Type: spec.ProgramLSM, Attach: spec.AttachTypeLSMMac, Flags: spec.FlagSleepable}, {Pattern: "xdp", Type: spec.ProgramSchedCls}}}
	c, err := elf.LoadBytes(object("guard/file_open"), own)
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Programs[0]; p.Type != spec.ProgramLSM || p.AttachTo != "file_open" || p.Flags != spec.FlagSleepable {
		t.Errorf("%+v", p)
	}
	if c, err = elf.LoadBytes(object("xdp"), own); err != nil || c.Programs[0].Type != spec.ProgramSchedCls {
		t.Errorf("own rule does not come first: %v", err)
	}
	last := elf.Options{Lenient: true, Fallbacks: []elf.SectionRule{{Pattern: "xdp", Type: spec.ProgramSchedCls}, {Pattern: "xdp_mine+", Type: spec.ProgramSchedCls}}}
	for name, want := range map[string]spec.ProgramType{"xdp": spec.ProgramXDP, "xdp_mine/7": spec.ProgramSchedCls, "xdp_other": spec.ProgramXDP} {
		if c, err := elf.LoadBytes(object(name), last); err != nil || c.Programs[0].Type != want {
			t.Errorf("%s with rules behind the table: %v", name, err)
		}
	}
	for name, want := range map[string]spec.ProgramType{"xdp_devmap/x": spec.ProgramXDP, "seccomp": spec.ProgramSocketFilter, "ingress": spec.ProgramSchedCls, "socket1": spec.ProgramSocketFilter} {
		c, err := elf.LoadBytes(object(name), elf.Options{Lenient: true})
		if err != nil || c.Programs[0].Type != want {
			t.Errorf("%s: %v", name, err)
		}
		if c, err = elf.LoadBytes(object(name), elf.Options{}); err != nil || c.Programs[0].Type != spec.ProgramUnspec {
			t.Errorf("%s is known to the exact rule: %v", name, err)
		}
	}
}

// TestLegacyStatic reads static definitions of one name, as a linker leaves them.
func TestLegacyStatic(t *testing.T) {
	f, err := elftest.Assemble("nobtf\nlicense GPL\nsection xdp\n.func prog\nr0 = 2\nexit")
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for i := range 3 {
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "m", Section: "maps", Value: uint64(len(data)), Size: 16, Type: elftest.Object})
		for _, x := range []uint32{2, 4, 8, uint32(i + 1)} {
			data = binary.LittleEndian.AppendUint32(data, x)
		}
	}
	f.Sections = append(f.Sections, elftest.Section{Name: "maps", Data: data, Flags: elftest.Alloc, Align: 4})
	c, err := elf.LoadBytes(f.Bytes(), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"m", "m.2", "m.3"} {
		if m := c.Map(name); m == nil || m.MaxEntries != uint32(i+1) {
			t.Errorf("map %s: %+v", name, m)
		}
	}
}
