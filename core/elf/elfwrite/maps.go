package elfwrite

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/mapdef"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// addMaps adds .maps and instances of struct_ops.
func (w *writer) addMaps() error {
	for _, m := range w.c.Maps {
		var err error
		switch {
		case m.Type == spec.MapStructOps:
			err = w.addStructOps(m)
		case m.Section == ".maps":
			err = w.addMap(m)
		}
		if err != nil {
			return fmt.Errorf("map %q: %w", object.Show(m.Name), err)
		}
	}
	return nil
}

// addMap adds one definition, the one that the types have if it says the same.
func (w *writer) addMap(m *spec.Map) error {
	t := &w.types
	decl := t.decls[".maps\x00"+m.Name]
	if decl == 0 || !w.sameDefinition(m, decl) {
		def := t.define(m, 0)
		decl = t.add(&btf.Var{Name: m.Name, Type: def, Linkage: btf.LinkGlobal})
		for _, tag := range m.Tags {
			t.add(&btf.DeclTag{Tag: tag, Type: decl, Component: -1})
		}
	}
	w.decls[m.Name] = decl
	n := w.m.Section(".maps", object.SectionProgbits, object.FlagAlloc|object.FlagWrite, 8)
	s := w.m.At(n)
	at := uint64(len(s.Data)+7) &^ 7
	size := w.definitionSize(decl, m)
	s.Data = append(s.Data, make([]byte, at-uint64(len(s.Data))+size)...)
	w.symbols[m.Name] = w.m.AddSymbol(object.OutSymbol{Name: m.Name, Section: n, Value: at, Size: size, Bind: object.BindGlobal, Type: object.SymbolObject})
	t.place(".maps", btf.SecVar{Type: decl, Offset: uint32(at), Size: uint32(size)})
	return nil
}

// sameDefinition reports whether the types define the map as it is.
func (w *writer) sameDefinition(m *spec.Map, decl btf.ID) bool {
	typ, err := w.c.BTF.Type(decl)
	v, ok := typ.(*btf.Var)
	if err != nil || !ok || v.Linkage != btf.LinkGlobal {
		return false
	}
	have := &spec.Map{Name: v.Name, Section: ".maps"}
	if _, err := mapdef.Read(w.c.BTF, v.Type, have); err != nil {
		return false
	}
	want := m.Clone()
	want.Values, want.Tags, want.Data = nil, nil, nil
	return len(spec.Diff(&spec.Collection{Maps: []*spec.Map{want}}, &spec.Collection{Maps: []*spec.Map{have}})) == 0 &&
		(len(m.Values) == 0 || w.valuesAt(decl) > 0)
}

// structOf returns the struct that defines a map.
func (w *writer) structOf(decl btf.ID) *btf.Struct {
	id := decl
	for range 64 {
		switch typ := w.types.list[id].(type) {
		case *btf.Var:
			id = typ.Type
		case *btf.Typedef:
			id = typ.Type
		case *btf.Const:
			id = typ.Type
		case *btf.Volatile:
			id = typ.Type
		case *btf.Struct:
			return typ
		default:
			return nil
		}
		if id == 0 {
			return nil
		}
	}
	return nil
}

// valuesAt returns the offset in bytes of the initial values in a definition, 0 if it has none.
func (w *writer) valuesAt(decl btf.ID) uint64 {
	if s := w.structOf(decl); s != nil && len(s.Members) > 0 {
		if m := s.Members[len(s.Members)-1]; m.Name == "values" {
			return uint64(m.Offset / 8)
		}
	}
	return 0
}

// definitionSize returns the size of a definition in bytes, initial values included.
func (w *writer) definitionSize(decl btf.ID, m *spec.Map) uint64 {
	size := uint64(0)
	if s := w.structOf(decl); s != nil {
		size = uint64(s.Size)
	}
	for _, v := range m.Values {
		size = max(size, w.valuesAt(decl)+8*(uint64(v.Key)+1))
	}
	return size
}

// uint makes the type that encodes a number: a pointer to an array of so many elements.
func (t *typeWriter) uint(n uint32) btf.ID {
	return t.add(&btf.Pointer{Type: t.add(&btf.Array{Type: t.number(), Index: t.number(), Count: n})})
}

