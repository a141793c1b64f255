package elf

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/mapdef"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// mapTable finds the maps of a collection about to be made.
type mapTable struct {
	c        *spec.Collection
	mapAt    map[location]*spec.Map // where maps are defined
	mapNames map[string]bool
	copies   map[string]int  // by name: how many static maps had it before
	declared map[string]bool // maps that another object defines
}

// mapReader reads the definitions of .maps.
type mapReader struct {
	l       *loader
	section *object.Section
	data    []byte
	symbols *object.ByName[uint32]
	values  []valueArray
}

// valueArray is the part of a map definition that holds initial values as relocations.
type valueArray struct {
	m     *spec.Map
	at    uint64 // offset of the first pointer in the section
	count uint64
}

// maxRoom is for how many maps there is room before the first is read: files that are refused take little memory.
const maxRoom = 64

// newMapTable has room for the maps that sections announce.
func (l *loader) newMapTable() mapTable {
	n := len(l.sections.data)
	if s := l.sections.maps; s != nil {
		n += len(l.symbols.of(s))
	}
	n = min(n, maxRoom)
	l.newMaps.free = make([]spec.Map, n)
	return mapTable{c: l.c, mapAt: make(map[location]*spec.Map, n), mapNames: make(map[string]bool, n)}
}

// readMaps reads .maps, and returns where initial values are.
func (l *loader) readMaps() ([]valueArray, error) {
	s := l.sections.maps
	if s == nil {
		return nil, l.readDeclared()
	}
	data, err := l.f.Bytes(s)
	if err != nil {
		return nil, err
	}
	sec, _, err := l.datasec(s.Name)
	if err != nil {
		return nil, err
	}
	if sec == nil {
		if len(data) == 0 {
			return nil, nil
		}
		return nil, s.Errorf(0, "BTF has no section of that name")
	}
	r := &mapReader{l: l, section: s, data: data, symbols: l.namedSymbols(s)}
	for _, v := range sec.Vars {
		if err := r.read(v); err != nil {
			return nil, err
		}
	}
	return r.values, nil
}

// read reads the definition of one map.
func (r *mapReader) read(v btf.SecVar) error {
	t, err := r.l.types.Type(v.Type)
	if err != nil {
		return err
	}
	decl, ok := t.(*btf.Var)
	if !ok {
		return r.section.Errorf(0, "BTF type %d is a %v, not a variable", v.Type, t.Kind())
	}
	name := object.Show(decl.Name)
	i, ok := r.symbols.Find(decl.Name, uint64(v.Offset))
	if !ok {
		if decl.Linkage == btf.LinkExtern {
			return r.extern(decl.Name)
		}
		return r.section.Errorf(0, "map %q has no symbol", name)
	}
	sym, _, err := r.l.f.Symbol(i)
	if err != nil {
		return err
	}
	if decl.Linkage == btf.LinkStatic || sym.Bind == object.BindLocal {
		return r.section.Errorf(sym.Value, "map %q is static: remove the keyword", name)
	}
	if r.l.hasMap(decl.Name) {
		return r.section.Errorf(sym.Value, "second map named %q", name)
	}
	m := r.l.newMaps.next()
	*m = spec.Map{Name: decl.Name, Section: r.section.Name, Tags: r.l.mapTags(v.Type)}
	def, err := mapdef.Read(r.l.types, decl.Type, m)
	if err != nil {
		return r.section.Errorf(sym.Value, "map %q: %w", name, err)
	}
	if err := r.l.checkDefinition(m, def); err != nil {
		return r.section.Errorf(sym.Value, "map %q: %w", name, err)
	}
	if def.HasValues {
		r.values = append(r.values, valueArray{m: m, at: sym.Value + def.Values, count: def.Count})
	}
	if err := def.CheckZero(r.data[sym.Value:]); err != nil {
		return r.section.Errorf(sym.Value, "map %q: %w", name, err)
	}
	return r.l.addMap(m, r.section, sym.Value)
}

// checkDefinition refuses, or leniently notes, what libbpf refuses.
func (l *loader) checkDefinition(m *spec.Map, def mapdef.Def) error {
	if def.Wrapped {
		if !l.o.Lenient {
			return errors.New("its definition is inside another struct")
		}
		l.note(NoteWrapped, "the definition of map %s is inside another struct", m.Name)
	}
	return l.checkPinning(m, "neither 0 (none) nor 1 (by name)")
}

// checkPinning refuses, or leniently notes, a way to pin that is not known.
func (l *loader) checkPinning(m *spec.Map, not string) error {
	if m.Pinning <= spec.PinByName {
		return nil
	}
	if !l.o.Lenient {
		return fmt.Errorf("pinning %d is %s", uint32(m.Pinning), not)
	}
	l.note(NoteValue, "map %s has pinning %s, which is "+not, m.Name, strconv.FormatUint(uint64(m.Pinning), 10))
	return nil
}

// extern accepts the declaration of a map that another section of this object defines. One of another
// object has to be linked in first; the lenient rule leaves that to Collection.Check.
func (r *mapReader) extern(name string) error {
	for i := range r.l.f.Symbols {
		if s := &r.l.f.Symbols[i]; s.Name == name && s.Defined() && s.Bind != object.BindLocal {
			return nil
		}
	}
	if r.l.o.Lenient {
		r.l.declare(name)
		return nil
	}
	return r.section.Errorf(0, "map %q is defined in another object: link them", object.Show(name))
}

// readDeclared finds the maps that BTF declares in an object that defines none.
func (l *loader) readDeclared() error {
	sec, _, err := l.datasec(".maps")
	if err != nil || sec == nil {
		return err
	}
	for _, v := range sec.Vars {
		t, err := l.types.Type(v.Type)
		if err != nil {
			return err
		}
		if decl, ok := t.(*btf.Var); ok && decl.Linkage == btf.LinkExtern {
			l.declare(decl.Name)
		}
	}
	return nil
}

// declare remembers that a name is that of a map.
func (t *mapTable) declare(name string) {
	if t.declared == nil {
		t.declared = make(map[string]bool)
	}
	t.declared[name] = true
}

// addMap adds a map and remembers where it is defined.
func (t *mapTable) addMap(m *spec.Map, s *object.Section, at uint64) error {
	place := location{s.Index, at}
	if other := t.mapAt[place]; other != nil {
		return s.Errorf(at, "maps %q and %q are at the same place", object.Show(other.Name), object.Show(m.Name))
	}
	t.mapAt[place] = m
	t.mapNames[m.Name] = true
	t.c.Maps = append(t.c.Maps, m)
	return nil
}

func (t *mapTable) hasMap(name string) bool { return t.mapNames[name] }

// mapName returns the name of the map that a symbol is. A second static one gets a number, as files that
// were linked from several have them; of global ones there is one.
func (l *loader) mapName(sym *object.Symbol) (string, error) {
	name := sym.Name
	if !l.hasMap(name) {
		return name, nil
	}
	if sym.Bind != object.BindLocal {
		return "", fmt.Errorf("second map named %q", object.Show(name))
	}
	if l.copies == nil {
		l.copies = make(map[string]int)
	}
	for l.hasMap(name) {
		l.copies[sym.Name]++
		name = sym.Name + "." + strconv.Itoa(l.copies[sym.Name]+1)
	}
	l.note(NoteDuplicate, "static map %s has the name of another and is called %s", sym.Name, name)
	return name, nil
}
