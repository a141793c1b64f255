package opt

import (
	"fmt"
	"math"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Folded is one thing that Fold did.
type Folded struct {
	Program string
	Insn    int    // index of the instruction before
	Kind    string // "load", "taken" or "never taken"
	Value   uint64 // of a load: what it reads
}

// Fold replaces loads of constants by what they read and conditions that are thereby known by
// jumps, in all programs, and reports what it did. Constant is what lies in a frozen data section
// (.rodata) that programs cannot write, with the value that it has now: change variables before,
// not after. A section that is pinned, or that the loader writes configuration into, is not constant.
//
// A load becomes a move, a condition that always holds a goto, and one that never holds goes away.
// Instructions with a CO-RE record are not known before they are patched and stay. What cannot be
// reached any more stays too: see Prune. On error nothing has changed.
func Fold(c *spec.Collection) ([]Folded, error) {
	var out []Folded
	memory := NewMemory(c)
	programs := make([]*spec.Program, len(c.Programs))
	for i, p := range c.Programs {
		q := p.Clone()
		done, err := fold(q, memory)
		if err != nil {
			return nil, fmt.Errorf("fold program %s: %w", quote.Quoted(p.Name), err)
		}
		programs[i] = q
		out = append(out, done...)
	}
	for i, q := range programs {
		*c.Programs[i] = *q
	}
	return out, nil
}

func fold(p *spec.Program, memory *Memory) ([]Folded, error) {
	if p.Insns.Len() == 0 {
		return nil, nil
	}
	g, err := Graph(p)
	if err != nil {
		return nil, err
	}
	insns := p.Insns.Slice()
	k := memory.constants(g, insns)
	var out []Folded
	gone := make([]bool, len(insns))
	for b := range g.Blocks {
		k.Block(b, func(i int, before *[asm.R10]cfg.Value) {
			if f, ok := foldInsn(k, i, &insns[i], before); ok {
				f.Program = p.Name
				gone[i] = f.Kind == neverTaken
				out = append(out, f)
			}
		})
	}
	p.Insns = spec.NewInsns(insns...)
	return out, p.DeleteSet(gone)
}

// The kinds of Folded.
const (
	foldedLoad = "load"
	taken      = "taken"
	neverTaken = "never taken"
)

// foldInsn replaces one instruction if its outcome is known.
func foldInsn(k *cfg.Constants, i int, in *spec.Insn, before *[asm.R10]cfg.Value) (Folded, bool) {
	f := Folded{Insn: i}
	if n, ok := k.Load(i, before); ok {
		label := in.Label
		in.Insn = move(in.Dst, n)
		in.Label = label
		f.Kind, f.Value = foldedLoad, n
		return f, true
	}
	yes, known := k.Branch(i, before)
	switch {
	case !known || in.Ref != asm.RefLabel:
		return f, false
	case yes:
		label := in.Label
		in.Insn = asm.Jump(in.Target)
		in.Label = label
		f.Kind = taken
	default:
		f.Kind = neverTaken
	}
	return f, true
}

// move builds the shortest instruction that sets a register to a number.
func move(dst asm.Reg, n uint64) asm.Insn {
	switch {
	case n == uint64(int64(int32(n))):
		return asm.Mov64Imm(dst, int32(n))
	case n <= math.MaxUint32:
		return asm.Mov32Imm(dst, int32(n))
	}
	return asm.LoadImm64(dst, int64(n))
}
