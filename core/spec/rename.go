package spec

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// RenameProgram renames a program and updates what refers to it: attachments, initial
// values of program arrays, and its own entry function with the calls to it. An [Index] renames
// many things in less time, as with RenameMap and RenameVar.
func (c *Collection) RenameProgram(from, to string) error { return NewIndex(c).RenameProgram(from, to) }

// RenameMap renames a map and updates what refers to it: instructions, variables and
// initial values of maps of maps.
func (c *Collection) RenameMap(from, to string) error { return NewIndex(c).RenameMap(from, to) }

// RenameVar renames a variable and updates the instructions that refer to it. Its name
// in the BTF stays. A configuration value keeps its name, by which the kernel is asked for it.
func (c *Collection) RenameVar(from, to string) error { return NewIndex(c).RenameVar(from, to) }

// RenameProgram is [Collection.RenameProgram].
func (x *Index) RenameProgram(from, to string) error {
	p := x.Program(from)
	if p == nil {
		return fmt.Errorf("rename program %s: no such program", show(from))
	}
	if err := checkName(to); err != nil {
		return fmt.Errorf("rename program %s: %w", show(from), err)
	}
	if from == to {
		return nil
	}
	if x.Program(to) != nil {
		return fmt.Errorf("rename program %s: program %s exists already", show(from), show(to))
	}
	if err := p.renameEntry(to); err != nil {
		return fmt.Errorf("rename program %s: %w", show(from), err)
	}
	p.Name = to
	x.programs.renamed(from, p)
	x.renameAttach(from, to)
	x.renameValues(from, to, false)
	return nil
}

// renameEntry renames the entry function when it is called as the program is.
func (p *Program) renameEntry(to string) error {
	if p.Insns.Len() == 0 {
		return nil
	}
	entry := p.Insns.At(0)
	if entry.Func == nil || entry.Func.Name != p.Name {
		return nil
	}
	if p.FindFunc(to) >= 0 {
		return fmt.Errorf("the program has a function %s already", show(to))
	}
	f := *entry.Func
	f.Name = to
	entry.Func = &f
	p.Insns.Set(0, entry)
	p.Insns.renameRefs(p.Name, to, asm.RefFunc)
	return nil
}

// RenameMap is [Collection.RenameMap].
func (x *Index) RenameMap(from, to string) error {
	m := x.Map(from)
	if m == nil {
		return fmt.Errorf("rename map %s: no such map", show(from))
	}
	if err := checkName(to); err != nil {
		return fmt.Errorf("rename map %s: %w", show(from), err)
	}
	if from == to {
		return nil
	}
	if x.Map(to) != nil {
		return fmt.Errorf("rename map %s: map %s exists already", show(from), show(to))
	}
	m.Name = to
	x.maps.renamed(from, m)
	x.renameInsns(symbol{ObjectMap, from}, symbol{ObjectMap, to}, asm.RefMap, asm.RefMapValue)
	u := x.used()
	for _, v := range u.variable[from] {
		v.Map = to
	}
	move(u.variable, from, to)
	x.renameValues(from, to, true)
	return nil
}

// RenameVar is [Collection.RenameVar].
func (x *Index) RenameVar(from, to string) error {
	v := x.Var(from)
	if v == nil {
		return fmt.Errorf("rename variable %s: no such variable", show(from))
	}
	if err := checkName(to); err != nil {
		return fmt.Errorf("rename variable %s: %w", show(from), err)
	}
	if from == to {
		return nil
	}
	if x.Var(to) != nil {
		return fmt.Errorf("rename variable %s: variable %s exists already", show(from), show(to))
	}
	for _, name := range []string{from, to} {
		if e := x.Extern(name); e != nil && e.Kind == ExternKconfig {
			return fmt.Errorf("rename variable %s: %s is a configuration value, which the kernel knows by that name", show(from), show(name))
		}
	}
	v.Name = to
	x.vars.renamed(from, v)
	x.renameInsns(symbol{ObjectVar, from}, symbol{ObjectVar, to}, asm.RefVar)
	return nil
}

// RenameFunc renames a function inside the program and updates the calls to it. The
// name in its BTF type stays.
func (p *Program) RenameFunc(from, to string) error {
	at := p.FindFunc(from)
	if at < 0 {
		return fmt.Errorf("rename function %s: program %s has no such function", show(from), show(p.Name))
	}
	if err := checkName(to); err != nil {
		return fmt.Errorf("rename function %s: %w", show(from), err)
	}
	if from != to && p.FindFunc(to) >= 0 {
		return fmt.Errorf("rename function %s: program %s has a function %s already", show(from), show(p.Name), show(to))
	}
	in := p.Insns.At(at)
	in.Func = &btf.FuncInfo{Name: to, Type: in.Func.Type}
	p.Insns.Set(at, in)
	if p.Exception == from {
		p.Exception = to
	}
	p.Insns.renameRefs(from, to, asm.RefFunc)
	return nil
}

// renameRefs renames what instructions refer to by references of some kinds.
func (c *Insns) renameRefs(from, to string, kinds ...asm.RefKind) {
	var at []int
	if c.rope != nil {
		at = slices.Collect(c.rope.referring(from, kinds...))
	} else {
		for i, r := range c.each() {
			if r.Symbol == from && slices.Contains(kinds, r.Ref) {
				at = append(at, i)
			}
		}
	}
	if len(at) > 0 {
		c.thread()
		*c = Insns{rope: c.rope.update(at, func(in *Insn) { in.Symbol = to })}
	}
}

func (m *Map) renameValues(from, to string) {
	for i := range m.Values {
		if m.Values[i].Name == from {
			m.Values[i].Name = to
		}
	}
}
