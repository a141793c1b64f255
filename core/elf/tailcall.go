package elf

import (
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/elf/internal/secdef"
	"github.com/bpfhost/bpfhost/core/spec"
)

// slot is an entry of an array of programs that a section names.
type slot struct {
	m   *spec.Map
	key uint32
}

// tailCall finds the entry of a section "ID/KEY", in decimal, of iproute2 (tc/examples/bpf, up to
// its 6.x): ID is that of an array of programs that is defined iproute2's way. It returns nil for
// other sections.
func (defs legacyDefs) tailCall(s *object.Section) (*slot, error) {
	first, second, ok := strings.Cut(s.Name, "/")
	if !ok || first == "" || first[0] < '0' || first[0] > '9' {
		return nil, nil
	}
	id, err1 := strconv.ParseUint(first, 10, 32)
	key, err2 := strconv.ParseUint(second, 10, 32)
	if err1 != nil || err2 != nil {
		return nil, nil
	}
	for _, d := range defs {
		if !d.iproute2 || d.m.Type != spec.MapProgArray || uint64(d.id) != id {
			continue
		}
		if key >= uint64(d.m.MaxEntries) {
			return nil, s.Errorf(0, "section is entry %d of map %q, which has %d", key, object.Show(d.m.Name), d.m.MaxEntries)
		}
		return &slot{d.m, uint32(key)}, nil
	}
	return nil, nil
}

// typeTailCalls sets the type of programs in such sections to that of the program that calls them,
// which is taken to be in the first section of a known name; without one they are classifiers.
func typeTailCalls(sections []programSection) {
	caller := secdef.Def{Type: spec.ProgramSchedCls}
	for i := range sections {
		if s := &sections[i]; s.rule.Type != spec.ProgramUnspec {
			caller = s.rule
			break
		}
	}
	for i := range sections {
		if s := &sections[i]; s.slot != nil && s.rule.Type == spec.ProgramUnspec {
			s.rule = caller
		}
	}
}

// putTailCall makes the program the first value of its entry.
func (l *loader) putTailCall(s *object.Section, at *slot, fn *function) error {
	for _, v := range at.m.Values {
		if v.Key == at.key {
			return s.Errorf(fn.off(), "programs %q and %q are both entry %d of map %q", object.Show(v.Name), object.Show(fn.name()), at.key, object.Show(at.m.Name))
		}
	}
	at.m.Values = append(at.m.Values, spec.MapValue{Key: at.key, Name: fn.name()})
	l.note(NoteTailCall, "section %s is an entry of map %s, as iproute2 has it", s.Name, at.m.Name)
	return nil
}
