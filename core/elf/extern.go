package elf

import (
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/spec"
)

// externTable is what an object wants from the kernel.
type externTable struct {
	list    []spec.Extern
	index   map[string]int // by name, in list
	kconfig *spec.Map      // kernel configuration values, nil for none
	vars    []*spec.Var    // in kconfig
}

// externReader finds what an object wants from the kernel.
type externReader struct{ *loader }

// read returns the externs. Kernel configuration values become variables of a read-only map that the
// loader fills; the others are referred to by name.
func (l externReader) read() (externTable, error) {
	x := externTable{index: make(map[string]int)}
	weak := make(map[string]bool)
	for i := range l.f.Symbols {
		if s := &l.f.Symbols[i]; s.Section == object.IndexUndef && s.Bind == object.BindWeak {
			weak[s.Name] = true
		}
	}
	if err := l.readKconfig(&x, weak); err != nil {
		return x, err
	}
	d, _, err := l.datasec(object.KsymsSection)
	if err != nil || d == nil {
		return x, err
	}
	for _, v := range d.Vars {
		t, err := l.types.Type(v.Type)
		if err != nil {
			return x, err
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
			return x, object.Errorf(object.KsymsSection, 0, "BTF type %d is a %v, neither a variable nor a function", v.Type, t.Kind())
		}
		e.Weak = weak[e.Name]
		if err := x.add(e, object.KsymsSection); err != nil {
			return x, err
		}
	}
	return x, nil
}

func (x *externTable) add(e spec.Extern, section string) error {
	if _, dup := x.index[e.Name]; dup {
		return object.Errorf(section, 0, "second extern named %q", object.Show(e.Name))
	}
	x.index[e.Name] = len(x.list)
	x.list = append(x.list, e)
	return nil
}

// find returns the extern of that name, or nil.
func (x *externTable) find(name string) *spec.Extern {
	if i, ok := x.index[name]; ok {
		return &x.list[i]
	}
	return nil
}

// readKconfig lays out the values that are wanted, in the order of BTF, each aligned to its size up
// to eight bytes.
func (l externReader) readKconfig(x *externTable, weak map[string]bool) error {
	d, id, err := l.datasec(object.KconfigSection)
	if err != nil || d == nil || len(d.Vars) == 0 {
		return err
	}
	if l.hasMap(object.KconfigSection) {
		return object.Errorf(object.KconfigSection, 0, "second section or map of that name")
	}
	var end uint64
	for _, v := range d.Vars {
		if end, err = l.addKconfig(x, v, weak, end); err != nil {
			return err
		}
	}
	x.kconfig = &spec.Map{
		Name: object.KconfigSection, Section: object.KconfigSection, Type: spec.MapArray,
		KeySize: 4, ValueSize: uint32(end), MaxEntries: 1, Value: id,
		Flags: spec.FlagMmapable | spec.FlagReadOnlyProg, Freeze: true, Data: make([]byte, end),
	}
	return nil
}

// addKconfig adds the variable of one value after those up to end, and returns the new end.
func (l externReader) addKconfig(x *externTable, v btf.SecVar, weak map[string]bool, end uint64) (uint64, error) {
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
	link := spec.LinkGlobal
	if weak[decl.Name] {
		link = spec.LinkWeak
	}
	x.vars = append(x.vars, &spec.Var{
		Name: decl.Name, Section: object.KconfigSection, Map: object.KconfigSection,
		Offset: uint32(at), Size: size, Type: decl.Type, Linkage: link,
	})
	e := spec.Extern{Name: decl.Name, Kind: spec.ExternKconfig, Type: decl.Type, Weak: weak[decl.Name]}
	return end, x.add(e, object.KconfigSection)
}

// maxKconfig bounds the memory of kernel configuration values, whose size only BTF says.
const maxKconfig = 64 << 10
