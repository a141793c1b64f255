package elf

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/internal/pack"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/wire"
)

// tableUse is a table that a function refers to.
type tableUse struct {
	symbol uint32
	table  spec.JumpTable // with the labels of the function
}

// loadTable makes the address of a jump table. Its places get their labels once the whole function is known.
func (k *linker) loadTable(in *asm.Insn, r *object.Reloc, addend int64) error {
	sym := &k.l.f.Symbols[r.Symbol]
	if sym.Type == object.SymbolSection || sym.Name == "" {
		return fmt.Errorf("address in section %s without the name of a table", object.JumpSection)
	}
	if addend != 0 {
		return fmt.Errorf("address %+d behind jump table %q: only its start can be used", addend, object.Show(sym.Name))
	}
	tables := k.code.jumps[k.fn]
	i := slices.IndexFunc(tables, func(u tableUse) bool { return u.table.Name == sym.Name })
	switch {
	case i < 0:
		if k.code.jumps == nil {
			k.code.jumps = make(map[*function][]tableUse)
		}
		k.code.jumps[k.fn] = append(tables, tableUse{symbol: r.Symbol, table: spec.JumpTable{Name: sym.Name}})
	case tables[i].symbol != r.Symbol:
		return fmt.Errorf("second jump table named %q", object.Show(sym.Name))
	}
	in.Src, in.Imm = asm.PseudoMapValue, 0
	in.SetSymbol(asm.RefTable, sym.Name)
	return nil
}

// placeTables returns the places of the function's tables labels.
func (k *linker) placeTables() error {
	fn := k.fn
	tables := k.code.jumps[fn]
	if tables == nil {
		return nil
	}
	starts, labels := make([]uint32, 0, fn.insns), make([]asm.Label, 0, fn.insns) // slots, and labels, by instruction
	slot := fn.slot
	for _, in := range spec.NewPackedInsns([]pack.Piece{k.code.piece(fn)}).All() {
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
	sym, sec, err := k.l.f.Symbol(u.symbol)
	if err != nil {
		return err
	}
	name := object.Show(sym.Name)
	if sym.Size == 0 || sym.Size%object.JumpEntry != 0 || sym.Value%object.JumpEntry != 0 {
		return sec.Errorf(sym.Value, "jump table %q of %d bytes is not made of whole entries", name, sym.Size)
	}
	data, err := k.l.f.Bytes(sec)
	if err != nil {
		return err
	}
	if !k.l.f.ClaimMore(sym.Size) {
		return sec.Errorf(sym.Value, "jump tables overlap too much")
	}
	c := wire.NewAt(object.Show(sec.Name).String(), k.l.f.Order, data[sym.Value:sym.Value+sym.Size], sym.Value)
	u.table.Labels = make([]asm.Label, sym.Size/object.JumpEntry)
	for e := range u.table.Labels {
		to := c.U64()
		i, ok := slices.BinarySearchFunc(starts, to, func(slot uint32, to uint64) int { return cmp.Compare(uint64(slot)*asm.SlotSize, to) })
		if !ok {
			return sec.Errorf(sym.Value+object.JumpEntry*uint64(e), "jump table %q: no instruction of function %q starts at %#x", name, object.Show(k.fn.name()), to)
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

// addTables returns the program the tables of a function that begins at instruction at, whose labels in it are above
// base. A name that another table of the program has gets a number.
func (ct *codeTable) addTables(p *spec.Program, fn *function, at int, base asm.Label) {
	for _, u := range ct.jumps[fn] {
		t := spec.JumpTable{Name: u.table.Name, Labels: slices.Clone(u.table.Labels)}
		for i := range t.Labels {
			t.Labels[i] += base
		}
		for n := 2; p.Table(t.Name) != nil; n++ {
			t.Name = u.table.Name + "." + strconv.Itoa(n)
		}
		p.Tables = append(p.Tables, t)
		p.RenameTable(at, at+int(fn.insns), u.table.Name, t.Name)
	}
}
