package object_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/elflink"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/elftest"
)

// references lists what the instructions of a program refer to, and the numbers beside the names.
func references(p *spec.Program) []string {
	var out []string
	for _, in := range p.Insns.All() {
		if in.Ref != asm.RefNone && in.Ref != asm.RefLabel {
			out = append(out, fmt.Sprintf("%s+%d", in.Symbol, in.Imm))
		}
	}
	return out
}

// TestAddendInPlace reads and links objects of GCC and GNU as 2.40.
func TestAddendInPlace(t *testing.T) {
	want := []string{
		".data+28", ".data+24", "fourth+0", "third+0", "table+0", "one+0", "two+0", "three+0", "four+0", // of prog
		"one+0", "two+0", "one+0", "three+0",
	}
	for _, name := range []string{"calls-el.o", "calls-eb.o"} {
		b := elftest.ReadFile(t, "../../testdata/gcc/"+name)
		c, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := references(c.Program("prog")); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
		if len(c.Notes) != 1 || c.Notes[0].Code != elf.NoteAddendInPlace {
			t.Errorf("%s: notes %v", name, c.Notes)
		}
		linked, err := elflink.Load(elflink.Object{Name: name, Data: b})
		if err != nil {
			t.Fatal(err)
		}
		if got := references(linked.Program("prog")); !slices.Equal(got, want) || len(linked.Notes) > 0 {
			t.Errorf("%s, linked: got %v, want %v, notes %v", name, got, want, linked.Notes)
		}
	}
}

// TestNoAddendInPlace reads objects of which the numbers in instructions are what to add to symbols.
func TestNoAddendInPlace(t *testing.T) {
	object := func(signed string, addends ...byte) []byte {
		f, err := elftest.Assemble("license GPL\nvar .data a 01 02 03 04\nvar .data b 01 02 03 04 05 06 07 08 09\nsection xdp\n.func prog\nr1 = var[b] ll\nr1 = var[b] ll\nexit")
		if err != nil {
			t.Fatal(err)
		}
		code := f.Section("xdp")
		for i, x := range addends {
			code.Data[16*i+4] = x
		}
		if signed != "" {
			f.Sections = append(f.Sections, elftest.Section{Name: ".comment", Data: []byte("\x00" + signed)})
		}
		return f.Bytes()
	}
	for _, tt := range []struct {
		what   string
		object []byte
		want   []string
	}{
		{"addends below the offset", object("GCC: (GNU) 15", 4, 0), []string{"b+4", "b+0"}},
		{"addends above the offset only", object("GCC: (GNU) 15", 8, 8), []string{"b+8", "b+8"}},
		{"another compiler", object("clang version 19", 4, 4), []string{"b+4", "b+4"}},
		{"no signature", object("", 4, 4), []string{"b+4", "b+4"}},
		{"doubled", object("GCC: (GNU) 12", 4, 8), []string{"b+0", "b+4"}},
	} {
		c, err := elf.LoadBytes(tt.object, elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := references(c.Programs[0]); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.what, got, tt.want)
		}
	}
}
