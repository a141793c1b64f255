package elf

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// structOps is one instance: a variable in a section of them.
type structOps struct {
	m       *spec.Map
	section *object.Section
	at      uint64
	typ     btf.ID
}

// isStructOps reports whether the section holds instances of struct_ops; those of ".link" are
// registered by a link.
func isStructOps(name string) bool {
	name = strings.TrimPrefix(name, object.OptionalMark)
	return name == ".struct_ops" || name == ".struct_ops.link"
}

// opsReader reads instances of struct_ops.
type opsReader struct{ *loader }

// read makes a map of every variable of these sections.
func (l opsReader) read() ([]*structOps, error) {
	var out []*structOps
	for _, s := range l.sections.structOps {
		var err error
		if out, err = l.readSection(out, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readSection appends the instances of a section.
func (l opsReader) readSection(out []*structOps, s *object.Section) ([]*structOps, error) {
	if s.Size == 0 {
		return out, nil
	}
	data, err := l.f.Claim(s)
	if err != nil {
		return nil, err
	}
	if l.types == nil {
		return nil, s.Errorf(0, "struct_ops need BTF: compile with -g")
	}
	d, _, err := l.datasec(s.Name)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, s.Errorf(0, "BTF has no section of that name")
	}
	symbols := l.namedSymbols(s)
	for _, v := range d.Vars {
		o, err := l.readInstance(s, v, data, symbols)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// readInstance makes a map of one instance.
func (l opsReader) readInstance(s *object.Section, v btf.SecVar, data []byte, symbols *object.ByName[uint32]) (*structOps, error) {
	t, err := l.types.Type(v.Type)
	if err != nil {
		return nil, err
	}
	decl, ok := t.(*btf.Var)
	if !ok {
		return nil, s.Errorf(0, "BTF type %d is a %v, not a variable", v.Type, t.Kind())
	}
	name := object.Show(decl.Name)
	i, ok := symbols.Find(decl.Name, uint64(v.Offset))
	if !ok {
		return nil, s.Errorf(0, "instance %q has no symbol", name)
	}
	sym, _, err := l.f.Symbol(i)
	if err != nil {
		return nil, err
	}
	id := l.types.Strip(decl.Type)
	st, err := l.types.Type(id)
	if err != nil {
		return nil, err
	}
	def, ok := st.(*btf.Struct)
	if !ok || def.Union {
		return nil, s.Errorf(sym.Value, "instance %q is %s, not a struct", name, l.types.TypeName(decl.Type))
	}
	if def.Size == 0 || uint64(def.Size) > uint64(len(data))-sym.Value {
		return nil, s.Errorf(sym.Value, "instance %q has %d bytes, which do not fit the section", name, def.Size)
	}
	unique, err := l.mapName(sym)
	if err != nil {
		return nil, s.Errorf(sym.Value, "%w", err)
	}
	m := &spec.Map{
		Name: unique, Section: s.Name, Type: spec.MapStructOps, KeySize: 4, ValueSize: def.Size, MaxEntries: 1,
		Value: id, Optional: strings.HasPrefix(s.Name, object.OptionalMark), Tags: l.mapTags(v.Type),
		Data: bytes.Clone(data[sym.Value : sym.Value+uint64(def.Size)]),
	}
	if strings.HasSuffix(s.Name, ".link") {
		m.Flags |= spec.FlagLink
	}
	return &structOps{m: m, section: s, at: sym.Value, typ: id}, l.addMap(m, s, sym.Value)
}

// members returns, by program, which member of an instance it is: relocations in their sections.
func (l opsReader) members(instances []*structOps, sections []programSection) (map[string]string, error) {
	members := make(map[string]string)
	places := make(map[*object.Section][]*structOps) // in order
	for _, o := range instances {
		places[o.section] = append(places[o.section], o)
	}
	for _, list := range places {
		slices.SortStableFunc(list, func(a, b *structOps) int { return cmp.Compare(a.at, b.at) })
	}
	bySection := make(map[uint32]*programSection, len(sections))
	for i := range sections {
		bySection[uint32(sections[i].section.Index)] = &sections[i]
	}
	for _, s := range l.sections.structOps {
		r := l.relocs[s.Index]
		if r == nil {
			continue
		}
		relocs, err := l.f.Relocations(nil, r)
		if err != nil {
			return nil, err
		}
		for _, r := range relocs {
			if err := l.o.check(); err != nil {
				return nil, err
			}
			if err := l.member(members, places[s], bySection, s, r); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range instances {
		slices.SortStableFunc(o.m.Values, func(a, b spec.MapValue) int { return cmp.Compare(a.Key, b.Key) })
	}
	return members, nil
}

// member reads one relocation of a section, whose instances are in order.
func (l opsReader) member(members map[string]string, instances []*structOps, sections map[uint32]*programSection, s *object.Section, r object.Reloc) error {
	i, found := slices.BinarySearchFunc(instances, r.Offset, func(o *structOps, at uint64) int { return cmp.Compare(o.at, at) })
	if !found {
		i--
	}
	if i < 0 || r.Offset-instances[i].at >= uint64(instances[i].m.ValueSize) {
		return s.Errorf(r.Offset, "address where no instance is")
	}
	o := instances[i]
	to, err := l.dataTarget(s, r)
	if err != nil {
		return s.Errorf(r.Offset, "instance %q: %w", object.Show(o.m.Name), err)
	}
	at := uint32(r.Offset - o.at)
	if at+8 > o.m.ValueSize {
		return s.Errorf(r.Offset, "instance %q: address after its end", object.Show(o.m.Name))
	}
	clear(o.m.Data[at : at+8])
	name, entry, err := l.programAt(to)
	if err != nil {
		return s.Errorf(r.Offset, "instance %q: %w", object.Show(o.m.Name), err)
	}
	if entry != nil {
		path, err := memberAt(l.types, o.typ, at)
		if err == nil {
			err = addMember(members, sections, entry, l.types.Name(o.typ)+"."+path)
		}
		if err != nil {
			return s.Errorf(r.Offset, "instance %q: %w", object.Show(o.m.Name), err)
		}
	}
	o.m.Values = append(o.m.Values, spec.MapValue{Key: at, Name: name})
	return nil
}

// addMember remembers which member of an instance a program is.
func addMember(members map[string]string, sections map[uint32]*programSection, fn *function, path string) error {
	name := object.Show(fn.name())
	if s := sections[fn.symbol.Section]; s.rule.Type != spec.ProgramStructOps {
		return fmt.Errorf("program %q is of section %s, not struct_ops", name, object.Show(s.section.Name))
	}
	if other, dup := members[fn.name()]; dup && other != path {
		return fmt.Errorf("program %q is member %q and %q", name, object.Show(other), object.Show(path))
	}
	members[fn.name()] = path
	return nil
}

// maxMember is how deep the member of an instance may be nested.
const maxMember = 16

// memberAt returns the path of the member at an offset in bytes: "a", or "a.b" for one of a nested
// struct.
func memberAt(t *btf.Types, id btf.ID, at uint32) (string, error) {
	path := ""
	for depth := 0; ; depth++ {
		typ, err := t.Type(t.Strip(id))
		st, ok := typ.(*btf.Struct)
		if err != nil || !ok {
			break
		}
		best := -1
		for i, m := range st.Members {
			if m.Offset/8 <= at && (best < 0 || m.Offset >= st.Members[best].Offset) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		if depth == maxMember {
			return "", fmt.Errorf("member %q is nested more than %d deep", object.Show(path), maxMember)
		}
		m := st.Members[best]
		if path != "" && m.Name != "" {
			path += "."
		}
		path += m.Name
		at -= m.Offset / 8
		id = m.Type
	}
	if at != 0 {
		path += "+" + strconv.FormatUint(uint64(at), 10)
	}
	return path, nil
}
