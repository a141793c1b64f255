package elf

import (
	"cmp"
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
	name := object.Show(v.m.Name)
	if r.Type != object.RelocAbs64 && r.Type != object.RelocLoad64 {
		return s.Errorf(r.Offset, "map %q: relocation of type %d is not one of data", name, r.Type)
	}
	if (r.Offset-v.at)%8 != 0 {
		return s.Errorf(r.Offset, "map %q: initial value is not aligned", name)
	}
	index := (r.Offset - v.at) / 8
	if index > 1<<32-1 || v.count > 0 && index >= v.count {
		return s.Errorf(r.Offset, "map %q: initial value %d of %d", name, index, v.count)
	}
	sym, sec, err := l.f.Symbol(r.Symbol)
	if err != nil {
		return err
	}
	if v.m.Type == spec.MapProgArray {
		fn := l.funcAt(sym.Section, sym.Value)
		if fn == nil || l.sectionOf(fn).Name == ".text" {
			return s.Errorf(r.Offset, "map %q: %q is no program", name, object.Show(sym.Name))
		}
		v.m.Values = append(v.m.Values, spec.MapValue{Key: uint32(index), Name: fn.name()})
		return nil
	}
	inner := l.mapAt[location{sec.Index, sym.Value}]
	if inner == nil {
		return s.Errorf(r.Offset, "map %q: %q is no map", name, object.Show(sym.Name))
	}
	v.m.Values = append(v.m.Values, spec.MapValue{Key: uint32(index), Name: inner.Name})
	return nil
}
