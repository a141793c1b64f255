package spec

import (
	"fmt"
	"math"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// Pack holds the instructions of a code section in a third of the memory that they have in a slice, and
// without pointers in them: what few instructions have is in tables beside. Programs take functions from
// it as pieces, any number of programs the same function. It is filled before the first Code has it, and
// does not change any more then.
type Pack struct {
	insns  []packed
	extras []extra
	names  *names // of all packs of an object
	lines  []btf.LineInfoAt
	cores  []btf.CoreReloAt
}

// packed is an instruction.
type packed struct {
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

// NewPack returns a pack with room for n instructions. The lines and CO-RE records are those that Add
// refers to; where they say that they belong is not looked at. They must not change any more. It shares names
// with other, which may be nil and is of the same object.
func NewPack(n int, lines []btf.LineInfoAt, cores []btf.CoreReloAt, other *Pack) *Pack {
	k := &Pack{insns: make([]packed, 0, n), lines: lines, cores: cores}
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

// unpack sets in, which is zero, to an instruction of the pack, with labels above base.
func (k *Pack) unpack(in *Insn, x *packed, base asm.Label) {
	k.plain(&in.Insn, x, base)
	line := x.more
	if line&hasExtra != 0 {
		e := &k.extras[line&^hasExtra]
		if line = e.line; e.core > 0 {
			in.Core = &k.cores[e.core-1].CoreRelo
		}
	}
	if line > 0 {
		in.Line = &k.lines[line-1].LineInfo
	}
}

// plain is unpack of the instruction alone. It sets one field after the other: a value that is put together and
// then copied takes twice as long.
func (k *Pack) plain(in *asm.Insn, x *packed, base asm.Label) {
	ref, label, target := x.kind(), asm.Label(x.label)&MaxLabel, asm.Label(x.to)
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

// kind gives the kind of what the instruction refers to.
func (x *packed) kind() asm.RefKind { return asm.RefKind(x.label>>labelBits) & (1<<kindBits - 1) }

// Piece is a function of a pack as a program has it.
type Piece struct {
	Pack     *Pack
	Func     *btf.FuncInfo // of the first instruction; nil is none
	From, To uint32        // instructions of the pack
	Labels   asm.Label     // is added to its labels, so that they are unique in the program
	at       uint32        // index of the first instruction in the code
}

// insns gives the instructions of the piece.
func (p *Piece) insns() []packed { return p.Pack.insns[p.From:p.To] }

// unpack sets as many of to as there are, and returns how many.
func (p *Piece) unpack(to []Insn, from []packed) int {
	n := min(len(from), len(to))
	clear(to[:n])
	for i := range n {
		p.Pack.unpack(&to[i], &from[i], p.Labels)
	}
	return n
}

// JoinCode returns code that is made of pieces, one behind the other. It keeps the slice.
func JoinCode(pieces []Piece) Code {
	if len(pieces) == 0 {
		return Code{}
	}
	at := uint32(0)
	for i := range pieces {
		pieces[i].at = at
		at += pieces[i].To - pieces[i].From
	}
	return Code{pieces: pieces}
}

// pieceOf finds the piece that has instruction i of the code.
func (c Code) pieceOf(i int) *Piece {
	from, to := 0, len(c.pieces)
	for to-from > 1 {
		if half := int(uint(from+to) / 2); int(c.pieces[half].at) <= i {
			from = half
		} else {
			to = half
		}
	}
	return &c.pieces[from]
}

// cut gives the pieces of the instructions from index from on, up to but without to.
func (c Code) cut(from, to int) []Piece {
	var out []Piece
	for _, p := range c.pieces {
		n := int(p.To - p.From)
		first, end := max(from-int(p.at), 0), min(to-int(p.at), n)
		if first >= end {
			continue
		}
		if first > 0 {
			p.Func = nil
		}
		p.From, p.To = p.From+uint32(first), p.From+uint32(end)
		out = append(out, p)
	}
	return out
}

// samePieces reports whether both are made of the same pieces.
func samePieces(a, b Code) bool { return len(a.pieces) > 0 && slices.Equal(a.pieces, b.pieces) }