// define makes the struct that defines a map.
func (t *typeWriter) define(m *spec.Map, depth int) btf.ID {
	s := &btf.Struct{}
	add := func(name string, typ btf.ID) {
		s.Members = append(s.Members, btf.Member{Name: name, Type: typ, Offset: s.Size * 8})
		s.Size += 8
	}
	add("type", t.uint(uint32(m.Type)))
	if flags := m.Flags &^ spec.FlagNUMANode; flags != 0 {
		add("map_flags", t.uint(uint32(flags)))
	}
	if m.MaxEntries != 0 {
		add("max_entries", t.uint(m.MaxEntries))
	}
	if m.Flags&spec.FlagNUMANode != 0 {
		add("numa_node", t.uint(m.NUMANode))
	}
	switch {
	case m.Extra == 0:
	case m.Extra == uint64(uint32(m.Extra)):
		add("map_extra", t.uint(uint32(m.Extra)))
	default: // old versions of libbpf do not know this form
		add("map_extra", t.add(&btf.Enum{Size: 8, Wide: true, Values: []btf.Enumerator{{Name: "map_extra_value", Value: m.Extra}}}))
	}
	if m.Pinning != 0 {
		add("pinning", t.uint(uint32(m.Pinning)))
	}
	t.sized(add, "key", m.Key, m.KeySize)
	t.sized(add, "value", m.Value, m.ValueSize)
	if depth == 0 && (m.Inner != nil || len(m.Values) > 0) {
		s.Members = append(s.Members, btf.Member{Name: "values", Type: t.values(m), Offset: s.Size * 8})
	}
	return t.add(s)
}

// sized says the type of key or value, or its size.
func (t *typeWriter) sized(add func(string, btf.ID), what string, typ btf.ID, size uint32) {
	switch {
	case typ != 0:
		add(what, t.add(&btf.Pointer{Type: typ}))
	case size != 0:
		add(what+"_size", t.uint(size))
	}
}

// values makes the array of pointers to inner maps or programs.
func (t *typeWriter) values(m *spec.Map) btf.ID {
	to := btf.ID(0)
	if m.Inner != nil {
		to = t.define(m.Inner, 1)
	} else {
		to = t.add(&btf.FuncProto{})
	}
	return t.add(&btf.Array{Type: t.add(&btf.Pointer{Type: to}), Index: t.number()})
}

// addStructOps adds one instance.
func (w *writer) addStructOps(m *spec.Map) error {
	t := &w.types
	decl := t.decls[m.Section+"\x00"+m.Name]
	if decl == 0 {
		if m.Value == 0 {
			return fmt.Errorf("%w: its type is unknown", ErrWrite)
		}
		decl = t.add(&btf.Var{Name: m.Name, Type: m.Value, Linkage: btf.LinkGlobal})
	}
	n := w.m.Section(m.Section, object.SectionProgbits, object.FlagAlloc|object.FlagWrite, 8)
	s := w.m.At(n)
	at := uint64(len(s.Data)+7) &^ 7
	s.Data = append(s.Data, make([]byte, at-uint64(len(s.Data))+uint64(m.ValueSize))...)
	copy(s.Data[at:], m.Data)
	w.symbols[m.Name] = w.m.AddSymbol(object.OutSymbol{Name: m.Name, Section: n, Value: at, Size: uint64(m.ValueSize), Bind: object.BindGlobal, Type: object.SymbolObject})
	t.place(m.Section, btf.SecVar{Type: decl, Offset: uint32(at), Size: m.ValueSize})
	return nil
}

// addValues adds initial values: relocations to maps and programs.
func (w *writer) addValues() error {
	for _, m := range w.c.Maps {
		if len(m.Values) == 0 {
			continue
		}
		n := w.m.Named[m.Section]
		base := w.m.Symbols[w.symbols[m.Name]-1].Value
		step := uint64(1)
		if m.Type != spec.MapStructOps {
			base += w.valuesAt(w.decls[m.Name])
			step = 8
		}
		for _, v := range m.Values {
			r := object.OutReloc{Offset: base + step*uint64(v.Key), Type: object.RelocAbs64, Symbol: w.symbols[v.Name]}
			if m.Type == spec.MapProgArray || m.Type == spec.MapStructOps {
				r.Symbol = 0
				if f := w.funcs[v.Name]; f != nil && f.program != nil {
					r.Symbol = f.symbol
				}
			}
			if r.Symbol == 0 {
				return fmt.Errorf("map %q: initial value %q does not exist", object.Show(m.Name), object.Show(v.Name))
			}
			w.m.At(n).Relocs = append(w.m.At(n).Relocs, r)
		}
	}
	return nil
}
