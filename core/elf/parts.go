package elf

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/wire"
)

// parts are the sections that mean something.
type parts struct {
	license, version, types, ext, maps, arena, jumps *section

	structOps []*section

	legacy []*section
	data   []*section
	code   []*section
}

// classify sorts sections by what they are.
func (l *loader) classify() error {
	var err error
	if l.relocs, err = l.f.relocSections(); err != nil {
		return err
	}
	if l.doubled, err = l.f.doubled(l.relocs); err != nil {
		return err
	}
	if l.doubled {
		l.note(NoteDoubled, NoteTexts[NoteDoubled])
	}
	l.symbols = indexSymbols(l.f)
	l.list = make([]uint32, 0, l.symbols.most())
	if l.f.machine == 0 {
		l.note(NoteMachine, "%s", NoteTexts[NoteMachine])
	}
	l.parts.code = make([]*section, 0, l.codeSections())
	for i := range l.f.sections {
		if err := l.classifyOne(&l.f.sections[i]); err != nil {
			return err
		}
	}
	return nil
}

// codeSections gives how many sections at most hold code.
func (l *loader) codeSections() int {
	n := 0
	for i := range l.f.sections {
		if l.f.sections[i].exec() {
			n++
		}
	}
	return n
}

func (l *loader) classifyOne(s *section) error {
	p := &l.parts
	if s.typ != sectionProgbits && s.typ != sectionNobits {
		return nil
	}
	name := s.name
	switch {
	case name == "license":
		return s.only(&p.license)
	case name == "version":
		return s.only(&p.version)
	case name == ".BTF":
		return s.only(&p.types)
	case name == ".BTF.ext":
		return s.only(&p.ext)
	case name == ".maps":
		return s.only(&p.maps)
	case isStructOps(name):
		p.structOps = append(p.structOps, s)
	case name == arenaSection && s.size > 0:
		return s.only(&p.arena)
	case name == jumpSection && s.size > 0:
		return s.only(&p.jumps)
	case s.exec():
		p.code = append(p.code, s)
	case s.size == 0:
	case isData(s):
		p.data = append(p.data, s)
	case isLegacy(name):
		p.legacy = append(p.legacy, s)
	case s.flags&flagAlloc != 0 && s.typ == sectionProgbits:
		l.note(NoteUnused, "section %s was not understood and is left out", name)
	}
	return nil
}

// only takes the section for what there is one of.
func (s *section) only(slot **section) error {
	if *slot != nil {
		return s.fail(0, "section %d has the name of section %d", s.index, (*slot).index)
	}
	*slot = s
	return nil
}

