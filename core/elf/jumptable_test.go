package elf_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

// places returns the entries of a table as indices of instructions of the program.
func places(p *spec.Program, name string) []int {
	var out []int
	for _, l := range p.Table(name).Labels {
		out = append(out, p.FindLabel(l))
	}
	return out
}

// TestJumpTables reads the tables of clang: one of a function that both programs have, each for itself.
func TestJumpTables(t *testing.T) {
	for _, name := range []string{"testdata/jump-el.o", "testdata/jump-eb.o"} {
		c, err := elf.LoadBytes(elftest.ReadFile(t, name), elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Check(); err != nil {
			t.Error(err)
		}
		one, two := c.Program("by_call"), c.Program("itself")
		if len(one.Tables) != 1 || len(two.Tables) != 2 || two.Tables[0].Name != "BPF.JT.2.0" || two.Tables[1].Name != "BPF.JT.0.0" {
			t.Fatalf("%s: tables %+v and %+v", name, one.Tables, two.Tables)
		}
		shift := two.FindFunc("table_of_all") - one.FindFunc("table_of_all")
		a, b := places(one, "BPF.JT.0.0"), places(two, "BPF.JT.0.0")
		for i := range a {
			if a[i]+shift != b[i] {
				t.Errorf("%s: entry %d is %d and %d, functions are %d apart", name, i, a[i], b[i], shift)
			}
		}
		// By llvm-objdump -s: the entries of the first table are 0x40, …; the function begins at 0.
		if first := one.Insns.At(a[0]); len(a) != 7 || first.Op != asm.OpLoadImm64 && first.Op.Class() != asm.ClassALU {
			t.Errorf("%s: %d entries, the first leads to %v", name, len(a), first)
		}
		for i, l := range c.Notes {
			t.Errorf("note %d: %v", i, l)
		}
	}
}

// TestJumpTablesMalformed breaks tables.
func TestJumpTablesMalformed(t *testing.T) {
	const text = `license GPL
section xdp
.func drop
	r1 = var[table] ll
	r1 = *(u64 *)(r1 + 0)
	gotox r1
	exit
`
	for _, tt := range []struct {
		name, want string
		size       uint64
		entries    []uint64
		edit       func(f *elftest.File)
	}{
		{"fine", "", 16, []uint64{32, 24}, nil},
		{"half an entry", `jump table "table" of 12 bytes is not made of whole entries`, 12, []uint64{32, 32}, nil},
		{"empty", `jump table "table" of 0 bytes is not`, 0, []uint64{32}, nil},
		{"second half of a load", `.jumptables+0x8: jump table "table": no instruction of function "drop" starts at 0x8`, 16, []uint64{32, 8}, nil},
		{"behind the function", `starts at 0x28`, 16, []uint64{32, 40}, nil},
		{"far away", `starts at 0xffffffffffffffe0`, 8, []uint64{1<<64 - 32}, nil},
		{"outside the section", `symbol "table" has 24 bytes`, 24, []uint64{32, 24}, nil},
		{"behind its start", `address +8 behind jump table "table"`, 16, []uint64{32, 24}, func(f *elftest.File) { f.Section("xdp").Data[4] = 8 }},
		{"without name", "without the name of a table", 16, []uint64{32, 24}, func(f *elftest.File) { f.Section("xdp").Relocs[0].Symbol = ".jumptables" }},
	} {
		f, err := elftest.Assemble(text)
		if err != nil {
			t.Fatal(err)
		}
		var data []byte
		for _, e := range tt.entries {
			data = binary.LittleEndian.AppendUint64(data, e)
		}
		f.Sections = append(f.Sections, elftest.Section{Name: ".jumptables", Data: data})
		f.Symbols = append(f.Symbols, elftest.Symbol{Name: "table", Section: ".jumptables", Size: tt.size, Bind: 1, Type: elftest.Object})
		if tt.edit != nil {
			tt.edit(f)
		}
		c, err := elf.LoadBytes(f.Bytes(), elf.Options{})
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want == "":
			if got := places(c.Programs[0], "table"); !slices.Equal(got, []int{3, 2}) {
				t.Errorf("%s: places %v", tt.name, got)
			}
		case err == nil || !strings.Contains(err.Error(), tt.want):
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
