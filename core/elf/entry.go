package elf

import (
	"strings"

	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/elf/internal/secdef"
)

// textSection holds functions that programs call.
const textSection = ".text"

// programSection is a section with functions that are programs, and what its name says of them.
type programSection struct {
	section *object.Section
	rule    secdef.Def // the zero value if the name is not known
	target  string     // what the name says to attach to
	entries int        // how many of its functions are programs
	slot    *slot      // entry of an array of programs, nil for none
}

// findEntries marks the functions that are programs and returns their sections.
func (l *loader) findEntries() ([]programSection, error) {
	var out []programSection
	for _, s := range l.sections.code {
		if s.Name == textSection || len(l.funcs[s.Index]) == 0 {
			continue
		}
		p := programSection{section: s}
		var known bool
		p.rule, p.target, known = l.matchSection(s)
		var err error
		if p.slot, err = l.legacy.tailCall(s); err != nil {
			return nil, err
		}
		if err := l.markEntries(&p, known || p.slot != nil); err != nil {
			return nil, err
		}
		if p.entries == 0 {
			continue
		}
		if !known && p.slot == nil {
			l.note(NoteUnknown, "section %s names no known type of program", s.Name)
		}
		out = append(out, p)
	}
	typeTailCalls(out)
	return out, nil
}

// markEntries marks the functions of a section that are programs. All that are not static are, in a
// section of programs; in one that is not known, those that nothing calls, unless its name is that of a
// compiler for single functions.
func (l *loader) markEntries(p *programSection, known bool) error {
	library := !known && strings.HasPrefix(p.section.Name, textSection+".")
	for i := range l.funcs[p.section.Index] {
		fn := &l.funcs[p.section.Index][i]
		if fn.static() {
			if !l.o.Lenient && fn.symbol.Type == object.SymbolFunc {
				return p.section.Errorf(fn.off(), "function %q of a section of programs is static: remove the keyword", object.Show(fn.name()))
			}
			if fn.entry = !fn.called && !library; fn.entry {
				l.note(NoteStaticProgram, "function %s of section %s is static and nothing calls it: it is a program", fn.name(), p.section.Name)
			}
		} else {
			fn.entry = known || !fn.called && !library
		}
		if fn.entry {
			p.entries++
		}
	}
	return nil
}