// isData reports whether the section holds variables: .data, .rodata and .bss and what is named
// after them.
func isData(s *section) bool {
	for _, base := range []string{".data", ".rodata", ".bss"} {
		if s.name == base || strings.HasPrefix(s.name, base+".") {
			return true
		}
	}
	return false
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
func indexSymbols(f *file) symbolIndex {
	x := symbolIndex{start: make([]uint32, len(f.sections)+1)}
	in := func(s *symbol) bool { return s.defined() && uint64(s.section) < uint64(len(f.sections)) }
	for i := range f.symbols {
		if s := &f.symbols[i]; in(s) {
			x.start[s.section+1]++
		}
	}
	for i := 1; i < len(x.start); i++ {
		x.start[i] += x.start[i-1]
	}
	x.list = make([]uint32, x.start[len(f.sections)])
	next := slices.Clone(x.start)
	for i := range f.symbols {
		if s := &f.symbols[i]; in(s) {
			x.list[next[s.section]] = uint32(i)
			next[s.section]++
		}
	}
	return x
}

// most gives how many symbols the section with the most has.
func (x *symbolIndex) most() int {
	n := uint32(0)
	for i := 1; i < len(x.start); i++ {
		n = max(n, x.start[i]-x.start[i-1])
	}
	return int(n)
}

// of gives the symbols of a section.
func (x *symbolIndex) of(s *section) []uint32 { return x.list[x.start[s.index]:x.start[s.index+1]] }

// readLicense reads license and kernel version.
func (l *loader) readLicense() error {
	if s := l.parts.license; s != nil {
		b, err := l.f.bytes(s)
		if err != nil {
			return err
		}
		text, _, _ := bytes.Cut(b, []byte{0})
		l.c.License = string(text)
	}
	if s := l.parts.version; s != nil {
		b, err := l.f.bytes(s)
		if err != nil {
			return err
		}
		c := wire.New(show(s.name), l.f.order, b)
		l.c.KernelVersion = c.U32()
		return c.Err()
	}
	return nil
}

// readTypes reads BTF. It copies it, because types keep the bytes that they come from.
func (l *loader) readTypes() error {
	s := l.parts.types
	if s == nil {
		if s := l.parts.maps; s != nil {
			return s.fail(0, "maps in this section need BTF: compile with -g")
		}
		l.note(NoteNoBTF, "%s", NoteTexts[NoteNoBTF])
		return nil
	}
	b, err := l.f.bytes(s)
	if err != nil {
		return err
	}
	l.types, err = btf.Parse(bytes.Clone(b), btf.Options{Order: l.f.order})
	if err != nil {
		return err
	}
	if err := l.types.Validate(); err != nil {
		return err
	}
	if s := l.parts.ext; s != nil {
		b, err := l.f.bytes(s)
		if err != nil {
			return err
		}
		o := btf.ExtOptions{Wanted: l.codeNames()}
		if l.ext, err = o.Parse(b, l.types); err != nil {
			return err
		}
		sortExt(l.ext)
	}
	l.c.BTF = l.types
	l.readTags()
	return nil
}

// codeNames returns what says whether a name is that of a section with code.
func (l *loader) codeNames() func(string) bool {
	names := make(map[string]bool, len(l.parts.code))
	for _, s := range l.parts.code {
		names[s.name] = true
	}
	return func(name string) bool { return names[name] }
}

// sortExt puts records into the order of instructions, where a compiler did not.
func sortExt(e *btf.Ext) {
	for i := range e.Sections {
		s := &e.Sections[i]
		sortSlots(s.Funcs, func(x *btf.FuncAt) uint32 { return x.Slot })
		sortSlots(s.Lines, func(x *btf.LineAt) uint32 { return x.Slot })
		sortSlots(s.Relos, func(x *btf.ReloAt) uint32 { return x.Slot })
	}
}

// sortSlots sorts records, which nearly always are in order.
func sortSlots[T any](list []T, slot func(*T) uint32) {
	for i := 1; i < len(list); i++ {
		if slot(&list[i-1]) > slot(&list[i]) {
			slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(slot(&a), slot(&b)) })
			return
		}
	}
}

// readTags collects the declaration tags of whole variables and functions, and the sections.
func (l *loader) readTags() {
	l.datasecs = make(map[string]btf.ID)
	tags := 0
	for id, kind := range l.types.Kinds() {
		switch kind {
		case btf.KindDatasec:
			if name := l.types.Name(id); l.datasecs[name] == 0 {
				l.datasecs[name] = id
			}
		case btf.KindDeclTag:
			tags++
		}
	}
	if tags == 0 {
		return
	}
	l.tags = make([]typeTag, 0, tags)
	for _, tag := range l.types.DeclTags() {
		if tag.Component < 0 {
			l.tags = append(l.tags, typeTag{tag.Type, tag.Tag})
		}
	}
	slices.SortStableFunc(l.tags, func(a, b typeTag) int { return cmp.Compare(a.typ, b.typ) })
}

// typeTag is a declaration tag and what it is on.
type typeTag struct {
	typ btf.ID
	tag string
}

// tagsOf gives the tags of a whole variable or function, in the order of the types.
func (l *loader) tagsOf(id btf.ID) []typeTag {
	i, _ := slices.BinarySearchFunc(l.tags, id, func(t typeTag, id btf.ID) int { return cmp.Compare(t.typ, id) })
	n := i
	for n < len(l.tags) && l.tags[n].typ == id {
		n++
	}
	return l.tags[i:n]
}

// mapTags gives the tags of the variable that a map is.
func (l *loader) mapTags(id btf.ID) []string {
	var out []string
	for _, t := range l.tagsOf(id) {
		out = append(out, t.tag)
	}
	return out
}

// datasec gives the BTF of a section, or nil.
func (l *loader) datasec(name string) (*btf.Datasec, btf.ID, error) {
	id := l.datasecs[name]
	if id == 0 {
		return nil, 0, nil
	}
	t, err := l.types.Type(id)
	if err != nil {
		return nil, 0, err
	}
	d, _ := t.(*btf.Datasec)
	return d, id, nil
}
