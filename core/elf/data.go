package elf

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// readData makes a map of every data section and variables of its symbols.
func (l *loader) readData() error {
	l.dataMap = make([]*spec.Map, len(l.f.sections))
	l.used = make([]bool, len(l.f.sections))
	l.isVar = make(map[uint32]bool)
	l.varNames = make(map[string]bool)
	var total uint64
	n := 0
	for _, s := range l.parts.data {
		n += len(l.symbols.of(s))
	}
	if n > 0 {
		l.c.Vars = make([]*spec.Var, 0, n)
	}
	for _, s := range l.parts.data {
		if s.size > math.MaxUint32 || s.size > l.o.MaxData-total {
			return s.fail(0, "%d bytes of data are more than the limit of %d for all sections", s.size, l.o.MaxData)
		}
		total += s.size
		if err := l.readDataSection(s); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) readDataSection(s *section) error {
	if l.hasMap(s.name) {
		return s.fail(0, "second section or map of that name")
	}
	m := l.newMaps.next()
	*m = spec.Map{
		Name: s.name, Section: s.name, Type: spec.MapArray,
		KeySize: 4, ValueSize: uint32(s.size), MaxEntries: 1, Flags: spec.FlagMmapable,
	}
	if strings.HasPrefix(s.name, ".rodata") {
		m.Flags |= spec.FlagReadOnlyProg
		m.Freeze = true
	}
	if s.typ != sectionNobits {
		b, err := l.f.claim(s)
		if err != nil {
			return err
		}
		m.Data = bytes.Clone(b)
	}
	d, id, err := l.datasec(s.name)
	if err != nil {
		return err
	}
	if d != nil {
		m.Value = id
	}
	if err := l.addMap(m, s, 0); err != nil {
		return err
	}
	l.dataMap[s.index] = m
	if r := l.relocs[s.index]; r != nil && r.size > 0 {
		l.note(NoteDataReloc, "section %s holds addresses that are not filled in", s.name)
	}
	return l.readVars(s, d)
}

// readVars makes a variable of every named symbol of a data section. Global ones come first when
// two share a name.
func (l *loader) readVars(s *section, d *btf.Datasec) error {
	types, err := l.varTypes(d)
	if err != nil {
		return err
	}
	list := l.list[:0]
	for _, i := range l.symbols.of(s) {
		sym := &l.f.symbols[i]
		if sym.typ != symbolObject && sym.typ != symbolNone || sym.name == "" || strings.HasPrefix(sym.name, ".L") {
			continue
		}
		if _, _, err := l.f.check(i); err != nil {
			return err
		}
		if sym.size > 0 {
			list = append(list, i)
		}
	}
	l.list = list
	slices.SortStableFunc(list, func(a, b uint32) int {
		x, y := &l.f.symbols[a], &l.f.symbols[b]
		return cmp.Or(cmp.Compare(x.value, y.value), cmp.Compare(min(y.bind, 1), min(x.bind, 1)))
	})
	slab := l.newVars.many(len(list))
	for k, i := range list {
		if err := l.addVar(&slab[k], s, i, types); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) addVar(v *spec.Var, s *section, i uint32, types map[string]btf.ID) error {
	sym := &l.f.symbols[i]
	if l.varNames[sym.name] {
		if sym.bind != bindLocal {
			return s.fail(sym.value, "second variable named %q", show(sym.name))
		}
		l.note(NoteDuplicate, "static variable %s of section %s has the name of another and cannot be set", sym.name, s.name)
		return nil
	}
	l.varNames[sym.name] = true
	l.isVar[i], l.used[s.index] = true, true
	*v = spec.Var{
		Name: sym.name, Section: s.name, Map: l.dataMap[s.index].Name,
		Offset: uint32(sym.value), Size: uint32(sym.size), Type: types[sym.name], Linkage: sym.linkage(),
	}
	l.c.Vars = append(l.c.Vars, v)
	return nil
}

// varTypes gives the types of the variables of a section by name. They hold until the next call.
func (l *loader) varTypes(d *btf.Datasec) (map[string]btf.ID, error) {
	clear(l.varTypeOf)
	if d == nil {
		return nil, nil
	}
	if l.varTypeOf == nil {
		l.varTypeOf = make(map[string]btf.ID, len(d.Vars))
	}
	out := l.varTypeOf
	for _, v := range d.Vars {
		t, err := l.types.Type(v.Type)
		if err != nil {
			return nil, err
		}
		if decl, ok := t.(*btf.Var); ok {
			out[decl.Name] = decl.Type
		}
	}
	return out, nil
}

// dropUnused removes data sections that no instruction refers to and that hold no variable, such as
// leftover string constants.
func (l *loader) dropUnused() error {
	unused := make(map[*spec.Map]bool)
	for i, m := range l.dataMap {
		if m != nil && !l.used[i] && l.f.sections[i].name != arenaSection {
			unused[m] = true
		}
	}
	l.c.Maps = slices.DeleteFunc(l.c.Maps, func(m *spec.Map) bool { return unused[m] })
	return nil
}
