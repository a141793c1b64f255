package elf

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
)

// typeTable is what BTF says of an object. The zero value says nothing.
type typeTable struct {
	types     *btf.Types
	ext       *btf.Ext
	tags      []typeTag             // by type
	datasecs  map[string]btf.ID     // by name
	varTypeOf object.ByName[btf.ID] // of one section
}

// readTypes reads .BTF and .BTF.ext. It copies BTF, because types keep the bytes that they come from.
func readTypes(f *object.File, p *sectionIndex, check func() error) (t typeTable, err error) {
	s := p.types
	if s == nil {
		if s := p.maps; s != nil {
			return t, s.Errorf(0, "maps in this section need BTF: compile with -g")
		}
		return t, nil
	}
	b, err := f.Bytes(s)
	if err != nil {
		return t, err
	}
	t.types, err = btf.Parse(bytes.Clone(b), btf.Options{Order: f.Order})
	if err != nil {
		return t, err
	}
	if err := t.types.ValidateWhile(check); err != nil {
		return t, err
	}
	if s := p.ext; s != nil {
		b, err := f.Bytes(s)
		if err != nil {
			return t, err
		}
		o := btf.ExtOptions{Wanted: p.codeNames(), Check: check}
		if t.ext, err = o.Parse(b, t.types); err != nil {
			return t, err
		}
		sortExt(t.ext)
	}
	t.readTags()
	return t, nil
}

// codeNames returns what says whether a name is that of a section with code.
func (p *sectionIndex) codeNames() func(string) bool {
	names := make(map[string]bool, len(p.code))
	for _, s := range p.code {
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
func (t *typeTable) readTags() {
	t.datasecs = make(map[string]btf.ID)
	tags := 0
	for id, kind := range t.types.Kinds() {
		switch kind {
		case btf.KindDatasec:
			if name := t.types.Name(id); t.datasecs[name] == 0 {
				t.datasecs[name] = id
			}
		case btf.KindDeclTag:
			tags++
		}
	}
	if tags == 0 {
		return
	}
	t.tags = make([]typeTag, 0, tags)
	for _, tag := range t.types.DeclTags() {
		if tag.Component < 0 {
			t.tags = append(t.tags, typeTag{tag.Type, tag.Tag})
		}
	}
	slices.SortStableFunc(t.tags, func(a, b typeTag) int { return cmp.Compare(a.typ, b.typ) })
}

// typeTag is a declaration tag and what it is on.
type typeTag struct {
	typ btf.ID
	tag string
}

// tagsOf returns the tags of a whole variable or function, in the order of the types.
func (t *typeTable) tagsOf(id btf.ID) []typeTag {
	i, _ := slices.BinarySearchFunc(t.tags, id, func(t typeTag, id btf.ID) int { return cmp.Compare(t.typ, id) })
	n := i
	for n < len(t.tags) && t.tags[n].typ == id {
		n++
	}
	return t.tags[i:n]
}

// mapTags returns the tags of the variable that a map is.
func (t *typeTable) mapTags(id btf.ID) []string {
	var out []string
	for _, tag := range t.tagsOf(id) {
		out = append(out, tag.tag)
	}
	return out
}

// datasec returns the BTF of a section, or nil.
func (t *typeTable) datasec(name string) (*btf.Datasec, btf.ID, error) {
	id := t.datasecs[name]
	if id == 0 {
		return nil, 0, nil
	}
	typ, err := t.types.Type(id)
	if err != nil {
		return nil, 0, err
	}
	d, _ := typ.(*btf.Datasec)
	return d, id, nil
}

// varTypes returns the types of the variables of a section. They hold until the next call.
func (t *typeTable) varTypes(d *btf.Datasec) (*object.ByName[btf.ID], error) {
	t.varTypeOf.Clear()
	if d == nil {
		return &t.varTypeOf, nil
	}
	for _, v := range d.Vars {
		typ, err := t.types.Type(v.Type)
		if err != nil {
			return nil, err
		}
		if decl, ok := typ.(*btf.Var); ok {
			t.varTypeOf.Add(decl.Name, uint64(v.Offset), decl.Type)
		}
	}
	return &t.varTypeOf, nil
}
