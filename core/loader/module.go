package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/bpfhost/bpfhost/core/asm"
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
	files, err := os.ReadDir(k.typesDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list kernel modules: %w", err)
	}
	var names []string
	for _, f := range files {
		if f.Name() != vmlinux {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

// ModuleTypes returns the types of a loaded module, which go on from those that Types returns. They are read when they
// are first asked for and good until Close; that the module is unloaded meanwhile is not noticed. A module that is
// not loaded, or has no types, gives an error that wraps ErrNotSupported.
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
		return nil, fmt.Errorf("that is no module: %w", ErrNotSupported)
	}
	b, unmap, err := readBTF(filepath.Join(k.typesDir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("it is not loaded or has no types; see %s: %w", k.typesDir, ErrNotSupported)
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

// moduleFD opens the BTF object of a module: ids of its types mean nothing to the kernel without. It stays open until Close.
func (k *Kernel) moduleFD(name string) (*sys.FD, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m, err := k.module(name)
	if err == nil && m.fd == nil {
		m.fd, err = openModule(name, len(m.types.Bytes()))
	}
	if err != nil {
		return nil, fmt.Errorf("open types of kernel module %q: %w", name, k.explain(err, sys.CapSysAdmin))
	}
	return m.fd, nil
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

// kernelType is a function, variable or type of the kernel: where it is described.
type kernelType struct {
	id     btf.ID
	module string // empty is the kernel proper
}

// find looks for a function, variable or type by its name without flavour: in the kernel proper, then in the modules.
func (l *load) find(name string, kind btf.Kind) (kernelType, error) {
	return l.findIn("", name, kind)
}

// findIn is find for one module; an empty name is any.
func (l *load) findIn(module, name string, kind btf.Kind) (kernelType, error) {
	name = essential(name)
	if module == "" || module == vmlinux {
		t, err := l.kernel.Types()
		if err != nil {
			return kernelType{}, err
		}
		if id, err := t.FindOwn(name, kind); err == nil {
			return kernelType{id: id}, nil
		}
	} else {
		t, err := l.kernel.ModuleTypes(module)
		if err != nil {
			return kernelType{}, err
		}
		if id, err := t.FindOwn(name, kind); err == nil {
			return kernelType{id, module}, nil
		}
	}
	if module == "" {
		for module, t := range l.modules() {
			if id, err := t.FindOwn(name, kind); err == nil {
				return kernelType{id, module}, nil
			}
		}
	}
	return kernelType{}, fmt.Errorf("not found in %s: %w", place(module), ErrNotSupported)
}

// place names where something was looked for.
func place(module string) string {
	switch module {
	case "":
		return "this kernel and its modules"
	case vmlinux:
		return "this kernel without its modules"
	}
	return "kernel module " + module
}

// modules gives the types of the modules one after the other. A module whose types cannot be read is left out, with a note:
// it is not what this collection asked for.
func (l *load) modules() iter.Seq2[string, *btf.Types] {
	return func(yield func(string, *btf.Types) bool) {
		names, err := l.kernel.Modules()
		if err != nil {
			l.skipModules("", err)
		}
		for _, name := range names {
			t, err := l.kernel.ModuleTypes(name)
			if err != nil {
				l.skipModules(name, err)
				continue
			}
			if !yield(name, t) {
				return
			}
		}
	}
}

// skipModules notes, once, that a module was left out, or all of them.
func (l *load) skipModules(name string, err error) {
	if l.broken[name] {
		return
	}
	if l.broken == nil {
		l.broken = make(map[string]bool)
	}
	l.broken[name] = true
	l.out.notes = append(l.out.notes, spec.Note{Code: "L03", Text: fmt.Sprintf("kernel modules are left out: %v", err)})
}

// moduleFD gives the descriptor of a module's BTF object for the time of the load; 0 for the kernel proper.
func (l *load) moduleFD(module string) (uint32, error) {
	if module == "" {
		return 0, nil
	}
	fd, err := l.kernel.moduleFD(module)
	if err != nil {
		return 0, err
	}
	raw, err := fd.Acquire()
	if err != nil {
		return 0, err
	}
	l.always = append(l.always, fd.Release)
	return uint32(raw), nil
}

// linkModules puts what says which module is meant into the code: a descriptor beside the id of a variable, and in
// the call of a function the place of the descriptor in the array that is returned. The first place is not used,
// since it would mean the kernel proper.
func (l *load) linkModules(p *prepared) (array []byte, err error) {
	places := make(map[string]int)
	for _, u := range p.modules {
		fd, err := l.moduleFD(u.module)
		if err != nil {
			return nil, fmt.Errorf("instruction %d: %w", u.insn, err)
		}
		in := &p.code[u.insn]
		if in.Op == asm.OpLoadImm64 {
			in.Imm |= int64(fd) << 32
			continue
		}
		at, ok := places[u.module]
		if !ok {
			if array == nil {
				array = native.AppendUint32(array, 0)
			}
			at = len(array) / 4
			places[u.module] = at
			array = native.AppendUint32(array, fd)
		}
		in.Off = int16(at)
	}
	return array, nil
}
