package elf

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/internal/wire"
	"github.com/bpfhost/bpfhost/core/spec"
)

// legacySize is the size in bytes of the fields that every old map definition has: type, key size,
// value size, entries (struct bpf_map_def of old libbpf, struct bpf_elf_map of iproute2). Flags
// follow where there is room.
const legacySize = 16

// readLegacy reads maps that are defined as a struct of numbers.
func (l *loader) readLegacy() error {
	for _, s := range l.parts.legacy {
		if err := l.readLegacySection(s); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) readLegacySection(s *section) error {
	data, err := l.f.bytes(s)
	if err != nil {
		return err
	}
	var list []uint32
	for _, i := range l.symbols.of(s) {
		if t := l.f.symbols[i].typ; t == symbolObject || t == symbolNone {
			if _, _, err := l.f.check(i); err != nil {
				return err
			}
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b uint32) int { return cmp.Compare(l.f.symbols[a].value, l.f.symbols[b].value) })
	if len(list) == 0 {
		return s.fail(0, "maps have no symbols: a static map cannot be found")
	}
	for k, i := range list {
		end := uint64(len(data))
		if k+1 < len(list) {
			end = l.f.symbols[list[k+1]].value
		}
		if err := l.readLegacyMap(s, &l.f.symbols[i], data, end); err != nil {
			return err
		}
	}
	return nil
}

// readLegacyMap reads the definition from the symbol up to end.
func (l *loader) readLegacyMap(s *section, sym *symbol, data []byte, end uint64) error {
	if sym.size != 0 {
		end = min(end, sym.value+sym.size)
	}
	if end-sym.value < legacySize {
		return s.fail(sym.value, "map %q has %d bytes, at least %d are needed", show(sym.name), end-sym.value, legacySize)
	}
	if l.hasMap(sym.name) {
		return s.fail(sym.value, "second map named %q", show(sym.name))
	}
	c := wire.NewAt(show(s.name), l.f.order, data[sym.value:end], sym.value)
	m := &spec.Map{Name: sym.name, Section: s.name}
	m.Type, m.KeySize, m.ValueSize, m.MaxEntries = spec.MapType(c.U32()), c.U32(), c.U32(), c.U32()
	if c.Len() >= 4 {
		m.Flags = spec.MapFlags(c.U32())
	}
	if err := c.Err(); err != nil {
		return err
	}
	rest := data[c.Offset():end]
	if slices.ContainsFunc(rest, func(b byte) bool { return b != 0 }) {
		l.note(NoteLegacyMap, "map %s has %s more bytes whose meaning is not known", m.Name, strconv.Itoa(len(rest)))
	} else {
		l.note(NoteLegacyMap, "map %s is defined without BTF", m.Name)
	}
	return l.addMap(m, s, sym.value)
}
