package elf

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// dataTable has the data sections of an object.
type dataTable struct {
	maps  []*spec.Map          // by section: the map of a data section
	vars  []*spec.Var          // in order of sections and offsets
	named []bool               // by section: it holds a variable
	varOf map[uint32]*spec.Var // by symbol
}

// readData makes a map of every data section and variables of its symbols.
func (l *loader) readData() (dataTable, error) {
	d := dataTable{maps: make([]*spec.Map, len(l.f.Sections)), named: make([]bool, len(l.f.Sections)), varOf: make(map[uint32]*spec.Var)}
	var total uint64
	n := 0
	for _, s := range l.sections.data {
		n += len(l.symbols.of(s))
	}
	if n > 0 {
		d.vars = make([]*spec.Var, 0, n)
	}
	for _, s := range l.sections.data {
		if s.Size > math.MaxUint32 {
			return d, s.Errorf(0, "%d bytes of data are more than the limit of %d for a map", s.Size, uint32(math.MaxUint32))
		}
		if s.Size > l.o.MaxData-total {
			return d, s.Errorf(0, "%w", l.o.dataLimit(s.Size))
		}
		total += s.Size
		if err := l.readDataSection(&d, s); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (l *loader) readDataSection(data *dataTable, s *object.Section) error {
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
	data.maps[s.Index] = m
	if r := l.relocs[s.Index]; r != nil && r.Size > 0 {
		l.note(NoteDataReloc, "section %s holds addresses that are not filled in", s.Name)
	}
	return l.readVars(data, s, d)
}

// readVars makes a variable of every named symbol of a data section. Global ones come first when
// two share a name.
func (l *loader) readVars(data *dataTable, s *object.Section, d *btf.Datasec) error {
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
		v, sym := &slab[k], &l.f.Symbols[i]
		typ, _ := types.Find(sym.Name, sym.Value)
		*v = spec.Var{
			Name: sym.Name, Section: s.Name, Map: data.maps[s.Index].Name,
			Offset: uint32(sym.Value), Size: uint32(sym.Size), Type: typ, Linkage: linkageOf(sym),
		}
		data.vars = append(data.vars, v)
		data.varOf[i], data.named[s.Index] = v, true
	}
	return nil
}

// nameVars makes the names of variables unique: two global ones of one name are an error, static ones get
// a number, as files that were linked from several have them.
func (l *loader) nameVars(vars []*spec.Var) error {
	taken := make(map[string]bool, len(vars))
	count := make(map[string]int)
	for _, static := range []bool{false, true} {
		for _, v := range vars {
			if (v.Linkage == spec.LinkStatic) != static {
				continue
			}
			if taken[v.Name] && !static {
				return object.Errorf(v.Section, uint64(v.Offset), "second variable named %q", object.Show(v.Name))
			}
			if base := v.Name; taken[base] {
				for taken[v.Name] {
					count[base]++
					v.Name = base + "." + strconv.Itoa(count[base]+1)
				}
				l.note(NoteDuplicate, "static variable %s of section %s has the name of another and is called %s", base, v.Section, v.Name)
			}
			taken[v.Name] = true
		}
	}
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
func (l *loader) dropUnused(data dataTable) {
	unused := make(map[*spec.Map]bool)
	for i, m := range data.maps {
		if m != nil && !data.named[i] && !l.referred[i] && l.f.Sections[i].Name != object.ArenaSection {
			unused[m] = true
		}
	}
	l.c.Maps = slices.DeleteFunc(l.c.Maps, func(m *spec.Map) bool { return unused[m] })
}
