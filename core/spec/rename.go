package spec

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// RenameProgram renames a program and updates what refers to it: attachments, initial
// values of program arrays, and its own entry function with the calls to it.
func (c *Collection) RenameProgram(from, to string) error {
	p := c.Program(from)
	if p == nil {
		return fmt.Errorf("rename program %s: no such program", show(from))
	}
	if err := checkName(to); err != nil {
		return fmt.Errorf("rename program %s: %w", show(from), err)
	}
	if from == to {
		return nil
	}
	if c.Program(to) != nil {
		return fmt.Errorf("rename program %s: program %s exists already", show(from), show(to))
	}
	if err := p.renameEntry(to); err != nil {
		return fmt.Errorf("rename program %s: %w", show(from), err)
	}
	p.Name = to
	for i := range c.Attach {
		if c.Attach[i].Program == from {
			c.Attach[i].Program = to
		}
	}
	for _, m := range c.Maps {
		if !m.Type.HoldsMaps() {
			m.renameValues(from, to)
		}
	}
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
	p.Insns.renameRefs(p.Name, to, asm.RefFunc, asm.RefFunc)
	return nil
}

// RenameMap renames a map and updates what refers to it: instructions, variables and
// initial values of maps of maps.
func (c *Collection) RenameMap(from, to string) error {
	m := c.Map(from)
	if m == nil {
		return fmt.Errorf("rename map %s: no such map", show(from))
	}
	if err := checkName(to); err != nil {
		return fmt.Errorf("rename map %s: %w", show(from), err)
	}
	if from == to {
		return nil
	}
	if c.Map(to) != nil {
		return fmt.Errorf("rename map %s: map %s exists already", show(from), show(to))
	}
	m.Name = to
	c.renameRefs(from, to, asm.RefMap, asm.RefMapValue)
	for _, v := range c.Vars {
		if v.Map == from {
			v.Map = to
		}
	}
	for _, o := range c.Maps {
		if o.Type.HoldsMaps() {
			o.renameValues(from, to)
		}
	}
	return nil
}

// RenameVar renames a variable and updates the instructions that refer to it. Its name
// in the BTF stays.
func (c *Collection) RenameVar(from, to string) error {
	v := c.Var(from)
	if v == nil {
		return fmt.Errorf("rename variable %s: no such variable", show(from))
	}
	if err := checkName(to); err != nil {
		return fmt.Errorf("rename variable %s: %w", show(from), err)
	}
	if from == to {
		return nil
	}
	if c.Var(to) != nil {
		return fmt.Errorf("rename variable %s: variable %s exists already", show(from), show(to))
	}
	v.Name = to
	c.renameRefs(from, to, asm.RefVar, asm.RefVar)
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
	p.Insns.renameRefs(from, to, asm.RefFunc, asm.RefFunc)
	return nil
}

func (c *Collection) renameRefs(from, to string, a, b asm.RefKind) {
	for _, p := range c.Programs {
		p.Insns.renameRefs(from, to, a, b)
	}
}

// renameRefs renames what instructions refer to by references of two kinds.
func (c *Insns) renameRefs(from, to string, a, b asm.RefKind) {
	var at []int
	if c.rope != nil {
		at = slices.Collect(c.rope.referring(from, a, b))
	} else {
		for i, r := range c.each() {
			if r.Symbol == from && (r.Ref == a || r.Ref == b) {
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
