package spec

import (
	"iter"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

// Code is the instructions of a program. It is a value like a string: copies share the instructions,
// and what changes one gives it instructions of its own, so that no other copy ever changes. Any
// number of goroutines may read what is shared.
//
// Every change copies all instructions. Who makes many makes them in one call of Edit, or in a slice
// from Slice that becomes a Code again by NewCode.
type Code struct {
	list []Insn // nobody writes to it once a Code has it
}

// NewCode returns code of copies of the instructions.
func NewCode(insns ...Insn) Code { return Code{slices.Clone(insns)} }

// CodeOf returns code of instructions alone, of which no functions, lines and CO-RE records are known.
func CodeOf(insns ...asm.Insn) Code {
	list := make([]Insn, len(insns))
	for i := range insns {
		list[i].Insn = insns[i]
	}
	return Code{list}
}

// MakeCode returns code of n instructions, which are zero until fill has set them. The slice is of
// fill only until it returns.
func MakeCode(n int, fill func(insns []Insn)) Code {
	list := make([]Insn, n)
	fill(list)
	return Code{list}
}

// Len returns how many instructions there are.
func (c Code) Len() int { return len(c.list) }

// At returns instruction i.
func (c Code) At(i int) Insn { return c.list[i] }

// All yields the instructions with their indices.
func (c Code) All() iter.Seq2[int, Insn] {
	return func(yield func(int, Insn) bool) {
		for i := range c.list {
			if !yield(i, c.list[i]) {
				return
			}
		}
	}
}

// Part returns the instructions from index from on, up to but without to. They are not copied.
func (c Code) Part(from, to int) Code { return Code{c.list[from:to:to]} }

// Slice returns a copy of the instructions.
func (c Code) Slice() []Insn { return slices.Clone(c.list) }

// Equal reports whether both have the same instructions, with the same functions, lines and CO-RE
// records.
func (c Code) Equal(other Code) bool { return slices.EqualFunc(c.list, other.list, sameInsn) }

func sameInsn(a, b Insn) bool {
	return a.Insn == b.Insn && samePointed(a.Func, b.Func) && samePointed(a.Line, b.Line) && samePointed(a.Core, b.Core)
}

func samePointed[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// Set replaces instruction i. It moves nothing: see [Program.Splice] for edits that keep jumps,
// functions and lines right.
func (c *Code) Set(i int, in Insn) { c.private()[i] = in }

// Edit calls f with the instructions, to be changed in place. The slice is of f only until it
// returns. As with Set, nothing moves.
func (c *Code) Edit(f func(insns []Insn)) { f(c.private()) }

// private gives the code instructions of its own and returns them. They may be written to until
// something else can have a copy of the code.
func (c *Code) private() []Insn {
	c.list = slices.Clone(c.list)
	return c.list
}
