package elf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// readValues reads the initial values of maps: relocations in .maps that point to inner maps or
// programs.
func (l *loader) readValues(arrays []valueArray) error {
	s := l.sections.maps
	if s == nil || l.relocs[s.Index] == nil {
		return nil
	}
	if s.Align == 0 {
		return s.Errorf(0, "initial values of maps in a section of alignment 0")
	}
	relocs, err := l.f.Relocations(nil, l.relocs[s.Index])
	if err != nil {
		return err
	}
	slices.SortFunc(arrays, func(a, b valueArray) int { return cmp.Compare(a.at, b.at) })
	for _, r := range relocs {
		if err := l.readValue(arrays, s, r); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) readValue(arrays []valueArray, s *object.Section, r object.Reloc) error {
	i, exact := slices.BinarySearchFunc(arrays, r.Offset, func(a valueArray, off uint64) int { return cmp.Compare(a.at, off) })
	if !exact {
		i--
	}
	if i < 0 {
		return s.Errorf(r.Offset, "address where no map has initial values")
	}
	v := &arrays[i]
	if (r.Offset-v.at)%8 != 0 {
		return s.Errorf(r.Offset, "map %q: initial value is not aligned", object.Show(v.m.Name))
	}
	index := (r.Offset - v.at) / 8
	if index > 1<<32-1 || v.count > 0 && index >= v.count {
		return s.Errorf(r.Offset, "map %q: initial value %d of %d", object.Show(v.m.Name), index, v.count)
	}
	name, err := l.valueName(v.m, s, r)
	if err != nil {
		return s.Errorf(r.Offset, "map %q: %w", object.Show(v.m.Name), err)
	}
	v.m.Values = append(v.m.Values, spec.MapValue{Key: uint32(index), Name: name})
	return nil
}

// valueName returns the name of the program or the inner map that an initial value points to.
func (l *loader) valueName(m *spec.Map, s *object.Section, r object.Reloc) (string, error) {
	to, err := l.dataTarget(s, r)
	if err != nil {
		return "", err
	}
	if m.Type == spec.MapProgArray {
		name, _, err := l.programAt(to)
		return name, err
	}
	if inner := l.mapAt[location{to.symbol.Section, to.offset}]; inner != nil {
		return inner.Name, nil
	}
	if to.section == nil && l.o.Lenient {
		l.undefined(to.symbol)
		return to.symbol.Name, nil
	}
	return "", fmt.Errorf("%s is not a map", to)
}

// programAt returns the program that data points to, and its name. Leniently, what is not a program has a
// name alone: another function, and what the object does not define.
func (l *loader) programAt(to dataTarget) (string, *function, error) {
	if to.section == nil && l.o.Lenient {
		l.undefined(to.symbol)
		return to.symbol.Name, nil, nil
	}
	fn := l.funcAt(to.symbol.Section, to.offset)
	switch {
	case fn != nil && fn.entry:
		return fn.name(), fn, nil
	case fn == nil || !l.o.Lenient:
		return "", nil, fmt.Errorf("%s is not a program", to)
	}
	l.note(NoteValue, "function %s of section %s is an initial value of a map but not a program", fn.name(), l.sectionOf(fn).Name)
	return fn.name(), nil, nil
}

// dataTarget is what a relocation of data points to.
type dataTarget struct {
	symbol  *object.Symbol
	section *object.Section // nil if the object does not define the symbol
	offset  uint64          // in the section
}

// String returns the name of the symbol; of a section, with the offset in it.
func (t dataTarget) String() string {
	if t.section != nil && t.symbol.Type == object.SymbolSection {
		return fmt.Sprintf("%s%+#x", object.Show(t.section.Name), t.offset)
	}
	return fmt.Sprintf("%q", object.Show(t.symbol.Name))
}

// dataTarget follows the relocation of an address in data. What is added to the symbol is in the bytes
// that it patches: compilers refer to static functions by their section and an offset.
func (l *loader) dataTarget(s *object.Section, r object.Reloc) (dataTarget, error) {
	if r.Type != object.RelocAbs64 && r.Type != object.RelocLoad64 {
		return dataTarget{}, fmt.Errorf("relocation of type %d is not one of data", r.Type)
	}
	data, err := l.f.Bytes(s)
	if err != nil {
		return dataTarget{}, err
	}
	if r.Offset+8 > uint64(len(data)) {
		return dataTarget{}, errors.New("address ends after the section")
	}
	sym := &l.f.Symbols[r.Symbol]
	if sym.Section == object.IndexUndef {
		return dataTarget{symbol: sym}, nil
	}
	if sym.Special {
		return dataTarget{}, sym.NoSectionError()
	}
	_, section, err := l.f.Symbol(r.Symbol)
	return dataTarget{symbol: sym, section: section, offset: sym.Value + l.f.Order.Uint64(data[r.Offset:])}, err
}
