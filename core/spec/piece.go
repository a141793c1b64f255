package spec

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/internal/pack"
)

// NewPackedInsns returns instructions that are read from pieces, one after the other, until they
// change. It keeps the slice. It is for core/elf: nobody outside of core can make a piece.
func NewPackedInsns(pieces []pack.Piece) Insns {
	if len(pieces) == 0 {
		return Insns{}
	}
	at := uint32(0)
	for i := range pieces {
		pieces[i].At = at
		at += pieces[i].To - pieces[i].From
	}
	return Insns{pieces: pieces}
}

// unpackInsn sets in, which is zero, to an instruction of a piece.
func unpackInsn(in *Insn, p *pack.Piece, x *pack.Insn) {
	in.Line, in.Core = p.Pack.Unpack(&in.Insn, x, p.Labels)
}

// unpackInsns sets as many of to as there are, and returns how many.
func unpackInsns(to []Insn, p *pack.Piece, from []pack.Insn) int {
	n := min(len(from), len(to))
	clear(to[:n])
	for i := range n {
		unpackInsn(&to[i], p, &from[i])
	}
	return n
}

// pieceOf finds the piece that has instruction i of the code.
func (c Insns) pieceOf(i int) *pack.Piece {
	from, to := 0, len(c.pieces)
	for to-from > 1 {
		if half := int(uint(from+to) / 2); int(c.pieces[half].At) <= i {
			from = half
		} else {
			to = half
		}
	}
	return &c.pieces[from]
}

// cut returns the pieces of the instructions from index from on, up to but without to.
func (c Insns) cut(from, to int) []pack.Piece {
	var out []pack.Piece
	for _, p := range c.pieces {
		n := int(p.To - p.From)
		first, end := max(from-int(p.At), 0), min(to-int(p.At), n)
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
func samePieces(a, b Insns) bool { return len(a.pieces) > 0 && slices.Equal(a.pieces, b.pieces) }
