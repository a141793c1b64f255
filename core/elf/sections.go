package elf

import (
	"bytes"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/internal/wire"
)

// sectionIndex has the sections that mean something.
type sectionIndex struct {
	license, version, types, ext, maps, arena, jumps *object.Section

	structOps []*object.Section

	legacy []*object.Section
	data   []*object.Section
	code   []*object.Section

	unused []string // names of those that were not understood
}

// classify sorts the sections of a file by what they are.
func classify(f *object.File) (sectionIndex, error) {
	p := sectionIndex{code: make([]*object.Section, 0, codeSections(f))}
	for i := range f.Sections {
		if err := p.add(&f.Sections[i]); err != nil {
			return p, err
		}
	}
	return p, nil
}

// codeSections returns how many sections at most hold code.
func codeSections(f *object.File) int {
	n := 0
	for i := range f.Sections {
		if f.Sections[i].IsCode() {
			n++
		}
	}
	return n
}

// readRelocs finds the relocations of each section, and whether instructions hold the values of symbols.
func (l *loader) readRelocs() (relocs []*object.Section, addendInPlace bool, err error) {
	if relocs, err = l.f.RelocSections(); err != nil {
		return nil, false, err
	}
	if addendInPlace, err = l.f.HasAddendInPlace(relocs); err != nil {
		return nil, false, err
	}
	if addendInPlace {
		l.note(NoteAddendInPlace, NoteTexts[NoteAddendInPlace])
	}
	return relocs, addendInPlace, nil
}

// add sorts one section.
func (p *sectionIndex) add(s *object.Section) error {
	if s.Type != object.SectionProgbits && s.Type != object.SectionNobits {
		return nil
	}
	name := s.Name
	switch {
	case name == "license":
		return only(s, &p.license)
	case name == "version":
		return only(s, &p.version)
	case name == ".BTF":
		return only(s, &p.types)
	case name == ".BTF.ext":
		return only(s, &p.ext)
	case name == ".maps":
		return only(s, &p.maps)
	case isStructOps(name):
		p.structOps = append(p.structOps, s)
	case name == object.ArenaSection && s.Size > 0:
		return only(s, &p.arena)
	case name == object.JumpSection && s.Size > 0:
		return only(s, &p.jumps)
	case s.IsCode():
		p.code = append(p.code, s)
	case s.Size == 0:
	case object.IsData(name):
		p.data = append(p.data, s)
	case isLegacy(name):
		p.legacy = append(p.legacy, s)
	case s.Flags&object.FlagAlloc != 0 && s.Type == object.SectionProgbits:
		p.unused = append(p.unused, name)
	}
	return nil
}

// only takes the section for what there is one of.
func only(s *object.Section, slot **object.Section) error {
	if *slot != nil {
		return s.Errorf(0, "section %d has the name of section %d", s.Index, (*slot).Index)
	}
	*slot = s
	return nil
}

// isLegacy reports whether the section holds maps that are defined without BTF.
func isLegacy(name string) bool {
	return name == "maps" || strings.HasPrefix(name, "maps/") || strings.HasSuffix(name, "/maps")
}

// symbolIndex lists symbols by the section that they are in.
type symbolIndex struct {
	start []uint32 // by section, where its part of list begins
	list  []uint32
}

// indexSymbols sorts symbols into sections, in the order of the table. Those in no section of the
// file are left out.
func indexSymbols(f *object.File) symbolIndex {
	x := symbolIndex{start: make([]uint32, len(f.Sections)+1)}
	in := func(s *object.Symbol) bool { return s.Defined() && uint64(s.Section) < uint64(len(f.Sections)) }
	for i := range f.Symbols {
		if s := &f.Symbols[i]; in(s) {
			x.start[s.Section+1]++
		}
	}
	for i := 1; i < len(x.start); i++ {
		x.start[i] += x.start[i-1]
	}
	x.list = make([]uint32, x.start[len(f.Sections)])
	next := slices.Clone(x.start)
	for i := range f.Symbols {
		if s := &f.Symbols[i]; in(s) {
			x.list[next[s.Section]] = uint32(i)
			next[s.Section]++
		}
	}
	return x
}

// most returns how many symbols the section with the most has.
func (x *symbolIndex) most() int {
	n := uint32(0)
	for i := 1; i < len(x.start); i++ {
		n = max(n, x.start[i]-x.start[i-1])
	}
	return int(n)
}

// of returns the symbols of a section.
func (x *symbolIndex) of(s *object.Section) []uint32 {
	return x.list[x.start[s.Index]:x.start[s.Index+1]]
}

// namedSymbols finds the symbols of a section by name, and by offset where two share one.
func (l *loader) namedSymbols(s *object.Section) *object.ByName[uint32] {
	var out object.ByName[uint32]
	for _, i := range l.symbols.of(s) {
		if sym := &l.f.Symbols[i]; sym.Type != object.SymbolSection {
			out.Add(sym.Name, sym.Value, i)
		}
	}
	return &out
}

// readLicense returns license and kernel version.
func readLicense(f *object.File, p *sectionIndex) (license string, version uint32, err error) {
	if s := p.license; s != nil {
		b, err := f.Bytes(s)
		if err != nil {
			return "", 0, err
		}
		text, _, _ := bytes.Cut(b, []byte{0})
		license = string(text)
	}
	if s := p.version; s != nil {
		b, err := f.Bytes(s)
		if err != nil {
			return "", 0, err
		}
		c := wire.New(object.Show(s.Name).String(), f.Order, b)
		version = c.U32()
		return license, version, c.Err()
	}
	return license, 0, nil
}
