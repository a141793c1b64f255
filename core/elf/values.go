package elf

import (
	"cmp"
	"slices"

	"github.com/bpfhost/bpfhost/core/spec"
)

// readValues reads the initial values of maps: relocations in .maps that point to inner maps or
// programs.
func (l *loader) readValues() error {
	s := l.parts.maps
	if s == nil || l.relocs[s.index] == nil {
		return nil
	}
	if s.align == 0 {
		return s.fail(0, "initial values of maps in a section of alignment 0")
	}
	relocs, err := l.f.relocations(nil, l.relocs[s.index])
	if err != nil {
		return err
	}
	slices.SortFunc(l.valueArrays, func(a, b valueArray) int { return cmp.Compare(a.at, b.at) })
	for _, r := range relocs {
		if err := l.readValue(s, r); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) readValue(s *section, r reloc) error {
	i, exact := slices.BinarySearchFunc(l.valueArrays, r.offset, func(a valueArray, off uint64) int { return cmp.Compare(a.at, off) })
	if !exact {
		i--
	}
	if i < 0 {
		return s.fail(r.offset, "address where no map has initial values")
	}
	v := &l.valueArrays[i]
	name := show(v.m.Name)
	if r.typ != relocAbs64 && r.typ != relocLoad64 {
		return s.fail(r.offset, "map %q: relocation of type %d is not one of data", name, r.typ)
	}
	if (r.offset-v.at)%8 != 0 {
		return s.fail(r.offset, "map %q: initial value is not aligned", name)
	}
	index := (r.offset - v.at) / 8
	if index > 1<<32-1 || v.count > 0 && index >= v.count {
		return s.fail(r.offset, "map %q: initial value %d of %d", name, index, v.count)
	}
	sym, sec, err := l.f.check(r.symbol)
	if err != nil {
		return err
	}
	if v.m.Type == spec.MapProgArray {
		fn := l.funcAt(sym.section, sym.value)
		if fn == nil || l.sectionOf(fn).name == ".text" {
			return s.fail(r.offset, "map %q: %q is no program", name, show(sym.name))
		}
		v.m.Values = append(v.m.Values, spec.MapValue{Key: uint32(index), Name: fn.name()})
		return nil
	}
	inner := l.mapAt[location{sec.index, sym.value}]
	if inner == nil {
		return s.fail(r.offset, "map %q: %q is no map", name, show(sym.name))
	}
	v.m.Values = append(v.m.Values, spec.MapValue{Key: uint32(index), Name: inner.Name})
	return nil
}
