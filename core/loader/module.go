package loader

import (
	"fmt"
	"iter"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// vmlinux is the name of the kernel proper among its modules.
const vmlinux = "vmlinux"

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

// moduleFD returns the descriptor of a module's BTF object for the time of the load; 0 for the kernel proper.
func (l *load) moduleFD(module string) (uint32, error) {
	if module == "" {
		return 0, nil
	}
	fd, release, err := l.kernel.HoldModule(module)
	if err != nil {
		return 0, err
	}
	l.always = append(l.always, release)
	return uint32(fd), nil
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
