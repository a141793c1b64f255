package spec

import (
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/internal/pack"
)

// inPieces returns the code in pieces, a function each, whose labels are numbered from 1.
func inPieces(t testing.TB, c Insns) Insns {
	t.Helper()
	var lines []btf.LineInfoAt
	var cores []btf.CoreReloAt
	for _, in := range c.All() {
		if in.Line != nil {
			lines = append(lines, btf.LineInfoAt{LineInfo: *in.Line})
		}
		if in.Core != nil {
			cores = append(cores, btf.CoreReloAt{CoreRelo: *in.Core})
		}
	}
	k := pack.New(1, lines, cores, nil)
	var pieces []pack.Piece
	base, top, nextLine, nextCore := asm.Label(0), asm.Label(0), 0, 0
	for i, in := range c.All() {
		if i == 0 || in.Func != nil {
			base = top
			pieces = append(pieces, pack.Piece{Pack: k, Func: in.Func, From: uint32(i), Labels: base})
		}
		line, core := -1, -1
		if in.Line != nil {
			line, nextLine = nextLine, nextLine+1
		}
		if in.Core != nil {
			core, nextCore = nextCore, nextCore+1
		}
		top = max(top, in.Label, in.Target)
		if in.Label != 0 {
			in.Label -= base
		}
		if in.Ref == asm.RefLabel {
			in.Target -= base
		}
		if err := k.Add(&in.Insn, line, core); err != nil {
			t.Fatal(err)
		}
		pieces[len(pieces)-1].To = uint32(k.Len())
	}
	return NewPackedInsns(pieces)
}

// mixed is code with everything that an instruction can have.
func mixed(t testing.TB) Insns {
	t.Helper()
	p := program(t, `.func main
		r1 = map[flows] ll
		if r1 == 0 goto out
		r2 = 0x123456789abcdef0 ll
		r3 = -2
		r4 = 0xffffffff ll
		*(u8 *)(r10 - 8) = 7
		call sub
		r1 = var[a] + 8 ll
	out:
		r0 = 0
		exit
	.func sub
		if r1 > 5 goto done
		goto done
	done:
		r0 = map[flows] ll
		exit`)
	p.Insns.Edit(func(in []Insn) {
		in[0].Line = btfLine(3)
		in[2].Core = &btf.CoreRelo{Type: 4, Access: "0:1"}
		in[3].Core, in[3].Line = &btf.CoreRelo{Type: 5, Access: "0:2"}, btfLine(4)
		in[11].Line = btfLine(5)
		in[12].Insn = asm.Insn{Op: 0xff, Dst: 15, Src: 14, Flags: asm.Raw, Off: -3, Imm: -1, Label: in[12].Label}
	})
	return p.Insns
}

func btfLine(n uint32) *btf.LineInfo { return btf.NewLineInfo("a.c", "x", n, 2) }

// TestPieces holds that code in pieces is the same as code in a slice, however it is read.
func TestPieces(t *testing.T) {
	flat := mixed(t)
	c := inPieces(t, flat)
	if len(c.pieces) != 2 || c.Len() != flat.Len() || !c.Equal(flat) || !flat.Equal(c) || !c.Equal(inPieces(t, flat)) || !c.Equal(c) {
		t.Fatalf("%d pieces of %d instructions:\n%v\nwant\n%v", len(c.pieces), c.Len(), c.Slice(), flat.Slice())
	}
	slice := c.Slice()
	for i, in := range c.All() {
		if want := flat.At(i); !sameInsn(in, want) || !sameInsn(c.At(i), want) || !sameInsn(slice[i], want) {
			t.Errorf("instruction %d is %+v, %+v, %+v, want %+v", i, in, c.At(i), slice[i], want)
		}
	}
	for from := range c.Len() + 1 {
		for to := from; to <= c.Len(); to++ {
			part, want := c.Part(from, to), flat.Part(from, to)
			if to > from && from > 0 && flat.At(from).Func == nil && part.At(0).Func != nil {
				t.Fatalf("part from %d to %d has the mark of a function", from, to)
			}
			if !part.Equal(want) || part.Len() != to-from {
				t.Fatalf("part from %d to %d is %v", from, to, part.Slice())
			}
		}
	}
	other := c
	other.Edit(func(in []Insn) { in[9].Imm++ })
	if c.Equal(other) || other.Equal(c) || !c.Equal(flat) || c.Equal(c.Part(1, c.Len())) {
		t.Error("a change is not seen, or changed the original")
	}
	for _, i := range []int{-1, c.Len()} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("there is an instruction %d", i)
				}
			}()
			c.At(i)
		}()
	}
	if NewPackedInsns(nil).Len() != 0 || !c.Part(3, 3).Equal(Insns{}) {
		t.Error("code of no pieces has instructions")
	}
}

