package elfwrite

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/elflink"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// collections reads all committed objects, and one that is linked of two.
func collections(t testing.TB) map[string]*spec.Collection {
	t.Helper()
	out := make(map[string]*spec.Collection)
	for _, name := range elftest.Objects(t, "../testdata") {
		c, err := elf.LoadBytes(elftest.ReadFile(t, name), elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(name)] = c
	}
	c, err := elflink.Load(
		elflink.Object{Name: "a.o", Data: elftest.ReadFile(t, "../testdata/link/a-el.o")},
		elflink.Object{Name: "b.o", Data: elftest.ReadFile(t, "../testdata/link/b-el.o")},
	)
	if err != nil {
		t.Fatal(err)
	}
	out["linked"] = c
	return out
}

// TestWrite writes every object again: nothing changes, and writing what was read returns the same
// bytes.
func TestWrite(t *testing.T) {
	for name, c := range collections(t) {
		b, err := Write(c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name != "legacy-el.o" { // its map is defined with BTF now
			if d := spec.Diff(c, again); len(d) > 0 {
				t.Errorf("%s changes:\n%s", name, spec.AppendChanges(nil, d))
			}
		}
		twice, err := Write(again)
		if err != nil || !bytes.Equal(b, twice) {
			t.Errorf("%s: writing again gives other bytes: %v", name, err)
		}
		for range 3 {
			if same, err := Write(c); err != nil || !bytes.Equal(b, same) {
				t.Fatalf("%s: not deterministic: %v", name, err)
			}
		}
	}
}

// TestWriteResized writes data sections that were made longer.
func TestWriteResized(t *testing.T) {
	resized := 0
	for name, c := range collections(t) {
		for _, m := range c.Maps {
			if m.Name == object.KconfigSection || m.Type != spec.MapArray || !object.IsData(m.Name) {
				continue
			}
			resized++
			if err := c.ResizeData(m.Name, m.ValueSize+64); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		b, err := Write(c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, m := range c.Maps {
			if got := again.Map(m.Name); got == nil || got.ValueSize != m.ValueSize || !bytes.Equal(got.Data, m.Data) {
				t.Errorf("%s: section %s is %+v, want %+v", name, m.Name, got, m)
			}
		}
		for _, v := range c.Vars {
			if got := again.Var(v.Name); got == nil || got.Size != v.Size {
				t.Errorf("%s: variable is %+v, want %+v", name, got, v)
			}
		}
	}
	if resized < 5 {
		t.Errorf("%d sections were resized", resized)
	}
}

// built is a collection that was never an object.
func built(t testing.TB, order asm.ByteOrder) *spec.Collection {
	t.Helper()
	l, err := asm.Parse(`.func prog
		r1 = map[flows] ll
		r1 = map[jumps] ll
		r1 = var[limit] ll
		r1 = value[.data.x] + 2 ll
		call helper
		if r0 == 0 goto L1
		call kfunc[bpf_x]
		r1 = func[helper] ll
	L1:	r0 = 2
		exit
	.func helper
		r1 = ksym[bpf_y] ll
	L7:	r0 = 0
		if r0 == 1 goto L7
		exit`)
	if err != nil {
		t.Fatal(err)
	}
	p := &spec.Program{Name: "prog", Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceFentry, AttachTo: "do_x", Flags: spec.FlagSleepable, Optional: true}
	p.Insns = spec.NewInsns(l.Insns...)
	p.Insns.Edit(func(insns []spec.Insn) {
		for i, n := range l.Funcs {
			insns[i].Func = &btf.FuncInfo{Name: n}
		}
	})
	return &spec.Collection{
		Order: order, License: "GPL", KernelVersion: 7,
		Programs: []*spec.Program{p},
		Maps: []*spec.Map{
			{Name: "flows", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 70000, Flags: spec.FlagNoPrealloc | spec.FlagNUMANode, NUMANode: 1, Pinning: spec.PinByName},
			{Name: "jumps", Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4, Values: []spec.MapValue{{Key: 2, Name: "prog"}}},
			{Name: "bloom", Type: spec.MapBloomFilter, ValueSize: 8, MaxEntries: 4, Extra: 1 << 33},
			{Name: "outer", Type: spec.MapHashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 4, Inner: &spec.Map{Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 4}, Values: []spec.MapValue{{Key: 1, Name: "flows"}}},
			{Name: ".data.x", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: spec.FlagMmapable, Data: []byte{1, 0, 2, 0, 0, 0, 0, 9}},
		},
		Vars:    []*spec.Var{{Name: "limit", Map: ".data.x", Offset: 4, Size: 4, Linkage: spec.LinkWeak}},
		Externs: []spec.Extern{{Name: "bpf_x", Kind: spec.ExternKfunc}, {Name: "bpf_y", Kind: spec.ExternKsym, Weak: true}},
		Attach:  []spec.Attach{{Program: "prog", Kind: spec.HookTracing}},
	}
}

func TestWriteBuilt(t *testing.T) {
	for _, order := range []asm.ByteOrder{asm.LittleEndian, asm.BigEndian} {
		c := built(t, order)
		before := c.String()
		b, err := Write(c)
		if err != nil {
			t.Fatal(err)
		}
		if c.String() != before {
			t.Error("writing changed the collection")
		}
		got, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if p := got.Programs[0]; p.Section != "?fentry.s/do_x" || p.AttachTo != "do_x" || !p.Optional {
			t.Errorf("%+v", p)
		}
		if v := got.Map("jumps").Values; len(v) != 1 || v[0] != (spec.MapValue{Key: 2, Name: "prog"}) {
			t.Errorf("%v", v)
		}
		if x, err := got.Var("limit").Uint(got); err != nil || order == asm.LittleEndian && x != 9<<24 {
			t.Errorf("%d, %v", x, err)
		}
	}
}

// TestWriteEdited writes what a plugin may have made of an object.
func TestWriteEdited(t *testing.T) {
	c := collections(t)["basic-el.o"]
	c.Map("flows").MaxEntries = 5
	c.Map("flows").Key = 0
	p := c.Program("drop")
	if err := p.Insert(0, spec.Insn{Insn: asm.Mov64Imm(asm.R0, 7)}); err != nil {
		t.Fatal(err)
	}
	changed := 0
	for _, p := range c.Programs { // the same function differs in two programs
		for i, in := range p.Insns.All() {
			if f := in.Func; f != nil && i > 0 && changed == 0 {
				if err := p.Insert(i, spec.Insn{Insn: asm.Mov64Imm(asm.R5, 7)}); err != nil {
					t.Fatal(err)
				}
				changed = i
			}
		}
	}
	b, err := Write(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Map("flows").MaxEntries != 5 || got.Program("drop").Insns.At(0).Imm != 7 || changed == 0 {
		t.Error("edits are lost")
	}
}

func TestWriteRefused(t *testing.T) {
	for want, edit := range map[string]func(c *spec.Collection){
		"no name of a section": func(c *spec.Collection) { c.Programs[0].AttachType = spec.AttachType(200) },
		"begins with none of": func(c *spec.Collection) {
			c.Maps[4].Name, c.Vars[0].Map = "mine", "mine"
			c.Programs[0].Insns.Edit(func(in []spec.Insn) { in[3].Symbol = "mine" })
		},
		"not zero": func(c *spec.Collection) {
			c.Maps[4].Name, c.Vars[0].Map = ".bss", ".bss"
			c.Programs[0].Insns.Edit(func(in []spec.Insn) { in[3].Symbol = ".bss" })
		},
		"not a data section": func(c *spec.Collection) { c.Programs[0].Insns.Edit(func(in []spec.Insn) { in[3].Symbol = "flows" }) },
		"max_entries":        func(c *spec.Collection) { c.Maps[4].MaxEntries = 2 },
		"is not declared":    func(c *spec.Collection) { c.Externs = c.Externs[1:] },
	} {
		c := built(t, asm.LittleEndian)
		edit(c)
		if _, err := Write(c); !errors.Is(err, ErrWrite) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := Write(&spec.Collection{Programs: []*spec.Program{{Name: "x"}}}); err == nil {
		t.Error("a program without type was written")
	}
}

// TestWriteKernel loads what was written with bpftool, and lets it print the types.
func TestWriteKernel(t *testing.T) {
	testenv.NeedKernel(t, "5.10", "global functions")
	if os.Geteuid() != 0 {
		testenv.Skip(t, testenv.Kernel, "not root")
	}
	b, err := Write(collections(t)["linked"])
	if err != nil {
		t.Fatal(err)
	}
	elftest.LoadWithBpftool(t, b)

	c, err := spec.Parse(`license "GPL"
map flows
	type hash
	key_size 4
	value_size 8
	max_entries 16
map .bss
	section .bss
	type array
	key_size 4
	value_size 8
	max_entries 1
	flags 0x400
var seen
	map .bss
	offset 0
	size 8
program drop
	type xdp
	attach_type xdp
.func drop
	r1 = var[seen] ll
	r2 = 1
	*(u64 *)(r1 + 0) = r2
	call one
	exit
.func one
	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = map[flows] ll
	call bpf_map_lookup_elem#1
	r0 = 1
	exit
`)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = Write(c); err != nil {
		t.Fatal(err)
	}
	elftest.LoadWithBpftool(t, b)

	tool, err := exec.LookPath("bpftool")
	if err != nil {
		testenv.Skip(t, testenv.Clang, err.Error())
	}
	for name, c := range collections(t) {
		if slices.ContainsFunc(c.Notes, func(n spec.Note) bool { return n.Code == elf.NoteUntyped }) {
			continue // libbpf divides by zero
		}
		b, err := Write(c)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "o.o")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(tool, "btf", "dump", "file", file, "format", "c").CombinedOutput(); err != nil {
			t.Errorf("%s: bpftool: %v\n%s", name, err, out)
		}
		// A skeleton is made by opening the object: libbpf reads all of it, and creates nothing.
		first := filepath.Join("../testdata", name)
		if exec.Command(tool, "gen", "skeleton", first).Run() != nil {
			continue // libbpf does not read what clang made either
		}
		if out, err := exec.Command(tool, "gen", "skeleton", file).CombinedOutput(); err != nil {
			t.Errorf("%s: bpftool: %v\n%s", name, err, out)
		}
	}
}
