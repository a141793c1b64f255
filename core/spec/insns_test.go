package spec

import (
	"fmt"
	"sync"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

func mov(n int32) Insn { return Insn{Insn: asm.Mov64Imm(asm.R0, n)} }

func TestCodeValues(t *testing.T) {
	given := []Insn{mov(1), mov(2), mov(3)}
	c := NewInsns(given...)
	given[0].Imm = 99
	out := c.Slice()
	out[1].Imm = 99
	part := c.Part(1, 3)
	if c.Len() != 3 || c.At(0) != mov(1) || c.At(1) != mov(2) || part.Len() != 2 || part.At(0) != mov(2) {
		t.Errorf("%+v, part %+v: slices that were given or taken are shared", c, part)
	}
	n := 0
	for i, in := range c.All() {
		if in != c.At(i) {
			t.Errorf("instruction %d is %+v", i, in)
		}
		if n++; i == 1 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d instructions before the break", n)
	}
	if alone := NewInsns(asm.Mov64Imm(asm.R0, 1), asm.Mov64Imm(asm.R0, 2), asm.Mov64Imm(asm.R0, 3)); !alone.Equal(c) || alone.Equal(part) {
		t.Errorf("%+v, %+v", alone, c)
	}
	if !(Insns{}).Equal(NewInsns[Insn]()) || (Insns{}).Len() != 0 {
		t.Error("code without instructions")
	}
}

func TestCodeEqual(t *testing.T) {
	with := func(f func(in *Insn)) Insns {
		in := mov(1)
		in.Func, in.Line, in.Core = &btf.FuncInfo{Name: "f"}, &btf.LineInfo{Line: 3}, &btf.CoreRelo{Access: "0"}
		f(&in)
		return NewInsns(in)
	}
	same := with(func(*Insn) {})
	if !same.Equal(with(func(*Insn) {})) {
		t.Error("equal records in two places differ")
	}
	for name, f := range map[string]func(in *Insn){
		"imm": func(in *Insn) { in.Imm = 2 }, "func": func(in *Insn) { in.Func = &btf.FuncInfo{Name: "g"} },
		"line": func(in *Insn) { in.Line = nil }, "core": func(in *Insn) { in.Core = &btf.CoreRelo{Access: "1"} },
	} {
		if same.Equal(with(f)) || with(f).Equal(same) {
			t.Errorf("other %s, and yet equal", name)
		}
	}
}

// codeEdits are all ways to change instructions.
var codeEdits = map[string]func(c *Collection) error{
	"set":  func(c *Collection) error { c.Programs[0].Insns.Set(1, mov(9)); return nil },
	"edit": func(c *Collection) error { c.Programs[0].Insns.Edit(func(in []Insn) { in[0] = mov(9) }); return nil },
	"part": func(c *Collection) error {
		p := c.Programs[0].Insns.Part(0, 2)
		p.Set(0, mov(9))
		c.Programs[0].Insns = p
		return nil
	},
	"insert": func(c *Collection) error { return c.Programs[0].Insert(1, mov(9)) },
	"delete": func(c *Collection) error { return c.Programs[0].Delete(1, 1) },
	"splice": func(c *Collection) error { return c.Programs[0].Splice(0, 1, []Insn{mov(9)}, SpliceOptions{}) },
	"append": func(c *Collection) error { return c.Programs[0].Insert(c.Programs[0].Insns.Len(), mov(9)) },
	"func":   func(c *Collection) error { return c.Programs[0].RenameFunc("sub", "other") },
	"rename": func(c *Collection) error { return c.RenameProgram("main", "other") },
	"map":    func(c *Collection) error { return c.RenameMap("flows", "other") },
	"remove": func(c *Collection) error {
		return c.Programs[0].DeleteSet([]bool{false, true, false, false, false, false, false, false})
	},
}

func editable(t testing.TB) *Collection {
	p := program(t, `.func main
		r1 = map[flows] ll
		r2 = 5
		call sub
		r1 = var[a] ll
		r0 = *(u32 *)(r1 + 0)
		exit
	.func sub
		r0 = 1
		exit`)
	return &Collection{
		Programs: []*Program{p},
		Maps: []*Map{
			{Name: ".rodata", Section: ".rodata", Type: MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: FlagReadOnlyProg, Freeze: true},
			{Name: "flows", Type: MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		},
		Vars: []*Var{{Name: "a", Section: ".rodata", Map: ".rodata", Size: 4}},
	}
}

// TestCodeApart holds that no change of a clone reaches the original, and none of the original the
// clone.
func TestCodeApart(t *testing.T) {
	for name, edit := range codeEdits {
		t.Run(name, func(t *testing.T) {
			a, b := editable(t), editable(t).Clone()
			before := string(a.AppendText(nil))
			for _, side := range []struct{ edited, kept *Collection }{{a.Clone(), a}, {b, b.Clone()}} {
				if err := edit(side.edited); err != nil {
					t.Fatal(err)
				}
				if string(side.kept.AppendText(nil)) != before {
					t.Errorf("the other side is now\n%s", side.kept.AppendText(nil))
				}
				if string(side.edited.AppendText(nil)) == before {
					t.Error("nothing changed")
				}
			}
		})
	}
}

// TestCodeConcurrent lets the race detector look at clones that are read and changed at once.
func TestCodeConcurrent(t *testing.T) {
	a := editable(t)
	want := string(a.AppendText(nil))
	var all sync.WaitGroup
	errs := make(chan error, 2*len(codeEdits))
	for name, edit := range codeEdits {
		all.Go(func() {
			if err := edit(a.Clone()); err != nil {
				errs <- fmt.Errorf("%s: %w", name, err)
			}
			if got := string(a.AppendText(nil)); got != want {
				errs <- fmt.Errorf("%s: the original is now\n%s", name, got)
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

// TestCloneAllocs holds that a clone does not copy instructions.
func TestCloneAllocs(t *testing.T) {
	for _, n := range []int{1, 10_000} {
		p := &Program{Insns: NewInsns(make([]Insn, n)...)}
		if allocs := testing.AllocsPerRun(100, func() { p.Clone() }); allocs != 1 {
			t.Errorf("a clone of %d instructions takes %v allocations", n, allocs)
		}
	}
}
