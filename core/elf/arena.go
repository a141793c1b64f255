package elf

import (
	"bytes"

	"github.com/bpfhost/bpfhost/core/spec"
)

// arenaSection holds the variables of the second address space, which live in the arena.
const arenaSection = ".addr_space.1"

// readArena makes variables of the arena's map of what is in its section.
func (l *loader) readArena() error {
	s := l.parts.arena
	if s == nil {
		return nil
	}
	var arena *spec.Map
	for _, m := range l.c.Maps {
		if m.Type != spec.MapArena {
			continue
		}
		if arena != nil {
			return s.fail(0, "variables belong to one arena, there are %q and %q", show(arena.Name), show(m.Name))
		}
		arena = m
	}
	if arena == nil {
		return s.fail(0, "variables need a map of type arena")
	}
	if s.size > l.o.MaxData {
		return s.fail(0, "%d bytes of data are more than the limit of %d", s.size, l.o.MaxData)
	}
	if s.typ == sectionNobits {
		arena.Data = make([]byte, s.size)
	} else {
		b, err := l.f.claim(s)
		if err != nil {
			return err
		}
		arena.Data = bytes.Clone(b)
	}
	l.dataMap[s.index] = arena
	d, _, err := l.datasec(s.name)
	if err != nil {
		return err
	}
	return l.readVars(s, d)
}
