package elf

import (
	"cmp"
	"math"
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
)

// extRecords are what .BTF.ext says of a section, from some slot on.
type extRecords struct {
	funcs      []btf.FuncInfoAt
	lines      []btf.LineInfoAt
	relos      []btf.CoreReloAt
	line, relo int    // the first of them to come
	next       uint32 // slot of the first of both
}

// of sets the section; nil is one of which nothing is known.
func (r *extRecords) of(ext *btf.ExtSection) {
	if ext != nil {
		r.funcs, r.lines, r.relos = ext.Funcs, ext.Lines, ext.Relos
	}
}

// from goes to a slot where a function starts and returns the function's type in BTF.
func (r *extRecords) from(slot uint32) btf.ID {
	r.line, _ = slices.BinarySearchFunc(r.lines, slot, func(x btf.LineInfoAt, slot uint32) int { return cmp.Compare(x.Slot, slot) })
	r.relo, _ = slices.BinarySearchFunc(r.relos, slot, func(x btf.CoreReloAt, slot uint32) int { return cmp.Compare(x.Slot, slot) })
	r.look()
	i, ok := slices.BinarySearchFunc(r.funcs, slot, func(x btf.FuncInfoAt, slot uint32) int { return cmp.Compare(x.Slot, slot) })
	if !ok {
		return 0
	}
	return r.funcs[i].Type
}

// at returns the indices of the line and of the relocation of a slot, -1 for none. Records between
// instructions are passed over.
func (r *extRecords) at(slot uint32) (line, relo int) {
	line, relo = -1, -1
	for ; r.line < len(r.lines) && r.lines[r.line].Slot <= slot; r.line++ {
		if r.lines[r.line].Slot == slot {
			line = r.line
		}
	}
	for ; r.relo < len(r.relos) && r.relos[r.relo].Slot <= slot; r.relo++ {
		if r.relos[r.relo].Slot == slot {
			relo = r.relo
		}
	}
	r.look()
	return line, relo
}

// look finds out where the next record is.
func (r *extRecords) look() {
	r.next = math.MaxUint32
	if r.line < len(r.lines) {
		r.next = r.lines[r.line].Slot
	}
	if r.relo < len(r.relos) {
		r.next = min(r.next, r.relos[r.relo].Slot)
	}
}
