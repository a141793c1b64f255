// Package pack holds the instructions of a code section in a third of the memory that they have in a
// slice. It is how core/elf hands what it reads to core/spec; nobody else sees it.
package pack

import (
	"fmt"
	"math"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// Pack holds the instructions of a code section without pointers in them: what few instructions have
// is in tables beside. Programs take functions from it as pieces, any number of programs the same
// function. It is filled before the first program has it, and does not change any more then.
type Pack struct {
	insns  []Insn
	extras []extra
	names  *names // of all packs of an object
	lines  []btf.LineInfoAt
	cores  []btf.CoreReloAt
}

// Insn is an instruction as it is packed.
type Insn struct {
	op    asm.Op
	regs  uint8 // dst, and src in the upper half
	off   int16
	imm   int32
	label uint32 // below labelBits; above it the kind of reference, and rawMark
	to    uint32 // what it refers to: a label, or the number of a name
	more  uint32 // number of a line, plus one, or with hasExtra of an extra; 0 is neither
}

const (
	labelBits = 27
	kindBits  = 4
	rawMark   = 1 << (labelBits + kindBits)
	hasExtra  = 1 << 31
)

// MaxLabel is the largest label that a pack can hold.
const MaxLabel asm.Label = 1<<labelBits - 1

// extra is what few instructions have. Numbers of a line and a record count from 1.
type extra struct {
	line, core uint32
	high       int32 // upper half of the immediate
}

// names are what instructions refer to.
type names struct{ list []string }

// New returns a pack with room for n instructions. The lines and CO-RE records are those that Add
// refers to; where they say that they belong is not looked at. They must not change any more. It shares names
// with other, which may be nil and is of the same object.
func New(n int, lines []btf.LineInfoAt, cores []btf.CoreReloAt, other *Pack) *Pack {
	k := &Pack{insns: make([]Insn, 0, n), lines: lines, cores: cores}
	if other != nil {
		k.names = other.names
	} else {
		k.names = new(names)
	}
	if len(cores) > 0 {
		k.extras = make([]extra, 0, len(cores))
	}
	return k
}

// Len returns how many instructions there are.
func (k *Pack) Len() int { return len(k.insns) }

// Add adds an instruction, with the indices of its source line and its CO-RE record, or -1. Its labels are numbered
// within its function. It fails if a label is above MaxLabel, or a field holds what no encoding has.
func (k *Pack) Add(in *asm.Insn, line, core int) error {
	if (in.Dst|in.Src)>>4 != 0 || in.Ref>>kindBits != 0 || in.Flags&^asm.Raw != 0 || in.Label > MaxLabel {
		return fmt.Errorf("instruction %v cannot be packed: its label is %d, its marks are %#x", in, in.Label, uint8(in.Flags))
	}
	n := len(k.insns)
	k.insns = slices.Grow(k.insns, 1)[:n+1]
	x := &k.insns[n]
	x.op, x.regs, x.off, x.imm = in.Op, uint8(in.Dst|in.Src<<4), in.Off, int32(in.Imm)
	x.label = uint32(in.Label) | uint32(in.Ref)<<labelBits | uint32(in.Flags)*rawMark
	x.to, x.more = uint32(in.Target), uint32(line+1)
	if in.Ref > asm.RefLabel {
		x.to = k.names.number(in.Symbol)
	}
	if high := int32(in.Imm >> 32); core >= 0 || high != x.imm>>31 {
		x.more = hasExtra | uint32(len(k.extras))
		k.extras = append(k.extras, extra{uint32(line + 1), uint32(core + 1), high})
	}
	return nil
}

// recentNames is how many names Add looks back at for one that it is given again.
const recentNames = 8

// number gives the number of a name.
func (t *names) number(s string) uint32 {
	n := len(t.list)
	for i := n - 1; i >= max(n-recentNames, 0); i-- {
		if t.list[i] == s {
			return uint32(i)
		}
	}
	if t.list == nil {
		t.list = make([]string, 0, recentNames)
	}
	t.list = append(t.list, s)
	return uint32(n)
}

// SetLabel gives instruction i, which has none, a label up to MaxLabel.
func (k *Pack) SetLabel(i int, l asm.Label) { k.insns[i].label |= uint32(min(l, MaxLabel)) }

// SetLine gives instruction i the source line of that index.
func (k *Pack) SetLine(i, line int) {
	if x := &k.insns[i]; x.more&hasExtra != 0 {
		k.extras[x.more&^hasExtra].line = uint32(line + 1)
	} else {
		x.more = uint32(line + 1)
	}
}

// Unpack sets in, which is zero, to an instruction of the pack, with labels above base, and returns
// its source line and its CO-RE record, or nil.
func (k *Pack) Unpack(in *asm.Insn, x *Insn, base asm.Label) (*btf.LineInfo, *btf.CoreRelo) {
	k.Plain(in, x, base)
	var core *btf.CoreRelo
	line := x.more
	if line&hasExtra != 0 {
		e := &k.extras[line&^hasExtra]
		if line = e.line; e.core > 0 {
			core = &k.cores[e.core-1].CoreRelo
		}
	}
	if line > 0 {
		return &k.lines[line-1].LineInfo, core
	}
	return nil, core
}

// Plain is Unpack of the instruction alone. It sets one field after the other: a value that is put together and
// then copied takes twice as long.
func (k *Pack) Plain(in *asm.Insn, x *Insn, base asm.Label) {
	ref, label, target := x.Kind(), x.Label(), asm.Label(x.to)
	if label != 0 {
		label += base
	}
	if ref == asm.RefLabel {
		target += base
	}
	if ref > asm.RefLabel {
		target, in.Symbol = 0, k.names.list[x.to]
	}
	in.Op, in.Dst, in.Src, in.Flags, in.Off = x.op, asm.Reg(x.regs&15), asm.Reg(x.regs>>4), asm.Flags(x.label/rawMark), x.off
	in.Ref, in.Label, in.Target, in.Imm = ref, label, target, int64(x.imm)
	if x.more&hasExtra != 0 {
		in.Imm = int64(k.extras[x.more&^hasExtra].high)<<32 | in.Imm&math.MaxUint32
	}
}

// Label returns the label of the instruction within its function, or 0.
func (x *Insn) Label() asm.Label { return asm.Label(x.label) & MaxLabel }

// Target returns the label that the instruction refers to within its function, if its kind is RefLabel.
func (x *Insn) Target() asm.Label { return asm.Label(x.to) }

// Kind returns the kind of what the instruction refers to.
func (x *Insn) Kind() asm.RefKind { return asm.RefKind(x.label>>labelBits) & (1<<kindBits - 1) }

// Piece is a function of a pack as a program has it.
type Piece struct {
	Pack     *Pack
	Func     *btf.FuncInfo // of the first instruction; nil is none
	From, To uint32        // instructions of the pack
	Labels   asm.Label     // is added to its labels, so that they are unique in the program
	At       uint32        // index of the first instruction in the program; core/spec sets it
}

// Insns returns the instructions of the piece, to be read only.
func (p *Piece) Insns() []Insn { return p.Pack.insns[p.From:p.To] }

// Insn returns instruction i of the piece, to be read only.
func (p *Piece) Insn(i int) *Insn { return &p.Pack.insns[int(p.From)+i] }
