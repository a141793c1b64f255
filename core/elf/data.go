package elf

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// readData makes a map of every data section and variables of its symbols.
func (l *loader) readData() error {
	l.dataMap = make([]*spec.Map, len(l.f.Sections))
	l.used = make([]bool, len(l.f.Sections))
	l.isVar = make(map[uint32]bool)
	l.varNames = make(map[string]bool)
	var total uint64
	n := 0
	for _, s := range l.sections.data {
		n += len(l.symbols.of(s))
	}
	if n > 0 {
		l.c.Vars = make([]*spec.Var, 0, n)
	}
	for _, s := range l.sections.data {
		if s.Size > math.MaxUint32 || s.Size > l.o.MaxData-total {
			return s.Errorf(0, "%d bytes of data are more than the limit of %d for all sections", s.Size, l.o.MaxData)
		}
		total += s.Size
		if err := l.readDataSection(s); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) readDataSection(s *object.Section) error {
	if l.hasMap(s.Name) {
		return s.Errorf(0, "second section or map of that name")
	}
	m := l.newMaps.next()
	*m = spec.Map{
		Name: s.Name, Section: s.Name, Type: spec.MapArray,
		KeySize: 4, ValueSize: uint32(s.Size), MaxEntries: 1, Flags: spec.FlagMmapable,
	}
	if strings.HasPrefix(s.Name, ".rodata") {
		m.Flags |= spec.FlagReadOnlyProg
		m.Freeze = true
	}
	if s.Type != object.SectionNobits {
		b, err := l.f.Claim(s)
		if err != nil {
			return err
		}
		m.Data = bytes.Clone(b)
	}
	d, id, err := l.datasec(s.Name)
	if err != nil {
		return err
	}
	if d != nil {
		m.Value = id
	}
	if err := l.addMap(m, s, 0); err != nil {
		return err
	}
	l.dataMap[s.Index] = m
	if r := l.relocs[s.Index]; r != nil && r.Size > 0 {
		l.note(NoteDataReloc, "section %s holds addresses that are not filled in", s.Name)
	}
	return l.readVars(s, d)
}

// readVars makes a variable of every named symbol of a data section. Global ones come first when
// two share a name.
func (l *loader) readVars(s *object.Section, d *btf.Datasec) error {
	types, err := l.varTypes(d)
	if err != nil {
		return err
	}
	list := l.list[:0]
	for _, i := range l.symbols.of(s) {
		sym := &l.f.Symbols[i]
		if sym.Type != object.SymbolObject && sym.Type != object.SymbolNone || sym.Name == "" || strings.HasPrefix(sym.Name, ".L") {
			continue
		}
		if _, _, err := l.f.Symbol(i); err != nil {
			return err
		}
		if sym.Size > 0 {
			list = append(list, i)
		}
	}
	l.list = list
	slices.SortStableFunc(list, func(a, b uint32) int {
		x, y := &l.f.Symbols[a], &l.f.Symbols[b]
		return cmp.Or(cmp.Compare(x.Value, y.Value), cmp.Compare(min(y.Bind, 1), min(x.Bind, 1)))
	})
	slab := l.newVars.many(len(list))
	for k, i := range list {
		if err := l.addVar(&slab[k], s, i, types); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) addVar(v *spec.Var, s *object.Section, i uint32, types map[string]btf.ID) error {
	sym := &l.f.Symbols[i]
	if l.varNames[sym.Name] {
		if sym.Bind != object.BindLocal {
			return s.Errorf(sym.Value, "second variable named %q", object.Show(sym.Name))
		}
		l.note(NoteDuplicate, "static variable %s of section %s has the name of another and cannot be set", sym.Name, s.Name)
		return nil
	}
	l.varNames[sym.Name] = true
	l.isVar[i], l.used[s.Index] = true, true
	*v = spec.Var{
		Name: sym.Name, Section: s.Name, Map: l.dataMap[s.Index].Name,
		Offset: uint32(sym.Value), Size: uint32(sym.Size), Type: types[sym.Name], Linkage: linkageOf(sym),
	}
	l.c.Vars = append(l.c.Vars, v)
	return nil
}

// linkageOf translates binding and visibility.
func linkageOf(s *object.Symbol) spec.Linkage {
	switch {
	case s.Bind == object.BindLocal:
		return spec.LinkStatic
	case s.Hidden:
		return spec.LinkHidden
	case s.Bind == object.BindWeak:
		return spec.LinkWeak
	}
	return spec.LinkGlobal
}

// dropUnused removes data sections that no instruction refers to and that hold no variable, such as
// leftover string constants.
func (l *loader) dropUnused() {
	unused := make(map[*spec.Map]bool)
	for i, m := range l.dataMap {
		if m != nil && !l.used[i] && l.f.Sections[i].Name != object.ArenaSection {
			unused[m] = true
		}
	}
	l.c.Maps = slices.DeleteFunc(l.c.Maps, func(m *spec.Map) bool { return unused[m] })
}
