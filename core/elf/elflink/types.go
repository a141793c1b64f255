package elflink

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/mapdef"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// isMap reports whether a variable is in the section of maps.
func (in *input) isMap(decl btf.ID) bool { return in.sectionOf[decl] == ".maps" }

// agreeMaps checks that two definitions of a map have the same attributes.
func agreeMaps(a, b *global) error {
	there, err := a.in.definition(a.decl)
	if err != nil {
		return fmt.Errorf("map %q in %s: %w", object.Show(a.name), a.in.name, err)
	}
	here, err := b.in.definition(b.decl)
	if err != nil {
		return fmt.Errorf("map %q: %w", object.Show(b.name), err)
	}
	old, now := &spec.Collection{Maps: []*spec.Map{there}}, &spec.Collection{Maps: []*spec.Map{here}}
	for _, c := range spec.Diff(old, now) {
		for _, p := range c.Props {
			return linkError("map %q has %s %q here and %q in %s", object.Show(b.name), p.Name, p.New, p.Old, a.in.name)
		}
	}
	return nil
}

// definition reads a map definition by its BTF alone. Numbers of types are left out, for they mean
// nothing in another object.
func (in *input) definition(decl btf.ID) (*spec.Map, error) {
	t, err := in.types.Type(decl)
	if err != nil {
		return nil, err
	}
	v, ok := t.(*btf.Var)
	if !ok {
		return nil, linkError("BTF type %d is a %v, not a variable", decl, t.Kind())
	}
	m := &spec.Map{Name: v.Name, Section: ".maps"}
	if _, err := mapdef.Read(in.types, v.Type, m); err != nil {
		return nil, err
	}
	for x := m; x != nil; x = x.Inner {
		x.Tags = append(x.Tags, in.types.TypeName(x.Key), in.types.TypeName(x.Value))
		x.Key, x.Value = 0, 0
	}
	return m, nil
}

// addTypes puts the types of all objects into one table, each shared function and variable once,
// and makes .BTF and .BTF.ext of it.
func (k *linker) addTypes() error {
	b := &btf.Builder{Order: k.out.Order()}
	next := btf.ID(1)
	for _, in := range k.inputs {
		next = k.number(in, next)
	}
	if next == 1 {
		return nil
	}
	for _, in := range k.inputs {
		k.bindLosers(in)
	}
	for _, in := range k.inputs {
		if err := k.fill(in, b); err != nil {
			return err
		}
	}
	if err := k.addDatasecs(b); err != nil {
		return err
	}
	types, err := b.Types()
	if err != nil {
		return err
	}
	small, ids, err := types.Dedup()
	if err != nil {
		return err
	}
	ext := k.mergedExt()
	if err := ext.Remap(ids); err != nil {
		return err
	}
	whole := &btf.Builder{Order: k.out.Order()}
	whole.AddAll(small)
	raw, more, err := whole.BytesExt(ext)
	if err != nil {
		return err
	}
	if len(ext.Sections) == 0 {
		more = nil
	}
	k.out.AddTypes(raw, more)
	return nil
}

// number assigns every type of an object its number in the result. Data sections come at the end,
// and shared functions and variables only from the object that settles them.
func (k *linker) number(in *input, next btf.ID) btf.ID {
	if in.types == nil {
		return next
	}
	in.ids = make([]btf.ID, in.types.Len())
	for id, t := range in.types.All() {
		if k.kept(in, id, t) {
			in.ids[id] = next
			next++
		}
	}
	return next
}

// kept reports whether a type goes into the result.
func (k *linker) kept(in *input, id btf.ID, t btf.Type) bool {
	name, isShared := "", false
	switch t := t.(type) {
	case *btf.Datasec:
		return false
	case *btf.Func:
		name, isShared = t.Name, t.Linkage != btf.LinkStatic
	case *btf.Var:
		name, isShared = t.Name, t.Linkage != btf.LinkStatic
	case *btf.DeclTag:
		if target, err := in.types.Type(t.Type); err == nil {
			return k.kept(in, t.Type, target)
		}
	}
	if g := k.globals[name]; isShared && g != nil && g.decl != 0 {
		return g.in == in && g.decl == id
	}
	return true
}

// bindLosers maps functions and variables that lost to those that won.
func (k *linker) bindLosers(in *input) {
	if in.types == nil {
		return
	}
	for name, id := range in.decls {
		if g := k.globals[name]; in.ids[id] == 0 && g != nil && g.decl != 0 {
			in.ids[id] = g.in.ids[g.decl]
		}
	}
}

// fill adds the renumbered types of an object.
func (k *linker) fill(in *input, b *btf.Builder) error {
	if in.types == nil {
		return nil
	}
	to := func(id btf.ID) btf.ID {
		if int(id) < len(in.ids) {
			return in.ids[id]
		}
		return 0
	}
	for id, t := range in.types.All() {
		if !k.kept(in, id, t) {
			continue
		}
		n := renumber(t, to)
		if n == nil {
			return linkError("%s has a type of kind %v, which cannot be renumbered", in.name, t.Kind())
		}
		k.relink(n)
		b.Add(n)
	}
	return nil
}

