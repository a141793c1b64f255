package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// module is what a Kernel knows of a kernel module.
type module struct {
	types *btf.Types
	unmap func()
	fd    *sys.FD // its BTF object; nil until a program needs it
}

func (m *module) close() {
	if m.unmap != nil {
		m.unmap()
	}
	m.fd.Close()
}

// Modules returns the names of the modules that are loaded and have types (Linux 5.11), sorted.
func (k *Kernel) Modules() ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, fmt.Errorf("list kernel modules: %w", os.ErrClosed)
	}
	names, err := k.listTypes()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list kernel modules: %w", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == vmlinux })
	slices.Sort(names)
	return names, nil
}

// listTypes lists whose types there are.
func (k *Kernel) listTypes() ([]string, error) {
	if k.typesDir == "" {
		return sys.Sysfs.ReadDir(sysTypes)
	}
	files, err := os.ReadDir(k.typesDir)
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names, err
}

// ModuleTypes returns the types of a loaded module, which go on from those that Types returns. They are read when
// they are first asked for and valid until Close; that the module is unloaded meanwhile is not noticed. For a module that
// is not loaded, or has no types, the error wraps ErrNotSupported.
func (k *Kernel) ModuleTypes(name string) (*btf.Types, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m, err := k.module(name)
	if err != nil {
		return nil, fmt.Errorf("read types of kernel module %q: %w", name, err)
	}
	return m.types, nil
}

// module reads the types of a module, once. The lock must be held.
func (k *Kernel) module(name string) (*module, error) {
	base, err := k.ownTypes()
	if err != nil {
		return nil, err
	}
	if m := k.modules[name]; m != nil {
		return m, nil
	}
	if name == vmlinux || !filepath.IsLocal(name) || filepath.Base(name) != name {
		return nil, fmt.Errorf("that is not a module: %w", ErrNotSupported)
	}
	b, unmap, err := k.readTypes(name)
	if errors.Is(err, fs.ErrNotExist) && k.Before(spec.ModuleTypesSince) {
		return nil, fmt.Errorf("modules have no types before Linux %v: %w", spec.ModuleTypesSince, ErrNotSupported)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; see %s: %w", ErrNoModule, k.typesPlace(), ErrNotSupported)
	}
	if err != nil {
		return nil, err
	}
	t, err := btf.Parse(b, btf.Options{Base: base})
	if err != nil {
		unmap()
		return nil, err
	}
	m := &module{types: t, unmap: unmap}
	if k.modules == nil {
		k.modules = make(map[string]*module)
	}
	k.modules[name] = m
	return m, nil
}

// HoldModule returns the descriptor of the BTF object of a module, without which ids of its types mean
// nothing to the kernel. It stays open until release is called, even after Close. To find the object takes
// CAP_SYS_ADMIN once. Errors are those of ModuleTypes, or wrap ErrPermission.
func (k *Kernel) HoldModule(name string) (fd int, release func(), err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m, err := k.module(name)
	if err == nil && m.fd == nil {
		m.fd, err = openModule(name, len(m.types.Bytes()))
	}
	if err != nil {
		return 0, nil, fmt.Errorf("open types of kernel module %q: %w", name, Explain(err, sys.CapSysAdmin.String()))
	}
	if fd, err = m.fd.Acquire(); err != nil {
		return 0, nil, fmt.Errorf("open types of kernel module %q: %w", name, err)
	}
	return fd, m.fd.Release, nil
}

// openModule finds a module's BTF object, of size bytes, among all that are in the kernel.
func openModule(name string, size int) (*sys.FD, error) {
	for id := uint32(0); ; {
		var err error
		if id, err = sys.NextID(sys.BTFs, id); errors.Is(err, sys.ENOENT) {
			return nil, fmt.Errorf("it was unloaded, or loaded again, meanwhile: %w", ErrNotSupported)
		} else if err != nil {
			return nil, err
		}
		fd, err := sys.OpenID(sys.BTFs, id)
		if errors.Is(err, sys.ENOENT) { // it has just gone
			continue
		}
		if err != nil {
			return nil, err
		}
		if _, n, who, err := sys.BTFHeader(fd); err == nil && who == name && int(n) == size {
			return fd, nil
		}
		fd.Close()
	}
}
