package elf

import (
	"bytes"

	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// readArena adds what is in the section of the arena, as variables of the arena's map.
func (l *loader) readArena(data dataTable) (dataTable, error) {
	s := l.sections.arena
	if s == nil {
		return data, nil
	}
	var arena *spec.Map
	for _, m := range l.c.Maps {
		if m.Type != spec.MapArena {
			continue
		}
		if arena != nil {
			return data, s.Errorf(0, "variables belong to one arena, there are %q and %q", object.Show(arena.Name), object.Show(m.Name))
		}
		arena = m
	}
	if arena == nil {
		return data, s.Errorf(0, "variables need a map of type arena")
	}
	if s.Size > l.o.MaxData {
		return data, s.Errorf(0, "%w", l.o.dataLimit(s.Size))
	}
	if s.Type == object.SectionNobits {
		arena.Data = make([]byte, s.Size)
	} else {
		b, err := l.f.Claim(s)
		if err != nil {
			return data, err
		}
		arena.Data = bytes.Clone(b)
	}
	data.maps[s.Index] = arena
	d, _, err := l.datasec(s.Name)
	if err != nil {
		return data, err
	}
	return data, l.readVars(&data, s, d)
}
