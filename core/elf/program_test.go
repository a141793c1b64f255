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

func assembled(t testing.TB, text string) *spec.Collection {
	t.Helper()
	c, err := elf.LoadBytes(elftest.MustBytes(text), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// funcs lists the functions of a program in order.
func funcs(p *spec.Program) string {
	var out []string
	for _, in := range p.Insns.All() {
		if f := in.Func; f != nil {
			out = append(out, f.Name)
		}
	}
	return strings.Join(out, " ")
}

func codes(c *spec.Collection) string {
	var out []string
	for _, n := range c.Notes {
		out = append(out, n.Code)
	}
	return strings.Join(out, " ")
}

// TestFlatten has functions that call each other in every way: across sections, in circles, by
// address, and more than one program that needs the same.
func TestFlatten(t *testing.T) {
	c := assembled(t, `
static tail
section .text
.func a
	if r1 == 0 goto L1
	call b
L1:
	exit
.func b
	if r1 == 0 goto L2
	call a
L2:
	exit
.func tail
	if r1 == 0 goto L3
L3:
	exit
section xdp
.func one
	if r1 == 0 goto L1
	call a
	call b
L1:
	r2 = func[tail] ll
	exit
.func two
	call one
	exit
.func three
	exit
`)
	for name, want := range map[string]string{"one": "one a b tail", "two": "two one a b tail", "three": "three"} {
		if got := funcs(c.Program(name)); got != want {
			t.Errorf("program %s has %q, want %q", name, got, want)
		}
	}
	if len(c.Programs) != 3 {
		t.Errorf("%d programs", len(c.Programs))
	}
	seen := make(map[asm.Label]bool)
	for _, in := range c.Program("two").Insns.All() {
		if in.Label != 0 && seen[in.Label] {
			t.Errorf("label %d is there twice", in.Label)
		}
		seen[in.Label] = true
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

// TestLocalCalls has calls without relocations, as compilers leave them within a section.
func TestLocalCalls(t *testing.T) {
	f, err := elftest.Assemble("section xdp\n.func main\ncall sub\nr1 = func[sub] ll\nexit\n.func sub\nexit")
	if err != nil {
		t.Fatal(err)
	}
	s := &f.Sections[0]
	s.Relocs = nil
	s.Data[4], s.Data[5], s.Data[6], s.Data[7] = 3, 0, 0, 0
	s.Data[9], s.Data[12] = 0x41, 2
	c, err := elf.LoadBytes(f.Bytes(), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := c.Program("main")
	for i := range 2 {
		if r := p.Insns.At(i); r.Ref != asm.RefFunc || r.Symbol != "sub" || p.Insns.At(i).Imm != 0 {
			t.Errorf("instruction %d: %v", i, p.Insns.At(i).Insn)
		}
	}
	s.Data[4] = 1
	if _, err := elf.LoadBytes(f.Bytes(), elf.Options{}); err == nil || !strings.Contains(err.Error(), `xdp+0x0: function "main": no function starts at xdp+0x10`) {
		t.Errorf("call into the middle: %v", err)
	}
}

// staticFunctions has a static function that is called and one that is not, in a section of programs.
const staticFunctions = "static used\nstatic idle\nsection %s\n.func main\ncall used\nexit\n.func used\nexit\n.func idle\nexit"

func TestStaticFunctions(t *testing.T) {
	for _, tt := range []struct{ section, programs, notes string }{
		{"xdp", "main idle", "N14"},
		{"?xdp", "main idle", "N14"},
		{"xdp_drop", "main idle", "N07 N14"},
		{"tail-3", "main idle", "N14 N05"},
		{".text", "", ""},
		{".text.unlikely", "", ""},
	} {
		b := elftest.MustBytes(fmt.Sprintf(staticFunctions, tt.section))
		c, err := elf.LoadBytes(b, elf.Options{Lenient: true})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, p := range c.Programs {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, " "); got != tt.programs || codes(c) != tt.notes {
			t.Errorf("section %s: programs %q, notes %+v", tt.section, got, c.Notes)
		}
		_, err = elf.LoadBytes(b, elf.Options{})
		want := tt.section + `+0x10: function "used" of a section of programs is static`
		if tt.section == ".text" && err != nil || tt.section != ".text" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("section %s, strict: got %v, want %q", tt.section, err, want)
		}
	}
}

func TestLibrarySection(t *testing.T) {
	c := assembled(t, "section mylib\n.func lib\nexit\nsection xdp\n.func main\ncall lib\nexit")
	if len(c.Programs) != 1 || funcs(c.Programs[0]) != "main lib" || codes(c) != "" {
		t.Errorf("%d programs, notes %+v", len(c.Programs), c.Notes)
	}
	c = assembled(t, "section mylib\n.func lib\nexit")
	if len(c.Programs) != 1 || c.Programs[0].Type != 0 || codes(c) != elf.NoteUnknown {
		t.Errorf("%d programs, notes %+v", len(c.Programs), c.Notes)
	}
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), `section "mylib" names none`) {
		t.Errorf("check: %v", err)
	}
}

// TestSameStaticName has two static functions of one name, as a linker leaves them.
func TestSameStaticName(t *testing.T) {
	f, err := elftest.Assemble("static x\nstatic y\nsection .text\n.func x\nr0 = 1\nexit\n.func y\nr0 = 2\nexit\nsection xdp\n.func main\ncall x\ncall y\nexit")
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Symbols {
		if f.Symbols[i].Name == "y" {
			f.Symbols[i].Name = "x"
			f.Sections[1].Relocs[1].Number = 5 // null, three sections, x, then this one
		}
	}
	c, err := elf.LoadBytes(f.Bytes(), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := funcs(c.Programs[0]); got != "main x x.2" || codes(c) != elf.NoteDuplicate {
		t.Errorf("functions %q, notes %+v", got, c.Notes)
	}
}

func TestAliases(t *testing.T) {
	f, err := elftest.Assemble("section xdp\n.func main\nr0 = 1\nexit")
	if err != nil {
		t.Fatal(err)
	}
	f.Symbols = append(f.Symbols, elftest.Symbol{Name: "alias", Section: "xdp", Size: 16, Bind: elftest.Weak, Type: elftest.Func})
	c, err := elf.LoadBytes(f.Bytes(), elf.Options{})
	if err != nil || len(c.Programs) != 1 || c.Programs[0].Name != "main" {
		t.Errorf("got %v, %v", c, err)
	}
}

// TestSharedCode bounds what programs that share functions can multiply.
func TestSharedCode(t *testing.T) {
	var text strings.Builder
	text.WriteString("section .text\n.func big\n" + strings.Repeat("r0 = 1\n", 1000) + "exit\nsection xdp\n")
	for i := range 50 {
		text.WriteString(".func p" + string(rune('A'+i%26)) + string(rune('a'+i/26)) + "\ncall big\nexit\n")
	}
	b := elftest.MustBytes(text.String())
	if _, err := elf.LoadBytes(b, elf.Options{}); err != nil {
		t.Error(err)
	}
	if _, err := elf.LoadBytes(b, elf.Options{MaxInsns: 10_000}); err == nil || !strings.Contains(err.Error(), "more than 10000 instructions") {
		t.Errorf("got %v", err)
	}
}

// TestSectionCalls reads calls as LLVM before 10 made them: the relocation names the section of the
// function, and the instruction says how far after its start the function is; the same for the
// address of one.
func TestSectionCalls(t *testing.T) {
	f, err := elftest.Assemble(`license GPL
static first
static second
section .text
.func first
	r0 = 1
	exit
.func second
	r0 = 2
	exit
section xdp
.func prog
	call first
	call second
	r1 = func[second] ll
	exit
`)
	if err != nil {
		t.Fatal(err)
	}
	code := f.Section("xdp")
	for i, imm := range []int32{-1, 2 - 1, 2 * 8} {
		code.Relocs[i].Symbol = ".text"
		binary.LittleEndian.PutUint32(code.Data[code.Relocs[i].Offset+4:], uint32(imm))
	}
	c, err := elf.LoadBytes(f.Bytes(), elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, in := range c.Programs[0].Insns.All() {
		if in.Ref == asm.RefFunc {
			got = append(got, in.Symbol)
		}
	}
	if want := []string{"first", "second", "second"}; !slices.Equal(got, want) {
		t.Errorf("calls %q, want %q", got, want)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	binary.LittleEndian.PutUint32(code.Data[4:], 0)
	if _, err := elf.LoadBytes(f.Bytes(), elf.Options{}); err == nil || !strings.Contains(err.Error(), "no function starts at .text+0x8") {
		t.Errorf("a call between functions: %v", err)
	}
}
