package spec

import (
	"iter"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/internal/pack"
)

// Insns is the instructions of a program. It is a value like a string: copies share the
// instructions, and what changes one first makes instructions of its own for it, so that no other
// copy ever changes. Any number of goroutines may read what is shared.
//
// What was read from an object is in pieces of a section until it changes. Who needs all
// instructions takes All or Slice: At makes each anew.
//
// Set, and the edits of [Program], copy a small part of the instructions each, whatever their
// number: n edits take time in proportion to n. Edit copies all, once for all that is changed in it.
type Insns struct {
	list   []Insn       // nobody writes to it once an Insns has it
	pieces []pack.Piece // instead of list, likewise; not empty
	rope   *rope        // instead of list and pieces, once there was an edit
}

// NewInsns returns the instructions, copied: with what is known of them, or alone.
func NewInsns[T Insn | asm.Insn](insns ...T) Insns {
	switch from := any(insns).(type) {
	case []Insn:
		return Insns{list: slices.Clone(from)}
	case []asm.Insn:
		list := make([]Insn, len(from))
		for i := range from {
			list[i].Insn = from[i]
		}
		return Insns{list: list}
	}
	return Insns{}
}

// Len returns how many instructions there are.
func (c Insns) Len() int {
	if c.rope != nil {
		return c.rope.n
	}
	if n := len(c.pieces); n > 0 {
		last := &c.pieces[n-1]
		return int(last.At + last.To - last.From)
	}
	return len(c.list)
}

// At returns instruction i.
func (c Insns) At(i int) (in Insn) {
	if c.rope != nil && uint(i) < uint(c.rope.n) {
		return *c.rope.at(i)
	}
	if len(c.pieces) == 0 || uint(i) >= uint(c.Len()) {
		return c.list[i] // which is what it is to go beyond the end
	}
	p := c.pieceOf(i)
	unpackInsn(&in, p, p.Insn(i-int(p.At)))
	if i == int(p.At) {
		in.Func = p.Func
	}
	return in
}

// All yields the instructions with their indices.
func (c Insns) All() iter.Seq2[int, Insn] {
	return func(yield func(int, Insn) bool) {
		for i, in := range c.each() {
			if !yield(i, *in) {
				return
			}
		}
	}
}

// each is All without copies: what it yields is to be read only, and until the next.
func (c Insns) each() iter.Seq2[int, *Insn] {
	return func(yield func(int, *Insn) bool) {
		for at, list := range c.lists() {
			for i := range list {
				if !yield(at+i, &list[i]) {
					return
				}
			}
		}
		var some [fewInsns]Insn
		for k := range c.pieces {
			p := &c.pieces[k]
			list := p.Insns()
			for first := 0; first < len(list); first += fewInsns {
				n := unpackInsns(some[:], p, list[first:])
				if first == 0 {
					some[0].Func = p.Func
				}
				for i := range n {
					if !yield(int(p.At)+first+i, &some[i]) {
						return
					}
				}
			}
		}
	}
}

// lists yields what is not packed, to be read only, with the indices of the first instructions.
func (c Insns) lists() iter.Seq2[int, []Insn] {
	return func(yield func(int, []Insn) bool) {
		if c.rope == nil {
			yield(0, c.list)
			return
		}
		for at, part := range c.rope.each() {
			if !yield(at, part.insns) {
				return
			}
		}
	}
}

// marks yields the places of labels and of the starts of functions, with what is there: one of
// both, or both.
func (c Insns) marks() iter.Seq2[int, mark] {
	return func(yield func(int, mark) bool) {
		for at, list := range c.lists() {
			for i := range list {
				if m := (mark{list[i].Label, list[i].Func}); m != (mark{}) && !yield(at+i, m) {
					return
				}
			}
		}
		for k := range c.pieces {
			p := &c.pieces[k]
			list := p.Insns()
			for i := range list {
				var m mark
				if l := list[i].Label(); l != 0 {
					m.label = l + p.Labels
				}
				if i == 0 {
					m.fn = p.Func
				}
				if m != (mark{}) && !yield(int(p.At)+i, m) {
					return
				}
			}
		}
	}
}

// Funcs yields the functions of the program with the indices of their first instructions.
func (c Insns) Funcs() iter.Seq2[int, *btf.FuncInfo] {
	return func(yield func(int, *btf.FuncInfo) bool) {
		for i, m := range c.marks() {
			if m.fn != nil && !yield(i, m.fn) {
				return
			}
		}
	}
}

