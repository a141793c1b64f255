// Package mapdef reads BTF-defined maps: the struct that is the type of the variable has a member
// for each attribute, and the types of the members are the values (__uint, __type, __array, __ulong
// of libbpf's bpf_helpers.h).
package mapdef

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// errDefinition says that the BTF of a map definition is not what it should be.
var errDefinition = errors.New("malformed map definition")

// Def is what a definition says beside the attributes of the map.
type Def struct {
	Members []btf.Member // of the struct
	Size    uint32       // of the struct, in bytes
	Wrapped bool         // the struct is the only member of another one

	HasValues bool   // there is an array of initial values
	Values    uint64 // offset in bytes of its first pointer in the struct
	Count     uint64 // how many pointers it has; 0 is any number
}

// Read reads the attributes of a map, and of its inner maps, from the type of the variable that
// defines it. Name and section of the map are set by the caller. What Pinning says may be a number that
// means nothing.
func Read(types *btf.Types, id btf.ID, m *spec.Map) (Def, error) {
	d := definition{types: types, m: m}
	err := d.read(id)
	return d.def, err
}

// CheckZero refuses a definition with bytes that are not zero: an initialiser that means nothing. Initial
// values may have some, which are added to what their relocations point to. The definition is at the
// start of data.
func (d *Def) CheckZero(data []byte) error {
	if uint64(d.Size) > uint64(len(data)) {
		return fmt.Errorf("%w: its %d bytes do not fit the section", errDefinition, d.Size)
	}
	data = data[:d.Size]
	if d.HasValues {
		data = data[:min(d.Values, uint64(len(data)))] // they are the last member
	}
	at := slices.IndexFunc(data, func(b byte) bool { return b != 0 })
	if at < 0 {
		return nil
	}
	name := ""
	for _, m := range d.Members {
		if uint64(m.Offset/8) <= uint64(at) {
			name = m.Name
		}
	}
	return fmt.Errorf("%w: member %q is initialised", errDefinition, object.Show(name))
}

// definition is the reading of one: that of a map or of the inner maps of one.
type definition struct {
	types *btf.Types
	m     *spec.Map
	depth int
	def   Def

	hasKey, hasValueSize bool // the members say so
}

// read reads all members and applies the rules for sizes.
func (d *definition) read(id btf.ID) error {
	s, err := d.structure(id)
	if err != nil {
		return err
	}
	if inner, ok := d.wrapped(s); ok {
		s, d.def.Wrapped = inner, true
	}
	d.def.Members, d.def.Size = s.Members, s.Size
	for i, m := range s.Members {
		if err := d.member(m, i == len(s.Members)-1); err != nil {
			return fmt.Errorf("%w: member %q: %w", errDefinition, object.Show(m.Name), err)
		}
	}
	if d.m.Type == 0 {
		return fmt.Errorf("%w: member \"type\" is missing", errDefinition)
	}
	d.defaults()
	return nil
}

// structure returns the struct that a type is, through typedefs and modifiers.
func (d *definition) structure(id btf.ID) (*btf.Struct, error) {
	t, err := d.types.Type(d.types.Strip(id))
	if err != nil {
		return nil, err
	}
	s, ok := t.(*btf.Struct)
	if !ok || s.Union {
		return nil, fmt.Errorf("%w: its type is %s, not a struct", errDefinition, d.types.TypeName(id))
	}
	return s, nil
}

// maxWrappers is how many structs a definition may be in, one in the other: languages without
// variables that change put one around what others may write, and their libraries another.
const maxWrappers = 4

// wrapped returns the definition in a struct that has no other member.
func (d *definition) wrapped(s *btf.Struct) (*btf.Struct, bool) {
	found := false
	for range maxWrappers {
		if len(s.Members) != 1 {
			break
		}
		inner, err := d.structure(s.Members[0].Type)
		if err != nil || inner.Size != s.Size {
			break
		}
		s, found = inner, true
	}
	return s, found
}

// attribute is a member whose value is a number.
type attribute func(m *spec.Map, v uint32)

var attributes = map[string]attribute{
	"type":        func(m *spec.Map, v uint32) { m.Type = spec.MapType(v) },
	"max_entries": func(m *spec.Map, v uint32) { m.MaxEntries = v },
	"map_flags":   func(m *spec.Map, v uint32) { m.Flags |= spec.MapFlags(v) },
	"numa_node":   func(m *spec.Map, v uint32) { m.NUMANode = v; m.Flags |= spec.FlagNUMANode },
}

func (d *definition) member(m btf.Member, last bool) error {
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
func (d *definition) number(id btf.ID, bits int) (uint64, error) {
	types := d.types
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

// setSize sets the size of key or value; two members that set it have to agree.
func (d *definition) setSize(key bool, size uint32) error {
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
func (d *definition) typed(m btf.Member) error {
	types := d.types
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

func (d *definition) pinning(m btf.Member) error {
	if d.depth > 0 {
		return errors.New("an inner map cannot be pinned")
	}
	v, err := d.number(m.Type, 32)
	if err != nil {
		return err
	}
	d.m.Pinning = spec.Pinning(v)
	return nil
}

// initial reads __array(values, T): pointers to inner maps or to programs.
func (d *definition) initial(m btf.Member) error {
	types := d.types
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
		d.m.Inner = &spec.Map{Name: d.m.Name + ".inner", Section: d.m.Section}
		inner := definition{types: d.types, m: d.m.Inner, depth: d.depth + 1}
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
	d.def.HasValues, d.def.Values, d.def.Count = true, uint64(m.Offset/8), uint64(a.Count)
	return nil
}

// defaults sets the sizes that a map type leaves no choice about.
func (d *definition) defaults() {
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
