package spec

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// context is how many unchanged instructions a hunk shows around changes.
const context = 3

// Hunk is a run of changed instructions with those around it.
type Hunk struct {
	OldAt, OldLen int // instructions of the old program
	NewAt, NewLen int // instructions of the new program
	Lines         []HunkLine
}

// HunkLine is one instruction of a hunk.
type HunkLine struct {
	Op    byte   // ' ' in both, '-' only in the old program, '+' only in the new one
	Old   int    // index in the old program; -1 if it is not there
	New   int    // index in the new program; -1 if it is not there
	Func  string // name of the function that starts here
	Label string // name of the label, if something jumps here
	Text  string
}

// insnKey is what makes two instructions equal. Labels are not part of it: jumps are compared by
// where they lead. Nor are source lines and marks of functions, which move when code is inserted.
type insnKey struct {
	op       asm.Op
	dst, src asm.Reg
	flags    asm.Flags
	off      int16
	imm      int64
	kind     asm.RefKind
	name     string
	core     btf.CoreRelo
	root     string // of the record, in place of the number of its type
	patched  bool
}

// keyOf returns the key of an instruction of a collection.
func (d differ) keyOf(c *Collection, in *Insn) insnKey {
	k := insnKey{
		op: in.Op, dst: in.Dst, src: in.Src, flags: in.Flags, off: in.Off, imm: in.Imm,
		kind: in.Ref, name: in.Symbol,
	}
	if in.Core != nil {
		k.core, k.patched = *in.Core, true
		if d.a.BTF != d.b.BTF && c.BTF != nil {
			k.root, k.core.Type = c.BTF.TypeName(in.Core.Type), 0
			if in.Core.Kind == btf.CoreTypeIDLocal || in.Core.Kind == btf.CoreTypeIDTarget {
				k.imm = 0 // the same number again
			}
		}
	}
	return k
}

// insns compares the instructions of two programs. What is the same at the start and at the end is
// passed over first.
func (d differ) insns(a, b *Program) []Hunk {
	x, y := a.Insns.read(), b.Insns.read()
	match := make([]int32, len(x))
	same := func(i, j int) bool { return d.keyOf(d.a, &x[i]) == d.keyOf(d.b, &y[j]) }
	from, end := 0, len(x)
	for ; from < min(len(x), len(y)) && same(from, from); from++ {
		match[from] = int32(from)
	}
	shift := len(y) - len(x)
	for ; end > from && end+shift > from && same(end-1, end-1+shift); end-- {
		match[end-1] = int32(end - 1 + shift)
	}
	ids := make(map[insnKey]int32)
	middle := align(d.number(ids, d.a, x[from:end]), d.number(ids, d.b, y[from:end+shift]))
	for i, j := range middle {
		if match[from+i] = j; j >= 0 {
			match[from+i] += int32(from)
		}
	}
	return makeHunks(a, b, checkJumps(a, b, x, y, match))
}

// number returns a number for each instruction, the same for those that are equal.
func (d differ) number(ids map[insnKey]int32, c *Collection, insns []Insn) []int32 {
	out := make([]int32, len(insns))
	for i := range insns {
		k := d.keyOf(c, &insns[i])
		id, ok := ids[k]
		if !ok {
			id = int32(len(ids))
			ids[k] = id
		}
		out[i] = id
	}
	return out
}

// checkJumps takes pairs of instructions x and y apart whose jumps lead to different places.
func checkJumps(a, b *Program, x, y []Insn, match []int32) []int32 {
	toA, toB := a.labelPlaces(), b.labelPlaces()
	out := make([]int32, len(match))
	copy(out, match)
	for i, j := range match {
		if j < 0 || x[i].Ref != asm.RefLabel {
			continue
		}
		atA, okA := toA[x[i].Target]
		atB, okB := toB[y[j].Target]
		if okA != okB || okA && !samePlace(match, atA, atB) {
			out[i] = -1
		}
	}
	return out
}

// samePlace reports whether instruction x of the old program is y of the new one: they are
// partners, or both are the first of a stretch that was replaced.
func samePlace(match []int32, x, y int) bool {
	if match[x] >= 0 {
		return match[x] == int32(y)
	}
	if x == 0 || y == 0 {
		return x == y
	}
	return match[x-1] == int32(y-1)
}

func (p *Program) labelPlaces() map[asm.Label]int {
	out := make(map[asm.Label]int)
	for i, m := range p.Insns.marks() {
		if l := m.label; l != 0 {
			out[l] = i
		}
	}
	return out
}

// edit is one step from the old program to the new one.
type edit struct {
	op       byte // as in HunkLine
	old, new int
}

// edits lists the steps for a whole program: what goes before what comes.
func edits(match []int32, n int) []edit {
	out := make([]edit, 0, max(len(match), n))
	i, j := 0, 0
	for i < len(match) || j < n {
		switch {
		case i < len(match) && match[i] < 0:
			out = append(out, edit{'-', i, -1})
			i++
		case i == len(match) || int(match[i]) != j:
			out = append(out, edit{'+', -1, j})
			j++
		default:
			out = append(out, edit{' ', i, j})
			i, j = i+1, j+1
		}
	}
	return out
}

// makeHunks groups what has no partner, with context.
func makeHunks(a, b *Program, match []int32) []Hunk {
	all := edits(match, b.Insns.Len())
	var out []Hunk
	for k := 0; k < len(all); k++ {
		if all[k].op == ' ' {
			continue
		}
		last := k
		for next := k + 1; next < len(all) && next-last <= 2*context; next++ {
			if all[next].op != ' ' {
				last = next
			}
		}
		from, to := max(k-context, 0), min(last+1+context, len(all))
		out = append(out, newHunk(a, b, all[from:to]))
		k = to - 1
	}
	return out
}

func newHunk(a, b *Program, steps []edit) Hunk {
	h := Hunk{OldAt: -1, NewAt: -1, Lines: make([]HunkLine, len(steps))}
	for k, e := range steps {
		p, at := b, e.new
		if e.op == '-' {
			p, at = a, e.old
		}
		if e.op != '+' {
			h.OldLen++
			if h.OldAt < 0 {
				h.OldAt = e.old
			}
		}
		if e.op != '-' {
			h.NewLen++
			if h.NewAt < 0 {
				h.NewAt = e.new
			}
		}
		h.Lines[k] = p.describe(HunkLine{Op: e.op, Old: e.old, New: e.new}, at)
	}
	h.OldAt, h.NewAt = max(h.OldAt, 0), max(h.NewAt, 0)
	return h
}

// describe fills in how instruction i reads.
func (p *Program) describe(l HunkLine, i int) HunkLine {
	in := p.Insns.At(i)
	if in.Func != nil {
		l.Func = in.Func.Name
	}
	if in.Label != 0 {
		l.Label = p.LabelName(in.Label)
	}
	l.Text = string(asm.AppendInsn(nil, in.Insn, asm.TextOptions{LabelNames: p.LabelNames}))
	return l
}
