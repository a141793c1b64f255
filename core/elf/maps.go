package elf

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// errMap says that the BTF of a map definition is not what it should be.
var errMap = errors.New("malformed map definition")

// mapReader reads BTF-defined maps. The struct that is the type of the variable has a member for
// each attribute; the types of the members are the values
// (__uint, __type, __array, __ulong of libbpf's bpf_helpers.h).
type mapReader struct {
	l       *loader
	section *section
	data    []byte
	symbols map[string]uint32
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

// readMaps reads .maps.
func (l *loader) readMaps() error {
	s := l.parts.maps
	n := len(l.parts.data)
	if s != nil {
		n += len(l.symbols.of(s))
	}
	n = min(n, maxRoom)
	l.mapAt, l.mapNames = make(map[location]*spec.Map, n), make(map[string]bool, n)
	l.newMaps.free = make([]spec.Map, n)
	if s == nil {
		return l.readDeclared()
	}
	data, err := l.f.bytes(s)
	if err != nil {
		return err
	}
	sec, _, err := l.datasec(s.name)
	if err != nil {
		return err
	}
	if sec == nil {
		if len(data) == 0 {
			return nil
		}
		return s.fail(0, "BTF has no section of that name")
	}
	r := &mapReader{l: l, section: s, data: data, symbols: make(map[string]uint32, min(len(sec.Vars), maxRoom))}
	for _, i := range l.symbols.of(s) {
		if sym := &l.f.symbols[i]; sym.typ != symbolSection {
			r.symbols[sym.name] = i
		}
	}
	for _, v := range sec.Vars {
		if err := r.read(v); err != nil {
			return err
		}
	}
	l.valueArrays = r.values
	return nil
}

// read reads the definition of one map.
func (r *mapReader) read(v btf.SecVar) error {
	t, err := r.l.types.Type(v.Type)
	if err != nil {
		return err
	}
	decl, ok := t.(*btf.Var)
	if !ok {
		return r.section.fail(0, "BTF type %d is a %v, not a variable", v.Type, t.Kind())
	}
	name := show(decl.Name)
	i, ok := r.symbols[decl.Name]
	if !ok {
		if decl.Linkage == btf.LinkExtern {
			return r.extern(decl.Name)
		}
		return r.section.fail(0, "map %q has no symbol", name)
	}
	sym, _, err := r.l.f.check(i)
	if err != nil {
		return err
	}
	if decl.Linkage == btf.LinkStatic || sym.bind == bindLocal {
		return r.section.fail(sym.value, "map %q is static: remove the keyword", name)
	}
	if r.l.hasMap(decl.Name) {
		return r.section.fail(sym.value, "second map named %q", name)
	}
	m := r.l.newMaps.next()
	*m = spec.Map{Name: decl.Name, Section: r.section.name, Tags: r.l.mapTags(v.Type)}
	d := mapDef{r: r, m: m, at: sym.value, depth: 0}
	if err := d.read(decl.Type); err != nil {
		return r.section.fail(sym.value, "map %q: %w", name, err)
	}
	if err := d.checkZero(); err != nil {
		return r.section.fail(sym.value, "map %q: %w", name, err)
	}
	return r.l.addMap(m, r.section, sym.value)
}

// extern accepts the declaration of a map that another section of this object defines. One of another
// object has to be linked in first; the lenient rule leaves that to Collection.Check.
func (r *mapReader) extern(name string) error {
	for i := range r.l.f.symbols {
		if s := &r.l.f.symbols[i]; s.name == name && s.defined() && s.bind != bindLocal {
			return nil
		}
	}
	if r.l.o.Lenient {
		r.l.declare(name)
		return nil
	}
	return r.section.fail(0, "map %q is defined in another object: link them", show(name))
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
func (l *loader) declare(name string) {
	if l.declared == nil {
		l.declared = make(map[string]bool)
	}
	l.declared[name] = true
}

// addMap adds a map and remembers where it is defined.
func (l *loader) addMap(m *spec.Map, s *section, at uint64) error {
	place := location{s.index, at}
	if other := l.mapAt[place]; other != nil {
		return s.fail(at, "maps %q and %q are at the same place", show(other.Name), show(m.Name))
	}
	l.mapAt[place] = m
	l.mapNames[m.Name] = true
	l.c.Maps = append(l.c.Maps, m)
	return nil
}

func (l *loader) hasMap(name string) bool { return l.mapNames[name] }

// mapDef is one definition: that of a map or of the inner maps of one.
type mapDef struct {
	r       *mapReader
	m       *spec.Map
	at      uint64 // offset in the section
	depth   int
	members []btf.Member
	size    uint32 // of the struct

	hasKey, hasValueSize bool // the members say so
}

// read reads all members and applies the rules for sizes.
func (d *mapDef) read(id btf.ID) error {
	t, err := d.r.l.types.Type(d.r.l.types.Strip(id))
	if err != nil {
		return err
	}
	s, ok := t.(*btf.Struct)
	if !ok || s.Union {
		return fmt.Errorf("%w: its type is %s, not a struct", errMap, d.r.l.types.TypeName(id))
	}
	d.members, d.size = s.Members, s.Size
	for i, m := range s.Members {
		if err := d.member(m, i == len(s.Members)-1); err != nil {
			return fmt.Errorf("%w: member %q: %w", errMap, show(m.Name), err)
		}
	}
	if d.m.Type == 0 {
		return fmt.Errorf("%w: member \"type\" is missing", errMap)
	}
	d.defaults()
	return nil
}

// attribute is a member whose value is a number.
type attribute func(m *spec.Map, v uint32)

var attributes = map[string]attribute{
	"type":        func(m *spec.Map, v uint32) { m.Type = spec.MapType(v) },
	"max_entries": func(m *spec.Map, v uint32) { m.MaxEntries = v },
	"map_flags":   func(m *spec.Map, v uint32) { m.Flags |= spec.MapFlags(v) },
	"numa_node":   func(m *spec.Map, v uint32) { m.NUMANode = v; m.Flags |= spec.FlagNUMANode },
}

func (d *mapDef) member(m btf.Member, last bool) error {
	if set, ok := attributes[m.Name]; ok {
		v, err := d.number(m.Type, 32)
		if err == nil {
			set(d.m, uint32(v))
		}
		return err
	}
	switch m.Name {
	case "map_extra":
		v, err := d.number(m.Type, 64)
		d.m.Extra = v
		return err
	case "key_size", "value_size":
		v, err := d.number(m.Type, 32)
		if err != nil {
			return err
		}
		return d.setSize(m.Name == "key_size", uint32(v))
	case "key", "value":
		return d.typed(m)
	case "pinning":
		return d.pinning(m)
	case "values":
		if !last {
			return errors.New("it has to be the last member")
		}
		return d.initial(m)
	}
	return errors.New("unknown attribute")
}

// number reads __uint, a pointer to an array of that many elements, or __ulong, an enum with one
// value.
func (d *mapDef) number(id btf.ID, bits int) (uint64, error) {
	types := d.r.l.types
	t, err := types.Type(types.Strip(id))
	if err != nil {
		return 0, err
	}
	switch t := t.(type) {
	case *btf.Enum:
		if len(t.Values) != 1 {
			return 0, fmt.Errorf("enum has %d values, not one", len(t.Values))
		}
		v := t.Values[0].Value
		if bits == 32 && v > 0xffffffff {
			return 0, fmt.Errorf("value %d has more than 32 bits", v)
		}
		return v, nil
	case *btf.Pointer:
		to, err := types.Type(types.Strip(t.Type))
		if err != nil {
			return 0, err
		}
		if a, ok := to.(*btf.Array); ok {
			return uint64(a.Count), nil
		}
	}
	return 0, fmt.Errorf("%s is neither a pointer to an array nor an enum", types.TypeName(id))
}

// setSize sets the size of key or value; two members that give it have to agree.
func (d *mapDef) setSize(key bool, size uint32) error {
	to, has := &d.m.ValueSize, &d.hasValueSize
	if key {
		to, has = &d.m.KeySize, &d.hasKey
	}
	if *has && *to != size {
		return fmt.Errorf("size %d contradicts %d", size, *to)
	}
	*to, *has = size, true
	return nil
}

// typed reads __type: a pointer to the type of key or value.
func (d *mapDef) typed(m btf.Member) error {
	types := d.r.l.types
	t, err := types.Type(types.Strip(m.Type))
	if err != nil {
		return err
	}
	p, ok := t.(*btf.Pointer)
	if !ok {
		return fmt.Errorf("%s is not a pointer", types.TypeName(m.Type))
	}
	size, err := types.Size(p.Type)
	if err != nil {
		return fmt.Errorf("size of %s: %w", types.TypeName(p.Type), err)
	}
	if m.Name == "key" {
		d.m.Key = p.Type
	} else {
		d.m.Value = p.Type
	}
	return d.setSize(m.Name == "key", size)
}

func (d *mapDef) pinning(m btf.Member) error {
	if d.depth > 0 {
		return errors.New("an inner map cannot be pinned")
	}
	v, err := d.number(m.Type, 32)
	if err != nil {
		return err
	}
	if v > uint64(spec.PinByName) {
		return fmt.Errorf("value %d is neither 0 (none) nor 1 (by name)", v)
	}
	d.m.Pinning = spec.Pinning(v)
	return nil
}

// initial reads __array(values, T): pointers to inner maps or to programs.
func (d *mapDef) initial(m btf.Member) error {
	types := d.r.l.types
	if d.depth > 0 {
		return errors.New("inner maps cannot have inner maps")
	}
	t, err := types.Type(types.Strip(m.Type))
	if err != nil {
		return err
	}
	a, ok := t.(*btf.Array)
	if !ok {
		return fmt.Errorf("%s is not an array", types.TypeName(m.Type))
	}
	t, err = types.Type(types.Strip(a.Type))
	if err != nil {
		return err
	}
	p, ok := t.(*btf.Pointer)
	if !ok {
		return fmt.Errorf("its elements are %s, not pointers", types.TypeName(a.Type))
	}
	to := types.Strip(p.Type)
	isMap := d.m.Type == spec.MapArrayOfMaps || d.m.Type == spec.MapHashOfMaps
	switch kind := types.Kind(to); {
	case kind == btf.KindStruct && isMap:
		d.m.Inner = d.r.l.newMaps.next()
		*d.m.Inner = spec.Map{Name: d.m.Name + ".inner", Section: d.m.Section}
		inner := mapDef{r: d.r, m: d.m.Inner, depth: d.depth + 1}
		if err := inner.read(to); err != nil {
			return err
		}
	case kind == btf.KindFuncProto && d.m.Type == spec.MapProgArray:
	default:
		return fmt.Errorf("a %v cannot be initialised with %s", d.m.Type, types.TypeName(a.Type))
	}
	if err := d.setSize(false, 4); err != nil {
		return err
	}
	if m.Offset%64 != 0 {
		return fmt.Errorf("offset of %d bits is not that of pointers", m.Offset)
	}
	d.r.values = append(d.r.values, valueArray{m: d.m, at: d.at + uint64(m.Offset/8), count: uint64(a.Count)})
	return nil
}

// defaults sets the sizes that a map type leaves no choice about.
func (d *mapDef) defaults() {
	m := d.m
	switch m.Type {
	case spec.MapArrayOfMaps, spec.MapHashOfMaps:
		if !d.hasValueSize {
			m.ValueSize = 4
		}
	case spec.MapPerfEventArray: // a type only documents what is sent
		if !d.hasKey || m.Key != 0 {
			m.KeySize = 4
		}
		if !d.hasValueSize || m.Value != 0 {
			m.ValueSize = 4
		}
	case spec.MapProgArray, spec.MapCgroupArray:
		if !d.hasKey {
			m.KeySize = 4
		}
		if !d.hasValueSize {
			m.ValueSize = 4
		}
	case spec.MapRingbuf, spec.MapUserRingbuf, spec.MapArena:
		m.KeySize, m.ValueSize = 0, 0 // a type only documents what is in it
	}
}

// checkZero refuses bytes in the definition that are not zero: an initialiser that means nothing.
func (d *mapDef) checkZero() error {
	end := d.at + uint64(d.size)
	if end > uint64(len(d.r.data)) {
		return fmt.Errorf("%w: its %d bytes do not fit the section", errMap, d.size)
	}
	b := d.r.data[d.at:end]
	at := bytes.IndexFunc(b, func(r rune) bool { return r != 0 })
	if at < 0 {
		return nil
	}
	name := ""
	for _, m := range d.members {
		if uint64(m.Offset/8) <= uint64(at) {
			name = m.Name
		}
	}
	return fmt.Errorf("%w: member %q is initialised", errMap, show(name))
}
