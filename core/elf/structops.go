package elf

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// structOps is one instance: a variable in a section of them.
type structOps struct {
	m       *spec.Map
	section *section
	at      uint64
	typ     btf.ID
}

// isStructOps reports whether the section holds instances of struct_ops; those of ".link" are
// registered by a link.
func isStructOps(name string) bool {
	name = strings.TrimPrefix(name, optionalMark)
	return name == ".struct_ops" || name == ".struct_ops.link"
}

// readStructOps makes a map of every variable of these sections.
func (l *loader) readStructOps() error {
	for _, s := range l.parts.structOps {
		if err := l.readStructOpsSection(s); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) readStructOpsSection(s *section) error {
	if s.size == 0 {
		return nil
	}
	data, err := l.f.claim(s)
	if err != nil {
		return err
	}
	if l.types == nil {
		return s.fail(0, "struct_ops need BTF: compile with -g")
	}
	d, _, err := l.datasec(s.name)
	if err != nil {
		return err
	}
	if d == nil {
		return s.fail(0, "BTF has no section of that name")
	}
	symbols := make(map[string]uint32)
	for _, i := range l.symbols.of(s) {
		symbols[l.f.symbols[i].name] = i
	}
	for _, v := range d.Vars {
		if err := l.addStructOps(s, v, data, symbols); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) addStructOps(s *section, v btf.SecVar, data []byte, symbols map[string]uint32) error {
	t, err := l.types.Type(v.Type)
	if err != nil {
		return err
	}
	decl, ok := t.(*btf.Var)
	if !ok {
		return s.fail(0, "BTF type %d is a %v, not a variable", v.Type, t.Kind())
	}
	name := show(decl.Name)
	i, ok := symbols[decl.Name]
	if !ok {
		return s.fail(0, "instance %q has no symbol", name)
	}
	sym, _, err := l.f.check(i)
	if err != nil {
		return err
	}
	id := l.types.Strip(decl.Type)
	st, err := l.types.Type(id)
	if err != nil {
		return err
	}
	def, ok := st.(*btf.Struct)
	if !ok || def.Union {
		return s.fail(sym.value, "instance %q is %s, not a struct", name, l.types.TypeName(decl.Type))
	}
	if def.Size == 0 || uint64(def.Size) > uint64(len(data))-sym.value {
		return s.fail(sym.value, "instance %q has %d bytes, which do not fit the section", name, def.Size)
	}
	if l.hasMap(decl.Name) {
		return s.fail(sym.value, "second map named %q", name)
	}
	m := &spec.Map{
		Name: decl.Name, Section: s.name, Type: spec.MapStructOps, KeySize: 4, ValueSize: def.Size, MaxEntries: 1,
		Value: id, Optional: strings.HasPrefix(s.name, optionalMark), Tags: l.mapTags(v.Type),
		Data: bytes.Clone(data[sym.value : sym.value+uint64(def.Size)]),
	}
	if strings.HasSuffix(s.name, ".link") {
		m.Flags |= spec.FlagLink
	}
	l.structOps = append(l.structOps, &structOps{m: m, section: s, at: sym.value, typ: id})
	return l.addMap(m, s, sym.value)
}

// readMembers reads which programs are members of instances: relocations in their sections.
func (l *loader) readMembers() error {
	l.members = make(map[string]string)
	for _, s := range l.parts.structOps {
		r := l.relocs[s.index]
		if r == nil {
			continue
		}
		relocs, err := l.f.relocations(nil, r)
		if err != nil {
			return err
		}
		for _, r := range relocs {
			if err := l.readMember(s, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loader) readMember(s *section, r reloc) error {
	i := slices.IndexFunc(l.structOps, func(o *structOps) bool {
		return o.section == s && o.at <= r.offset && r.offset-o.at < uint64(o.m.ValueSize)
	})
	if i < 0 {
		return s.fail(r.offset, "address where no instance is")
	}
	o := l.structOps[i]
	if r.typ != relocAbs64 && r.typ != relocLoad64 {
		return s.fail(r.offset, "instance %q: relocation of type %d is not one of data", show(o.m.Name), r.typ)
	}
	sym, _, err := l.f.check(r.symbol)
	if err != nil {
		return err
	}
	at := uint32(r.offset - o.at)
	if at+8 > o.m.ValueSize {
		return s.fail(r.offset, "instance %q: address behind its end", show(o.m.Name))
	}
	fn := l.funcAt(sym.section, sym.value)
	if fn == nil || fn.static() || l.sectionOf(fn).name == ".text" {
		return s.fail(r.offset, "instance %q: %q is no program", show(o.m.Name), show(sym.name))
	}
	if rule, _, _ := l.matchSection(l.sectionOf(fn)); rule.typ != spec.ProgramStructOps {
		return s.fail(r.offset, "instance %q: program %q is of section %s, not struct_ops", show(o.m.Name), show(fn.name()), show(l.sectionOf(fn).name))
	}
	path := l.types.Name(o.typ) + "." + memberAt(l.types, o.typ, at)
	if other, dup := l.members[fn.name()]; dup && other != path {
		return s.fail(r.offset, "program %q is member %q and %q", show(fn.name()), show(other), show(path))
	}
	l.members[fn.name()] = path
	o.m.Values = append(o.m.Values, spec.MapValue{Key: at, Name: fn.name()})
	slices.SortStableFunc(o.m.Values, func(a, b spec.MapValue) int { return cmp.Compare(a.Key, b.Key) })
	return nil
}

// maxMember is how deep the member of an instance may be nested.
const maxMember = 16

// memberAt gives the path of the member at an offset in bytes: "a", or "a.b" for one of a nested
// struct.
func memberAt(t *btf.Types, id btf.ID, at uint32) string {
	path := ""
	for range maxMember {
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
	return path
}
