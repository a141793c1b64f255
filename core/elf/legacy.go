package elf

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/wire"
)

// legacySize is the size in bytes of the fields that every old map definition has: type, key size,
// value size, entries (struct bpf_map_def of old libbpf, struct bpf_elf_map of iproute2). Flags
// follow where there is room.
const legacySize = 16

// legacyReader reads maps that are defined as a struct of numbers.
type legacyReader struct{ *loader }

// read returns the definitions.
func (l legacyReader) read() (legacyDefs, error) {
	var defs legacyDefs
	for _, s := range l.sections.legacy {
		var err error
		if defs, err = l.readSection(defs, s); err != nil {
			return nil, err
		}
	}
	return defs, defs.link()
}

// readSection appends the definitions of a section.
func (l legacyReader) readSection(defs legacyDefs, s *object.Section) (legacyDefs, error) {
	data, err := l.f.Bytes(s)
	if err != nil {
		return nil, err
	}
	var list []uint32
	for _, i := range l.symbols.of(s) {
		if t := l.f.Symbols[i].Type; t == object.SymbolObject || t == object.SymbolNone {
			if _, _, err := l.f.Symbol(i); err != nil {
				return nil, err
			}
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b uint32) int { return cmp.Compare(l.f.Symbols[a].Value, l.f.Symbols[b].Value) })
	if len(list) == 0 {
		return nil, s.Errorf(0, "maps have no symbols: a static map cannot be found")
	}
	for k, i := range list {
		end := uint64(len(data))
		if k+1 < len(list) {
			end = l.f.Symbols[list[k+1]].Value
		}
		def, err := l.readMap(s, &l.f.Symbols[i], data, end)
		if err != nil {
			return nil, err
		}
		defs = append(defs, def)
	}
	return defs, nil
}

// readMap reads the definition from the symbol up to end.
func (l legacyReader) readMap(s *object.Section, sym *object.Symbol, data []byte, end uint64) (legacyDef, error) {
	if sym.Size != 0 {
		end = min(end, sym.Value+sym.Size)
	}
	if end-sym.Value < legacySize {
		return legacyDef{}, s.Errorf(sym.Value, "map %q has %d bytes, at least %d are needed", object.Show(sym.Name), end-sym.Value, legacySize)
	}
	name, err := l.mapName(sym)
	if err != nil {
		return legacyDef{}, s.Errorf(sym.Value, "%w", err)
	}
	c := wire.NewAt(object.Show(s.Name).String(), l.f.Order, data[sym.Value:end], sym.Value)
	m := &spec.Map{Name: name, Section: s.Name}
	m.Type, m.KeySize, m.ValueSize, m.MaxEntries = spec.MapType(c.U32()), c.U32(), c.U32(), c.U32()
	if c.Len() >= 4 {
		m.Flags = spec.MapFlags(c.U32())
	}
	if err := c.Err(); err != nil {
		return legacyDef{}, err
	}
	def := legacyDef{m: m, section: s, at: sym.Value}
	rest := c.Len()
	switch end - sym.Value {
	case iproute2Size:
		def.id, def.pinning, def.innerID, def.slot = c.U32(), c.U32(), c.U32(), c.U32()
		def.iproute2 = true
	case sampleSize:
		def.index, def.node = c.U32(), c.U32()
		def.sample = true
	}
	def.apply()
	if err := l.checkPinning(m, "none of iproute2's (0, 1, 2)"); err != nil {
		return legacyDef{}, s.Errorf(sym.Value, "map %q: %w", object.Show(sym.Name), err)
	}
	if tail := data[end-uint64(c.Len()) : end]; slices.ContainsFunc(tail, func(b byte) bool { return b != 0 }) {
		l.note(NoteLegacyMap, "map %s has %s more bytes whose meaning is not known", m.Name, strconv.Itoa(rest))
	} else {
		l.note(NoteLegacyMap, "map %s is defined without BTF", m.Name)
	}
	return def, l.addMap(m, s, sym.Value)
}

// The sizes in bytes of definitions whose fields after the flags are known.
const (
	sampleSize   = 28 // struct bpf_map_def of the kernel's samples (samples/bpf/bpf_load.h, up to Linux 5.10)
	iproute2Size = 36 // struct bpf_elf_map of iproute2 (include/bpf_elf.h)
)

// legacyDefs are the definitions of an object, in order.
type legacyDefs []legacyDef

// legacyDef is what a definition says beside the fields of a map.
type legacyDef struct {
	m       *spec.Map
	section *object.Section
	at      uint64

	iproute2      bool
	id, pinning   uint32
	innerID, slot uint32 // inner_id, inner_idx

	sample bool
	index  uint32 // inner_map_idx: number of the map that is the template
	node   uint32 // numa_node
}

// apply takes over fields that do not depend on other maps. iproute2 pins in a directory of the
// object (1) or in the global one (2).
func (d *legacyDef) apply() {
	d.m.Pinning = spec.Pinning(d.pinning)
	if d.pinning == 2 {
		d.m.Pinning = spec.PinByName
	}
	if d.m.Flags&spec.FlagNUMANode != 0 {
		d.m.NUMANode = d.node
	}
	fixedSizes(d.m)
}

// fixedSizes fills in sizes that the type of the map leaves no choice about.
func fixedSizes(m *spec.Map) {
	switch m.Type {
	case spec.MapPerfEventArray, spec.MapProgArray, spec.MapCgroupArray:
		m.KeySize, m.ValueSize = cmp.Or(m.KeySize, 4), cmp.Or(m.ValueSize, 4)
	case spec.MapArrayOfMaps, spec.MapHashOfMaps:
		m.ValueSize = cmp.Or(m.ValueSize, 4)
	}
}

// link sets the templates and first values of maps of maps: iproute2 names maps by id, the
// kernel's samples by their order.
func (defs legacyDefs) link() error {
	for i := range defs {
		d := &defs[i]
		if d.m.Type != spec.MapArrayOfMaps && d.m.Type != spec.MapHashOfMaps {
			continue
		}
		if d.sample && uint64(d.index) < uint64(len(defs)) {
			d.m.Inner = template(defs[d.index].m, d.m.Name)
		}
		if err := defs.linkIproute2(d); err != nil {
			return err
		}
	}
	return nil
}

func (defs legacyDefs) linkIproute2(d *legacyDef) error {
	if !d.iproute2 || d.innerID == 0 {
		return nil
	}
	for k := range defs {
		o := &defs[k]
		if !o.iproute2 || o.id != d.innerID || o.m == d.m {
			continue
		}
		if d.m.Inner == nil {
			d.m.Inner = template(o.m, d.m.Name)
		}
		if d.m.Type == spec.MapArrayOfMaps && o.slot < d.m.MaxEntries {
			d.m.Values = append(d.m.Values, spec.MapValue{Key: o.slot, Name: o.m.Name})
		}
	}
	if d.m.Inner == nil {
		return d.section.Errorf(d.at, "map %q: no map has id %d, which its inner_id names", object.Show(d.m.Name), d.innerID)
	}
	return nil
}

// template makes the template of inner maps from one of them.
func template(m *spec.Map, outer string) *spec.Map {
	t := m.Clone()
	t.Name, t.Pinning, t.Inner, t.Values = outer+".inner", spec.PinNone, nil, nil
	return t
}
