package elfwrite

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// orderTables leaves a program the tables that its code refers to, in that order: as they will be read.
func orderTables(p *spec.Program) {
	var out []spec.JumpTable
	for _, in := range p.Insns.All() {
		if t := p.Table(in.Symbol); in.Ref == asm.RefTable && t != nil && !slices.ContainsFunc(out, func(o spec.JumpTable) bool { return o.Name == t.Name }) {
			out = append(out, *t)
		}
	}
	p.Tables = out
}

// nameTables returns the tables of a function names that no other function's have.
func (w *writer) nameTables(f *outFunc) {
	for _, name := range f.tableNames() {
		to := name
		for n := 2; w.symbols[to] != 0 || w.tables[to]; n++ {
			to = name + "." + strconv.Itoa(n)
		}
		f.renameTable(name, to)
		w.tables[to] = true
	}
}

// tableNames lists the tables that the function refers to, each once.
func (f *outFunc) tableNames() []string {
	var out []string
	for _, in := range f.code().All() {
		if in.Ref == asm.RefTable && !slices.Contains(out, in.Symbol) {
			out = append(out, in.Symbol)
		}
	}
	return out
}

// renameTable renames a table of the program that the function is part of.
func (f *outFunc) renameTable(from, to string) {
	if from == to {
		return
	}
	f.from.Table(from).Name = to
	f.from.RenameTable(f.first, f.end, from, to)
}

// takeTables returns the tables of a function that is written already to one that is the same.
func (f *outFunc) takeTables(names []string) {
	for i, name := range f.tableNames() {
		f.renameTable(name, names[i])
	}
}

// sameTables reports whether two functions have the same tables, whatever their names.
func sameTables(f, g *outFunc) bool {
	a, b := f.tableNames(), g.tableNames()
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !slices.Equal(f.places(a[i]), g.places(b[i])) {
			return false
		}
	}
	return true
}

// places returns the entries of a table as indices of instructions of the function.
func (f *outFunc) places(table string) []int {
	at := make(map[asm.Label]int)
	for i, in := range f.code().All() {
		at[in.Label] = i
	}
	t := f.from.Table(table)
	out := make([]int, len(t.Labels))
	for i, l := range t.Labels {
		out[i] = at[l]
	}
	return out
}

// addTables writes the tables of all functions, whose places are known.
func (w *writer) addTables() error {
	for _, f := range w.order {
		names := f.tableNames()
		if len(names) == 0 {
			continue
		}
		starts := make([]uint64, 0, f.end-f.first)
		at := f.at
		for _, in := range f.code().All() {
			starts = append(starts, at)
			at += asm.SlotSize * uint64(in.Slots())
		}
		n := w.m.Section(object.JumpSection, object.SectionProgbits, 0, object.JumpEntry)
		s := w.m.At(n)
		for _, name := range names {
			if w.symbols[name] != 0 {
				return fmt.Errorf("%w: jump table %q has the name of something else", ErrWrite, object.Show(name))
			}
			places := f.places(name)
			w.symbols[name] = w.m.AddSymbol(object.OutSymbol{
				Name: name, Section: n, Value: uint64(len(s.Data)), Size: object.JumpEntry * uint64(len(places)), Bind: object.BindGlobal, Type: object.SymbolObject,
			})
			for _, i := range places {
				s.Data = w.m.Order().AppendUint64(s.Data, starts[i])
			}
		}
	}
	return nil
}
