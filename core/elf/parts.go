package elf

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/internal/wire"
)

// parts are the sections that mean something.
type parts struct {
	license, version, types, ext, maps, arena, jumps *object.Section

	structOps []*object.Section

	legacy []*object.Section
	data   []*object.Section
	code   []*object.Section
}

// classify sorts sections by what they are.
func (l *loader) classify() error {
	var err error
	if l.relocs, err = l.f.RelocSections(); err != nil {
		return err
	}
	if l.doubled, err = l.f.HasAddendInPlace(l.relocs); err != nil {
		return err
	}
	if l.doubled {
		l.note(NoteDoubled, NoteTexts[NoteDoubled])
	}
	l.symbols = indexSymbols(l.f)
	l.list = make([]uint32, 0, l.symbols.most())
	if l.f.Machine == 0 {
		l.note(NoteMachine, "%s", NoteTexts[NoteMachine])
	}
	l.parts.code = make([]*object.Section, 0, l.codeSections())
	for i := range l.f.Sections {
		if err := l.classifyOne(&l.f.Sections[i]); err != nil {
			return err
		}
	}
	return nil
}

// codeSections returns how many sections at most hold code.
func (l *loader) codeSections() int {
	n := 0
	for i := range l.f.Sections {
		if l.f.Sections[i].IsCode() {
			n++
		}
	}
	return n
}

func (l *loader) classifyOne(s *object.Section) error {
	p := &l.parts
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
		l.note(NoteUnused, "section %s was not understood and is left out", name)
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

// readLicense reads license and kernel version.
func (l *loader) readLicense() error {
	if s := l.parts.license; s != nil {
		b, err := l.f.Bytes(s)
		if err != nil {
			return err
		}
		text, _, _ := bytes.Cut(b, []byte{0})
		l.c.License = string(text)
	}
	if s := l.parts.version; s != nil {
		b, err := l.f.Bytes(s)
		if err != nil {
			return err
		}
		c := wire.New(object.Show(s.Name).String(), l.f.Order, b)
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
			return s.Errorf(0, "maps in this section need BTF: compile with -g")
		}
		l.note(NoteNoBTF, "%s", NoteTexts[NoteNoBTF])
		return nil
	}
	b, err := l.f.Bytes(s)
	if err != nil {
		return err
	}
	l.types, err = btf.Parse(bytes.Clone(b), btf.Options{Order: l.f.Order})
	if err != nil {
		return err
	}
	if err := l.types.Validate(); err != nil {
		return err
	}
	if s := l.parts.ext; s != nil {
		b, err := l.f.Bytes(s)
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
		names[s.Name] = true
	}
	return func(name string) bool { return names[name] }
}

// sortExt puts records into the order of instructions, where a compiler did not.
func sortExt(e *btf.Ext) {
	for i := range e.Sections {
		s := &e.Sections[i]
		sortSlots(s.Funcs, func(x *btf.FuncInfoAt) uint32 { return x.Slot })
		sortSlots(s.Lines, func(x *btf.LineInfoAt) uint32 { return x.Slot })
		sortSlots(s.Relos, func(x *btf.CoreReloAt) uint32 { return x.Slot })
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

// tagsOf returns the tags of a whole variable or function, in the order of the types.
func (l *loader) tagsOf(id btf.ID) []typeTag {
	i, _ := slices.BinarySearchFunc(l.tags, id, func(t typeTag, id btf.ID) int { return cmp.Compare(t.typ, id) })
	n := i
	for n < len(l.tags) && l.tags[n].typ == id {
		n++
	}
	return l.tags[i:n]
}

// mapTags returns the tags of the variable that a map is.
func (l *loader) mapTags(id btf.ID) []string {
	var out []string
	for _, t := range l.tagsOf(id) {
		out = append(out, t.tag)
	}
	return out
}

// datasec returns the BTF of a section, or nil.
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
