package elf

import (
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// readExterns records what the object wants from the kernel. Kernel configuration values become
// variables of a read-only map that the loader fills; the others are referred to by name.
func (l *loader) readExterns() error {
	l.externs = make(map[string]int)
	weak := make(map[string]bool)
	for i := range l.f.Symbols {
		if s := &l.f.Symbols[i]; s.Section == object.IndexUndef && s.Bind == object.BindWeak {
			weak[s.Name] = true
		}
	}
	if err := l.readKconfig(weak); err != nil {
		return err
	}
	d, _, err := l.datasec(object.KsymsSection)
	if err != nil || d == nil {
		return err
	}
	for _, v := range d.Vars {
		t, err := l.types.Type(v.Type)
		if err != nil {
			return err
		}
		e := spec.Extern{}
		switch t := t.(type) {
		case *btf.Var:
			e = spec.Extern{Name: t.Name, Kind: spec.ExternKsym, Type: t.Type}
			if l.types.Strip(t.Type) == 0 {
				e.Type = 0
			}
		case *btf.Func:
			e = spec.Extern{Name: t.Name, Kind: spec.ExternKfunc, Type: v.Type}
		default:
			return object.Errorf(object.KsymsSection, 0, "BTF type %d is a %v, neither a variable nor a function", v.Type, t.Kind())
		}
		e.Weak = weak[e.Name]
		if err := l.addExtern(e, object.KsymsSection); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) addExtern(e spec.Extern, section string) error {
	if _, dup := l.externs[e.Name]; dup {
		return object.Errorf(section, 0, "second extern named %q", object.Show(e.Name))
	}
	l.externs[e.Name] = len(l.c.Externs)
	l.c.Externs = append(l.c.Externs, e)
	return nil
}

// readKconfig lays out the values that are wanted, in the order of BTF, each aligned to its size up
// to eight bytes.
func (l *loader) readKconfig(weak map[string]bool) error {
	d, id, err := l.datasec(object.KconfigSection)
	if err != nil || d == nil || len(d.Vars) == 0 {
		return err
	}
	if l.hasMap(object.KconfigSection) {
		return object.Errorf(object.KconfigSection, 0, "second section or map of that name")
	}
	var end uint64
	for _, v := range d.Vars {
		if end, err = l.addKconfig(v, weak, end); err != nil {
			return err
		}
	}
	m := &spec.Map{
		Name: object.KconfigSection, Section: object.KconfigSection, Type: spec.MapArray,
		KeySize: 4, ValueSize: uint32(end), MaxEntries: 1, Value: id,
		Flags: spec.FlagMmapable | spec.FlagReadOnlyProg, Freeze: true, Data: make([]byte, end),
	}
	l.mapNames[m.Name] = true
	l.c.Maps = append(l.c.Maps, m)
	return nil
}

// addKconfig adds the variable of one value after those up to end, and returns the new end.
func (l *loader) addKconfig(v btf.SecVar, weak map[string]bool, end uint64) (uint64, error) {
	t, err := l.types.Type(v.Type)
	if err != nil {
		return 0, err
	}
	decl, ok := t.(*btf.Var)
	if !ok {
		return 0, object.Errorf(object.KconfigSection, 0, "BTF type %d is a %v, not a variable", v.Type, t.Kind())
	}
	size, err := l.types.Size(decl.Type)
	if err != nil || size == 0 {
		return 0, object.Errorf(object.KconfigSection, 0, "variable %q has no size", object.Show(decl.Name))
	}
	align := uint64(1)
	for align < 8 && align < uint64(size) {
		align *= 2
	}
	at := (end + align - 1) &^ (align - 1)
	end = at + uint64(size)
	if end > maxKconfig {
		return 0, object.Errorf(object.KconfigSection, 0, "variables have more than %d bytes", maxKconfig)
	}
	if l.varNames[decl.Name] {
		return 0, object.Errorf(object.KconfigSection, 0, "second variable named %q", object.Show(decl.Name))
	}
	l.varNames[decl.Name] = true
	link := spec.LinkGlobal
	if weak[decl.Name] {
		link = spec.LinkWeak
	}
	l.c.Vars = append(l.c.Vars, &spec.Var{
		Name: decl.Name, Section: object.KconfigSection, Map: object.KconfigSection,
		Offset: uint32(at), Size: size, Type: decl.Type, Linkage: link,
	})
	e := spec.Extern{Name: decl.Name, Kind: spec.ExternKconfig, Type: decl.Type, Weak: weak[decl.Name]}
	return end, l.addExtern(e, object.KconfigSection)
}

// maxKconfig bounds the memory of kernel configuration values, whose size only BTF says.
const maxKconfig = 64 << 10