// TestPiecesShared holds that programs share a function, with labels of their own.
func TestPiecesShared(t *testing.T) {
	k := pack.New(0, []btf.LineInfoAt{{LineInfo: *btfLine(7)}}, nil, nil)
	for _, in := range []asm.Insn{asm.JumpImm(asm.Equal, asm.R1, 0, 1), asm.Mov64Imm(asm.R0, 1), asm.Exit()} {
		if err := k.Add(&in, -1, -1); err != nil {
			t.Fatal(err)
		}
	}
	k.SetLabel(2, 1)
	k.SetLine(0, 0)
	f := pack.Piece{Pack: k, To: 3}
	g := f
	g.Labels = 10
	c := NewPackedInsns([]pack.Piece{f, g})
	if c.At(0).Target != 1 || c.At(2).Label != 1 || c.At(3).Target != 11 || c.At(5).Label != 11 || c.At(1).Label != 0 || c.At(4).Target != 0 {
		t.Errorf("labels are %v", c.Slice())
	}
	if c.At(0).Line != c.At(3).Line || c.At(0).Line.Line != 7 {
		t.Error("the line is not shared")
	}
	if l := (&Program{Insns: c}).NewLabel(); l != 12 {
		t.Errorf("the next label is %d", l)
	}
	k.SetLabel(1, 7) // nothing jumps there
	if l := (&Program{Insns: c}).NewLabel(); l != 18 {
		t.Errorf("the next label is %d", l)
	}
}

// TestPiecesAllocs holds that going through code takes no memory for each instruction, however it
// is kept.
func TestPiecesAllocs(t *testing.T) {
	flat := mixed(t)
	for _, c := range []Insns{flat, inPieces(t, flat)} {
		n := 0
		allocs := testing.AllocsPerRun(10, func() {
			for i, in := range c.All() {
				n += i + int(in.Op) + int(c.At(i).Op)
			}
			for _, in := range c.each() {
				n += int(in.Op)
			}
		})
		if allocs > 0 {
			t.Errorf("%v allocations for %d instructions", allocs, c.Len())
		}
	}
}

// TestPiecesEdits holds that every change of code in pieces has the result of the same change of a
// slice.
func TestPiecesEdits(t *testing.T) {
	for name, edit := range codeEdits {
		flat, pieces := editable(t), editable(t)
		p := pieces.Programs[0]
		p.Insns = inPieces(t, p.Insns)
		kept := pieces.Clone()
		if err := edit(flat); err != nil {
			t.Fatal(err)
		}
		if err := edit(pieces); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := string(pieces.AppendText(nil)), string(flat.AppendText(nil)); got != want {
			t.Errorf("%s gives\n%s\nwant\n%s", name, got, want)
		}
		if string(kept.AppendText(nil)) != string(editable(t).AppendText(nil)) {
			t.Errorf("%s changed the clone", name)
		}
	}
}

// TestPiecesReads holds that what asks about code does not care how it is kept.
func TestPiecesReads(t *testing.T) {
	flat := &Program{Name: "main", Type: ProgramXDP, Insns: mixed(t)}
	p := flat.Clone()
	p.Insns = inPieces(t, flat.Insns)
	if p.NewLabel() != flat.NewLabel() || p.FindFunc("sub") != flat.FindFunc("sub") || p.FindFunc("none") != -1 || p.FindLabel(2) != flat.FindLabel(2) {
		t.Error("labels or functions are found elsewhere")
	}
	for i := -1; i <= p.Insns.Len(); i++ {
		f, at := p.FuncAt(i)
		if g, want := flat.FuncAt(i); f != g || at != want || !sameLine(p.LineAt(i), flat.LineAt(i)) {
			t.Errorf("instruction %d is of %v at %d, line %v", i, f, at, p.LineAt(i))
		}
	}
	if changedInsns(flat, p) != nil || changedInsns(p, flat) != nil {
		t.Error("there is a difference")
	}
	want, err := flat.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Resolve(); err != nil || !slices.Equal(got, want) {
		t.Errorf("the instructions alone are %v, %v, want %v", got, err, want)
	}
	if string(p.AppendText(nil)) != string(flat.AppendText(nil)) {
		t.Errorf("text is\n%s", p.AppendText(nil))
	}
}
