package bind

import (
	"fmt"
	"iter"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// vmlinux is the name of the kernel proper among its modules.
const vmlinux = "vmlinux"

// TypeRef is where a function, variable or type of the kernel is described.
type TypeRef struct {
	ID     btf.ID
	Module string // empty is the kernel proper
}

// Finder finds functions, variables and types by their names, in the kernel proper and its modules.
type Finder struct {
	facts  Facts
	note   func(spec.Note)
	broken map[string]bool // modules whose types cannot be read
}

// NewFinder returns a Finder that asks for facts. Modules that have to be left out are noted, once each, as L03.
func NewFinder(f Facts, note func(spec.Note)) *Finder { return &Finder{facts: f, note: note} }

// Find looks for a function, variable or type by its name, or else by its name without flavor: in one module,
// "vmlinux" being the kernel proper, or with an empty name of a module in the kernel proper and then in all modules.
// If there is none, the error wraps ErrNotSupported; others come from the facts.
func (f *Finder) Find(module, name string, kind btf.Kind) (TypeRef, error) {
	if module == "" || module == vmlinux {
		t, err := f.facts.Types()
		if err != nil {
			return TypeRef{}, err
		}
		if id, err := findOwn(t, name, kind); err == nil {
			return TypeRef{ID: id}, nil
		}
	} else {
		t, err := f.facts.ModuleTypes(module)
		if err != nil {
			return TypeRef{}, err
		}
		if id, err := findOwn(t, name, kind); err == nil {
			return TypeRef{id, module}, nil
		}
	}
	if module == "" {
		for module, t := range f.modules() {
			if id, err := findOwn(t, name, kind); err == nil {
				return TypeRef{id, module}, nil
			}
		}
	}
	where := place(module)
	if module == "" && f.typelessModules() {
		where = fmt.Sprintf("this kernel, whose modules have no types before Linux %v", spec.ModuleTypesSince)
	}
	return TypeRef{}, fmt.Errorf("not found in %s: %w", where, ErrNotSupported)
}

// typelessModules reports whether the kernel is too old to describe the types of modules.
func (f *Finder) typelessModules() bool {
	v, err := f.facts.Version()
	return err == nil && spec.VersionOf(v).Compare(spec.ModuleTypesSince) < 0
}

// findOwn looks for a name as it is, and then without its flavor.
func findOwn(t *btf.Types, name string, kind btf.Kind) (btf.ID, error) {
	id, err := t.FindOwn(name, kind)
	if short := btf.Essential(name); err != nil && short != name {
		return t.FindOwn(short, kind)
	}
	return id, err
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

// Types returns the types of a module; an empty name is the kernel proper.
func (f *Finder) Types(module string) (*btf.Types, error) {
	if module == "" {
		return f.facts.Types()
	}
	return f.facts.ModuleTypes(module)
}

// modules returns the types of the modules one after the other. A module whose types cannot be read is left out, with a note:
// it is not what this collection asked for.
func (f *Finder) modules() iter.Seq2[string, *btf.Types] {
	return func(yield func(string, *btf.Types) bool) {
		names, err := f.facts.Modules()
		if err != nil {
			f.skipModules("", err)
		}
		for _, name := range names {
			t, err := f.facts.ModuleTypes(name)
			if err != nil {
				f.skipModules(name, err)
				continue
			}
			if !yield(name, t) {
				return
			}
		}
	}
}

// skipModules notes, once, that a module was left out, or all of them.
func (f *Finder) skipModules(name string, err error) {
	if f.broken[name] {
		return
	}
	if f.broken == nil {
		f.broken = make(map[string]bool)
	}
	f.broken[name] = true
	f.note(spec.Note{Code: "L03", Text: fmt.Sprintf("kernel modules are left out: %v", err)})
}