// mark is what a place of code has: a label or 0, and a function that starts there or nil.
type mark struct {
	label asm.Label
	fn    *btf.FuncInfo
}

// plain returns a copy of the instructions alone.
func (c Insns) plain() []asm.Insn {
	out := make([]asm.Insn, c.Len())
	for at, list := range c.lists() {
		for i := range list {
			out[at+i] = list[i].Insn
		}
	}
	for k := range c.pieces {
		p := &c.pieces[k]
		from := p.Insns()
		for i := range from {
			p.Pack.Plain(&out[int(p.At)+i], &from[i], p.Labels)
		}
	}
	return out
}

// fewInsns are unpacked at a time: a processor waits when it is to copy what it has just put
// together.
const fewInsns = 8

// Part returns the instructions from index from on, up to but without to. They are copied only
// after edits.
func (c Insns) Part(from, to int) Insns {
	if c.rope != nil && 0 <= from && from <= to && to <= c.rope.n {
		return Insns{list: c.rope.part(from, to)}
	}
	if len(c.pieces) == 0 {
		return Insns{list: c.list[from:to:to]}
	}
	return NewPackedInsns(c.cut(from, to))
}

// Slice returns a copy of the instructions.
func (c Insns) Slice() []Insn {
	if c.rope == nil && len(c.pieces) == 0 {
		return slices.Clone(c.list)
	}
	return c.unpacked()
}

// read returns the instructions, to be read only.
func (c Insns) read() []Insn {
	if c.rope == nil && len(c.pieces) == 0 {
		return c.list
	}
	return c.unpacked()
}

// unpacked returns the instructions of the rope or of all pieces.
func (c Insns) unpacked() []Insn {
	if c.rope != nil {
		return c.rope.part(0, c.rope.n)
	}
	list := make([]Insn, c.Len())
	for k := range c.pieces {
		p := &c.pieces[k]
		from := p.Insns()
		for i := range from {
			unpackInsn(&list[int(p.At)+i], p, &from[i])
		}
		if len(from) > 0 {
			list[p.At].Func = p.Func
		}
	}
	return list
}

// index returns the index of the first place with a mark that f is true for, or -1.
func (c Insns) index(f func(m mark) bool) int {
	for i, m := range c.marks() {
		if f(m) {
			return i
		}
	}
	return -1
}

// Equal reports whether both have the same instructions, with the same functions, lines and CO-RE
// records.
func (c Insns) Equal(other Insns) bool {
	if c.Len() != other.Len() {
		return false
	}
	if samePieces(c, other) || c.Len() == 0 || c.rope != nil && c.rope == other.rope {
		return true
	}
	if len(c.list) > 0 && len(other.list) > 0 {
		return &c.list[0] == &other.list[0] || slices.EqualFunc(c.list, other.list, sameInsn)
	}
	for i, in := range c.each() {
		if !sameInsn(*in, other.At(i)) {
			return false
		}
	}
	return true
}

func sameInsn(a, b Insn) bool {
	return a.Insn == b.Insn && samePointed(a.Func, b.Func) && sameLine(a.Line, b.Line) && samePointed(a.Core, b.Core)
}

func sameLine(a, b *btf.LineInfo) bool { return a == b || a != nil && b != nil && a.Equal(*b) }

func samePointed[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// Set replaces instruction i. It moves nothing: see [Program.Splice] for edits that keep jumps,
// functions and lines right.
func (c *Insns) Set(i int, in Insn) {
	c.thread()
	_ = *c.rope.at(i)
	*c = Insns{rope: c.rope.splice(i, 1, []Insn{in})}
}

// Edit calls f with the instructions, to be changed in place. The slice is of f only until it
// returns. As with Set, nothing moves.
func (c *Insns) Edit(f func(insns []Insn)) { f(c.private()) }

// private makes instructions of its own for the code and returns them. They may be written to until
// something else can have a copy of the code.
func (c *Insns) private() []Insn {
	*c = Insns{list: c.Slice()}
	return c.list
}

// unpack makes c.list be the instructions, which other copies may share: it is to be read only.
func (c *Insns) unpack() { *c = Insns{list: c.read()} }

// thread makes c.rope be the instructions.
func (c *Insns) thread() {
	if c.rope == nil {
		*c = Insns{rope: newRope(c.read())}
	}
}
