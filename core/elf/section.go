package elf

import (
	"strings"

	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/elf/internal/secdef"
	"github.com/bpfhost/bpfhost/core/spec"
)

// SectionRule says what a section name implies, as an addition to those that libbpf knows. A
// pattern that ends in "+" matches the name alone, and the name followed by "/" and what to attach
// to; any other matches exactly.
type SectionRule struct {
	Pattern string
	Type    spec.ProgramType
	Attach  spec.AttachType
	Probe   spec.Probe // of type kprobe: without it, nothing says what is probed
	Flags   spec.ProgramFlags
}

// matchOwn is match in rules of the caller.
func matchOwn(own []SectionRule, name string) (secdef.Def, string, bool) {
	for _, o := range own {
		if r, target, ok := secdef.MatchIn([]secdef.Def{{Pattern: o.Pattern, Type: o.Type, AttachType: o.Attach, Probe: o.Probe, Flags: o.Flags}}, name); ok {
			return r, target, true
		}
	}
	return secdef.Def{}, "", false
}

// matchSection finds out what the name of a section implies.
func (l *loader) matchSection(s *object.Section) (r secdef.Def, target string, known bool) {
	name := strings.TrimPrefix(s.Name, object.OptionalMark)
	if r, target, known = matchOwn(l.o.Sections, name); known {
		return r, target, true
	}
	if r, target, known = secdef.Match(name); known {
		return r, target, true
	}
	if r, target, known = matchOwn(l.o.Fallbacks, name); !known && l.o.Lenient {
		if r, known = secdef.MatchPrefix(name); known {
			l.note(NoteLenient, "section %s was taken for %s", s.Name, strings.TrimSuffix(r.Pattern, "+"))
		}
	}
	return r, target, known
}
