package elfwrite

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// typeWriter makes the types of an object: those of the collection under their numbers, with data
// sections as they are now, followed by what is new.
type typeWriter struct {
	own   bool // the collection has no types
	list  []btf.Type
	secs  map[string]*btf.Datasec
	decls map[string]btf.ID // VAR and FUNC in a data section, by section and name
	u32   btf.ID
}

// openTypes takes over the types of the collection.
func (w *writer) openTypes() error {
	t := &w.types
	t.secs = make(map[string]*btf.Datasec)
	t.decls = make(map[string]btf.ID)
	t.list = []btf.Type{nil}
	if w.c.BTF == nil {
		t.own = true
		return nil
	}
	if w.c.BTF.Base() != nil {
		return fmt.Errorf("%w: its types are split", ErrWrite)
	}
	for id := btf.ID(1); int(id) < w.c.BTF.Len(); id++ {
		typ, err := w.c.BTF.Type(id)
		if err != nil {
			return err
		}
		if d, ok := typ.(*btf.Datasec); ok {
			fresh := &btf.Datasec{Name: d.Name}
			if t.secs[d.Name] == nil {
				t.secs[d.Name] = fresh
			}
			for _, v := range d.Vars {
				t.decls[d.Name+"\x00"+w.c.BTF.Name(v.Type)] = v.Type
			}
			typ = fresh
		}
		t.list = append(t.list, typ)
	}
	return nil
}

// varsOf names the variables that a section had.
func (t *typeWriter) varsOf(section string) []string {
	var names []string
	for key := range t.decls {
		if name, ok := strings.CutPrefix(key, section+"\x00"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (t *typeWriter) add(typ btf.Type) btf.ID {
	t.list = append(t.list, typ)
	return btf.ID(len(t.list) - 1)
}

// place puts a declaration into a section.
func (t *typeWriter) place(section string, v btf.SecVar) {
	d := t.secs[section]
	if d == nil {
		d = &btf.Datasec{Name: section}
		t.secs[section] = d
		t.add(d)
	}
	d.Vars = append(d.Vars, v)
}

// number returns the integer type that arrays are indexed by.
func (t *typeWriter) number() btf.ID {
	if t.u32 == 0 {
		t.u32 = t.add(&btf.Int{Name: "__u32", Size: 4})
	}
	return t.u32
}

// extern declares what the kernel provides.
func (t *typeWriter) extern(e spec.Extern, size uint32) {
	section := object.KsymsSection
	if e.Kind == spec.ExternKconfig {
		section = object.KconfigSection
	}
	id := t.decls[section+"\x00"+e.Name]
	switch {
	case id != 0:
	case e.Kind != spec.ExternKfunc:
		id = t.add(&btf.Var{Name: e.Name, Type: e.Type, Linkage: btf.LinkExtern})
	case e.Type != 0:
		id = e.Type
	default:
		id = t.add(&btf.Func{Name: e.Name, Type: t.add(&btf.FuncProto{}), Linkage: btf.LinkExtern})
	}
	t.place(section, btf.SecVar{Type: id, Size: size})
}

// variables declares the variables of data sections that have types.
func (w *writer) variables() {
	t := &w.types
	for _, v := range w.c.Vars {
		if v.Section == object.KconfigSection || w.m.Named[v.Section] == 0 {
			continue
		}
		id := t.decls[v.Section+"\x00"+v.Name]
		if !t.declares(id, v.Type) {
			id = 0 // that of another one, static too, which has the name
		}
		if id == 0 && v.Type != 0 {
			link := btf.LinkGlobal
			if v.Linkage == spec.LinkStatic {
				link = btf.LinkStatic
			}
			id = t.add(&btf.Var{Name: v.Name, Type: v.Type, Linkage: link})
		}
		if id != 0 {
			t.place(v.Section, btf.SecVar{Type: id, Offset: v.Offset, Size: v.Size})
		}
	}
	for _, name := range []string{"license", "version"} {
		if n := w.m.Named[name]; n != 0 {
			for _, v := range t.varsOf(name) {
				t.place(name, btf.SecVar{Type: t.decls[name+"\x00"+v], Size: uint32(len(w.m.At(n).Data))})
			}
		}
	}
}

// declares reports whether a declaration is that of a variable of the type.
func (t *typeWriter) declares(id, typ btf.ID) bool {
	decl, ok := t.list[id].(*btf.Var)
	return ok && decl.Type == typ
}

// closeTypes writes .BTF and .BTF.ext.
func (w *writer) closeTypes() error {
	w.variables()
	t := &w.types
	for name, d := range t.secs {
		slices.SortStableFunc(d.Vars, func(a, b btf.SecVar) int { return cmp.Compare(a.Offset, b.Offset) })
		if n := w.m.Named[name]; n != 0 {
			d.Size = uint32(w.m.Size(n))
		}
	}
	b := &btf.Builder{Order: w.m.Order()}
	for _, typ := range t.list[1:] {
		if d, ok := typ.(*btf.Datasec); ok && (len(d.Vars) == 0 || t.secs[d.Name] != d) {
			typ = &btf.Const{} // what is in it is gone; the number stays
		}
		b.Add(typ)
	}
	if len(t.list) == 1 {
		return nil
	}
	raw, more, err := b.BytesExt(w.ext)
	if err != nil {
		return err
	}
	if len(w.ext.Sections) == 0 {
		more = nil
	}
	w.m.AddTypes(raw, more)
	return nil
}
