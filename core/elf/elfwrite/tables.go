package elfwrite

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// orderTables leaves a program the tables that its code refers to, in that order: as they will be read.
func orderTables(p *spec.Program) {
	if len(p.Tables) == 0 {
		return
	}
	left := make(map[string]spec.JumpTable, len(p.Tables))
	for _, t := range slices.Backward(p.Tables) {
		left[t.Name] = t
	}
	var out []spec.JumpTable
	for _, in := range p.Insns.All() {
		if t, ok := left[in.Symbol]; ok && in.Ref == asm.RefTable {
			out = append(out, t)
			delete(left, t.Name)
		}
	}
	p.Tables = out
}

// nameTables names the tables of a function with names that no other function's have.
func (w *writer) nameTables(f *outFunc) {
	to := make(map[string]string)
	for _, name := range f.tableNames() {
		fresh := name
		for n := 2; w.symbols[fresh] != 0 || w.tables[fresh]; n++ {
			fresh = name + "." + strconv.Itoa(n)
		}
		to[name] = fresh
		w.tables[fresh] = true
	}
	f.renameTables(to)
}

// tableNames lists the tables that the function refers to, each once.
func (f *outFunc) tableNames() []string {
	if len(f.from.Tables) == 0 {
		return nil
	}
	var out []string
	seen := make(map[string]bool)
	for _, in := range f.code().All() {
		if in.Ref == asm.RefTable && !seen[in.Symbol] {
			seen[in.Symbol] = true
			out = append(out, in.Symbol)
		}
	}
	return out
}

// renameTables renames tables of the program that the function is part of.
func (f *outFunc) renameTables(to map[string]string) {
	maps.DeleteFunc(to, func(old, fresh string) bool { return old == fresh })
	if len(to) == 0 {
		return
	}
	for i := range f.from.Tables {
		if fresh, ok := to[f.from.Tables[i].Name]; ok {
			f.from.Tables[i].Name = fresh
		}
	}
	f.from.Insns.Edit(func(insns []spec.Insn) {
		for i := f.first; i < f.end; i++ {
			if fresh, ok := to[insns[i].Symbol]; ok && insns[i].Ref == asm.RefTable {
				insns[i].Symbol = fresh
			}
		}
	})
}

// takeTables renames the tables of a function to those of one that is written already and is
// the same.
func (f *outFunc) takeTables(names []string) {
	to := make(map[string]string, len(names))
	for i, name := range f.tableNames() {
		to[name] = names[i]
	}
	f.renameTables(to)
}

// sameTables reports whether two functions have the same tables, whatever their names.
func sameTables(f, g *outFunc) bool {
	a, b := f.tableNames(), g.tableNames()
	if len(a) != len(b) {
		return false
	}
	there, here := f.places(), g.places()
	for i := range a {
		if !slices.Equal(there(a[i]), here(b[i])) {
			return false
		}
	}
	return true
}

// places returns what returns the entries of a table as indices of instructions of the function.
func (f *outFunc) places() func(table string) []int {
	if len(f.from.Tables) == 0 {
		return nil
	}
	at := make(map[asm.Label]int)
	for i, in := range f.code().All() {
		at[in.Label] = i
	}
	tables := make(map[string]*spec.JumpTable, len(f.from.Tables))
	for i := range f.from.Tables {
		tables[f.from.Tables[i].Name] = &f.from.Tables[i]
	}
	return func(table string) []int {
		t := tables[table]
		out := make([]int, len(t.Labels))
		for i, l := range t.Labels {
			out[i] = at[l]
		}
		return out
	}
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
		placesOf := f.places()
		for _, name := range names {
			if w.symbols[name] != 0 {
				return fmt.Errorf("%w: jump table %q has the name of something else", ErrWrite, object.Show(name))
			}
			places := placesOf(name)
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