// relink returns a declaration that another object defines the linkage of a definition.
func (k *linker) relink(t btf.Type) {
	switch t := t.(type) {
	case *btf.Func:
		if g := k.globals[t.Name]; t.Linkage == btf.LinkExtern && g != nil && g.defined {
			t.Linkage = btf.LinkGlobal
		}
	case *btf.Var:
		if g := k.globals[t.Name]; t.Linkage == btf.LinkExtern && g != nil && g.defined {
			t.Linkage = btf.LinkGlobal
		}
	}
}

// addDatasecs makes the data sections anew: what is in the result, at its place there.
func (k *linker) addDatasecs(b *btf.Builder) error {
	var names []string
	sections := make(map[string]*btf.Datasec)
	placed := make(map[btf.ID]bool) // declarations that are in a section
	for _, in := range k.inputs {
		if in.types == nil {
			continue
		}
		places := in.places()
		for _, t := range in.types.All() {
			d, ok := t.(*btf.Datasec)
			if !ok {
				continue
			}
			to := sections[d.Name]
			if to == nil {
				to = &btf.Datasec{Name: d.Name}
				if n := k.out.Named[d.Name]; n != 0 {
					to.Size = uint32(k.out.Size(n))
				}
				sections[d.Name] = to
				names = append(names, d.Name)
			}
			k.addDatasec(in, d, to, places[d.Name], placed)
		}
	}
	for _, name := range names {
		d := sections[name]
		if len(d.Vars) == 0 {
			continue
		}
		slices.SortStableFunc(d.Vars, func(a, b btf.SecVar) int { return cmp.Compare(a.Offset, b.Offset) })
		b.Add(d)
	}
	return nil
}

// places finds the symbols of an object by section, and by name in it. Static ones that were linked
// before may share a name: their offsets tell them apart.
func (in *input) places() map[string]*object.ByName[*object.Symbol] {
	out := make(map[string]*object.ByName[*object.Symbol])
	for i := range in.f.Symbols {
		s := &in.f.Symbols[i]
		if !s.Defined() || uint64(s.Section) >= uint64(len(in.f.Sections)) || s.Type == object.SymbolSection {
			continue
		}
		section := in.f.Sections[s.Section].Name
		if out[section] == nil {
			out[section] = new(object.ByName[*object.Symbol])
		}
		out[section].Add(s.Name, s.Value, s)
	}
	return out
}

func (k *linker) addDatasec(in *input, d, to *btf.Datasec, places *object.ByName[*object.Symbol], placed map[btf.ID]bool) {
	for _, v := range d.Vars {
		id := in.ids[v.Type]
		name := in.types.Name(v.Type)
		if id == 0 || placed[id] {
			continue
		}
		var s *object.Symbol
		if places != nil {
			s, _ = places.Find(name, uint64(v.Offset))
		}
		switch {
		case s != nil && shared(s) && (k.globals[name] == nil || k.globals[name].sym != s):
			continue // lost against another
		case s != nil:
			to.Vars = append(to.Vars, btf.SecVar{Type: id, Offset: uint32(s.Value + in.shift[s.Section]), Size: v.Size})
			placed[id] = true
		case k.globals[name] == nil || !k.globals[name].defined:
			to.Vars = append(to.Vars, btf.SecVar{Type: id, Size: v.Size})
			placed[id] = true
			if to.Size > 0 {
				to.Size = max(to.Size, v.Size) // until another object defines it
			}
		}
	}
}

// mergedExt puts what is known of instructions together.
func (k *linker) mergedExt() *btf.Ext {
	out := &btf.Ext{}
	at := make(map[string]int) // by section: its index in out
	for _, in := range k.inputs {
		if in.ext == nil {
			continue
		}
		shift := make(map[string]uint32)
		for i := range in.f.Sections {
			if s := &in.f.Sections[i]; in.section[i] != 0 && s.IsCode() {
				shift[s.Name] = uint32(in.shift[i] / asm.SlotSize)
			}
		}
		for i := range in.ext.Sections {
			s := &in.ext.Sections[i]
			by, ok := shift[s.Name]
			if !ok {
				continue
			}
			n, there := at[s.Name]
			if !there {
				n = len(out.Sections)
				at[s.Name] = n
				out.Sections = append(out.Sections, btf.ExtSection{Name: s.Name})
			}
			in.appendExt(&out.Sections[n], s, by)
		}
	}
	return out
}

// appendExt adds the records of one section, so many slots further.
func (in *input) appendExt(to, s *btf.ExtSection, by uint32) {
	to.Funcs, to.Lines, to.Relos = slices.Grow(to.Funcs, len(s.Funcs)), slices.Grow(to.Lines, len(s.Lines)), slices.Grow(to.Relos, len(s.Relos))
	for _, f := range s.Funcs {
		f.Slot, f.Type = f.Slot+by, in.ids[f.Type]
		to.Funcs = append(to.Funcs, f)
	}
	for _, l := range s.Lines {
		l.Slot += by
		to.Lines = append(to.Lines, l)
	}
	for _, r := range s.Relos {
		r.Slot, r.Type = r.Slot+by, in.ids[r.Type]
		to.Relos = append(to.Relos, r)
	}
}
