package vm

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
)

// facts answers for a kernel that has the version and build options of Options, and nothing else:
// no types, symbols, functions or modules.
type facts struct{ m *Machine }

func (f facts) Version() (uint32, error) { return f.m.options.KernelVersion, nil }

func (f facts) Config(name string) (value string, ok bool, err error) {
	value, ok = f.m.options.Config[name]
	return value, ok, nil
}

func (facts) Symbols(...string) (addrs map[string][]uint64, hidden bool, err error) {
	return nil, false, nil
}

func (facts) Types() (*btf.Types, error) {
	return nil, fmt.Errorf("%w: no functions and variables of a kernel are simulated", ErrNotSupported)
}

func (facts) Modules() ([]string, error) { return nil, nil }

func (facts) ModuleTypes(name string) (*btf.Types, error) {
	return nil, fmt.Errorf("%w: kernel module %q is not simulated", ErrNotSupported, name)
}

// fieldOffset returns where a field of a structure is and its size, as the types that contexts are laid out
// by have it.
func fieldOffset(m *Machine, structure, field string) (off, size uint64, ok bool) {
	types := m.options.CoreTypes
	if types == nil {
		types = m.spec.BTF
	}
	if types == nil {
		return 0, 0, false
	}
	id, err := types.Find(structure, btf.KindStruct)
	if err != nil {
		return 0, 0, false
	}
	t, err := types.Type(id)
	s, _ := t.(*btf.Struct)
	if err != nil || s == nil {
		return 0, 0, false
	}
	for _, f := range s.Members {
		if f.Name == field && f.BitSize == 0 {
			n, err := types.Size(f.Type)
			return uint64(f.Offset / 8), uint64(n), err == nil
		}
	}
	return 0, 0, false
}
