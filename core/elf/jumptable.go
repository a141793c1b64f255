package elf

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/wire"
)

// jumpSection holds tables of places that gotox goes to (LLVM 22). An entry has 8 bytes: how far from the
// start of its section the place is, in bytes.
const jumpSection = ".jumptables"

const jumpEntry = 8

// tableUse is a table that a function refers to.
type tableUse struct {
	symbol uint32
	table  spec.JumpTable // with the labels of the function
}

// loadTable makes the address of a jump table. Its places get their labels once the whole function is known.
func (k *linker) loadTable(in *asm.Insn, r *reloc, addend int64) error {
	sym := &k.l.f.symbols[r.symbol]
	if sym.typ == symbolSection || sym.name == "" {
		return fmt.Errorf("address in section %s without the name of a table", jumpSection)
	}
	if addend != 0 {
		return fmt.Errorf("address %+d behind jump table %q: only its start can be used", addend, show(sym.name))
	}
	tables := k.l.jumps[k.fn]
	i := slices.IndexFunc(tables, func(u tableUse) bool { return u.table.Name == sym.name })
	switch {
	case i < 0:
		if k.l.jumps == nil {
			k.l.jumps = make(map[*function][]tableUse)
		}
		k.l.jumps[k.fn] = append(tables, tableUse{symbol: r.symbol, table: spec.JumpTable{Name: sym.name}})
	case tables[i].symbol != r.symbol:
		return fmt.Errorf("second jump table named %q", show(sym.name))
	}
	in.Src, in.Imm = asm.PseudoMapValue, 0
	in.SetSymbol(asm.RefTable, sym.name)
	return nil
}

// placeTables gives the places of the function's tables labels.
func (k *linker) placeTables() error {
	fn := k.fn
	tables := k.l.jumps[fn]
	if tables == nil {
		return nil
	}
	starts, labels := make([]uint32, 0, fn.insns), make([]asm.Label, 0, fn.insns) // slots, and labels, by instruction
	slot := fn.slot
	for _, in := range spec.JoinCode([]spec.Piece{k.l.piece(fn)}).All() {
		starts, labels = append(starts, slot), append(labels, in.Label)
		slot += slots(&in.Insn)
	}
	for i := range tables {
		if err := k.placeTable(&tables[i], starts, labels); err != nil {
			return err
		}
	}
	return nil
}

func (k *linker) placeTable(u *tableUse, starts []uint32, labels []asm.Label) error {
	sym, sec, err := k.l.f.check(u.symbol)
	if err != nil {
		return err
	}
	name := show(sym.name)
	if sym.size == 0 || sym.size%jumpEntry != 0 || sym.value%jumpEntry != 0 {
		return sec.fail(sym.value, "jump table %q of %d bytes is not made of whole entries", name, sym.size)
	}
	data, err := k.l.f.bytes(sec)
	if err != nil {
		return err
	}
	if k.l.f.claimed += sym.size; k.l.f.claimed > 2*uint64(len(k.l.f.data)) {
		return sec.fail(sym.value, "jump tables overlap too much")
	}
	c := wire.NewAt(show(sec.name), k.l.f.order, data[sym.value:sym.value+sym.size], sym.value)
	u.table.Labels = make([]asm.Label, sym.size/jumpEntry)
	for e := range u.table.Labels {
		to := c.U64()
		i, ok := slices.BinarySearchFunc(starts, to, func(slot uint32, to uint64) int { return cmp.Compare(uint64(slot)*asm.SlotSize, to) })
		if !ok {
			return sec.fail(sym.value+jumpEntry*uint64(e), "jump table %q: no instruction of function %q starts at %#x", name, show(k.fn.name()), to)
		}
		if labels[i] == 0 {
			k.fn.labels++
			labels[i] = k.fn.labels
			k.pack.SetLabel(int(k.fn.first)+i, labels[i])
		}
		u.table.Labels[e] = labels[i]
	}
	return c.Err()
}

// addTables gives the program the tables of a function that begins at instruction at, whose labels in it are above
// base. A name that another table of the program has gets a number.
func (l *loader) addTables(p *spec.Program, fn *function, at int, base asm.Label) {
	for _, u := range l.jumps[fn] {
		t := spec.JumpTable{Name: u.table.Name, Labels: slices.Clone(u.table.Labels)}
		for i := range t.Labels {
			t.Labels[i] += base
		}
		for n := 2; p.Table(t.Name) != nil; n++ {
			t.Name = u.table.Name + "." + strconv.Itoa(n)
		}
		p.Tables = append(p.Tables, t)
		if t.Name != u.table.Name {
			p.Insns.Edit(func(insns []spec.Insn) { renameTable(insns[at:at+int(fn.insns)], u.table.Name, t.Name) })
		}
	}
}

func renameTable(insns []spec.Insn, from, to string) {
	for i := range insns {
		if in := &insns[i]; from != to && in.Ref == asm.RefTable && in.Symbol == from {
			in.Symbol = to
		}
	}
}
