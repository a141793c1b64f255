package spec

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
)

// maxLicense is the longest license text that the kernel reads, in bytes.
const maxLicense = 127

// Check reports the first thing that is wrong with a collection and can be known without a kernel:
// names that are missing, taken twice or lead nowhere, labels that are not defined once, jumps that
// leave their function, sizes that no kernel accepts, a variable outside its section.
func (c *Collection) Check() error {
	if len(c.License) > maxLicense || strings.ContainsRune(c.License, 0) {
		return fmt.Errorf("check license %s: it has a NUL or is longer than %d bytes", show(c.License), maxLicense)
	}
	k := checker{c: c}
	for _, step := range []func() error{k.maps, k.vars, k.programs, k.values, k.externs, k.attach} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// checker remembers the names, so that large collections are checked in linear time.
type checker struct {
	c      *Collection
	mapOf  map[string]*Map
	varOf  map[string]*Var
	progOf map[string]bool
}

func (k *checker) maps() error {
	k.mapOf = make(map[string]*Map, len(k.c.Maps))
	for _, m := range k.c.Maps {
		if m.Name == "" {
			return fmt.Errorf("check maps: one has no name")
		}
		if k.mapOf[m.Name] != nil {
			return fmt.Errorf("check maps: two are named %s", show(m.Name))
		}
		k.mapOf[m.Name] = m
		if err := m.Check(); err != nil {
			return err
		}
	}
	return nil
}

func (k *checker) vars() error {
	k.varOf = make(map[string]*Var, len(k.c.Vars))
	for _, v := range k.c.Vars {
		if v.Name == "" {
			return fmt.Errorf("check variables: one has no name")
		}
		if k.varOf[v.Name] != nil {
			return fmt.Errorf("check variables: two are named %s", show(v.Name))
		}
		k.varOf[v.Name] = v
		m := k.mapOf[v.Map]
		if m == nil {
			return fmt.Errorf("check variable %s: its map %s does not exist", show(v.Name), show(v.Map))
		}
		if uint64(v.Offset)+uint64(v.Size) > m.window() {
			return fmt.Errorf("check variable %s: %d bytes at offset %d are outside the %d of map %s", show(v.Name), v.Size, v.Offset, m.window(), show(m.Name))
		}
	}
	return nil
}

func (k *checker) programs() error {
	k.progOf = make(map[string]bool, len(k.c.Programs))
	for _, p := range k.c.Programs {
		if p.Name == "" {
			return fmt.Errorf("check programs: one has no name")
		}
		if k.progOf[p.Name] {
			return fmt.Errorf("check programs: two are named %s", show(p.Name))
		}
		k.progOf[p.Name] = true
		if err := k.program(p); err != nil {
			return fmt.Errorf("check program %s: %w", show(p.Name), err)
		}
	}
	return nil
}

func (k *checker) program(p *Program) error {
	if p.Type == ProgramUnspec {
		if p.Section != "" {
			return fmt.Errorf("it has no type: section %s stands for none", show(p.Section))
		}
		return fmt.Errorf("it has no type")
	}
	if p.Insns.Len() == 0 {
		return fmt.Errorf("it has no instructions")
	}
	places, funcs, err := p.places()
	if err != nil {
		return err
	}
	if _, ok := funcs[p.Exception]; !ok && p.Exception != "" {
		return fmt.Errorf("function %s, called by bpf_throw, is not in the program", show(p.Exception))
	}
	if err := p.checkTables(places); err != nil {
		return err
	}
	fn := 0
	for i, in := range p.Insns.each() {
		if in.Func != nil {
			fn = i
		}
		if err := k.ref(p, in, places, funcs, fn); err != nil {
			return fmt.Errorf("instruction %d: %w", i, err)
		}
	}
	return nil
}

// place says where a label is: the instruction, and where its function starts.
type place struct{ insn, fn int }

// places finds all labels and functions of the program and refuses duplicates.
func (p *Program) places() (map[asm.Label]place, map[string]int, error) {
	labels := make(map[asm.Label]place)
	funcs := make(map[string]int)
	fn := 0
	for i, m := range p.Insns.marks() {
		if m.fn != nil {
			fn = i
			if _, dup := funcs[m.fn.Name]; dup {
				return nil, nil, fmt.Errorf("function %s is defined twice", show(m.fn.Name))
			}
			funcs[m.fn.Name] = i
		}
		if m.label == 0 {
			continue
		}
		if at, dup := labels[m.label]; dup {
			return nil, nil, fmt.Errorf("label %s is defined at instructions %d and %d", p.labelName(m.label), at.insn, i)
		}
		labels[m.label] = place{insn: i, fn: fn}
	}
	return labels, funcs, nil
}

// ref checks what one instruction, whose function starts at fn, refers to.
func (k *checker) ref(p *Program, in *Insn, labels map[asm.Label]place, funcs map[string]int, fn int) error {
	switch in.Ref {
	case asm.RefNone, asm.RefKfunc, asm.RefKsym:
		return nil
	case asm.RefLabel:
		at, ok := labels[in.Target]
		switch {
		case !ok:
			return fmt.Errorf("label %s is not defined", p.labelName(in.Target))
		case refersToFunc(in.Op) && at.insn != at.fn:
			return fmt.Errorf("label %s, instruction %d, is not the start of a function", p.labelName(in.Target), at.insn)
		case !refersToFunc(in.Op) && at.fn != fn:
			return fmt.Errorf("jump to label %s, instruction %d, leaves its function", p.labelName(in.Target), at.insn)
		}
		return nil
	case asm.RefFunc:
		if _, ok := funcs[in.Symbol]; !ok {
			return fmt.Errorf("function %s is not in the program", show(in.Symbol))
		}
		return nil
	case asm.RefMap, asm.RefMapValue:
		m := k.mapOf[in.Symbol]
		if m == nil {
			return fmt.Errorf("map %s does not exist", show(in.Symbol))
		}
		if in.Ref == asm.RefMapValue && (in.Imm < 0 || in.Imm >= int64(m.window())) {
			return fmt.Errorf("offset %d is outside the %d bytes of map %s", in.Imm, m.window(), show(in.Symbol))
		}
		return nil
	case asm.RefTable:
		t := p.Table(in.Symbol)
		switch {
		case t == nil:
			return fmt.Errorf("jump table %s is not in the program", show(in.Symbol))
		case labels[t.Labels[0]].fn != fn:
			return fmt.Errorf("jump table %s has the places of another function", show(in.Symbol))
		case in.Imm != 0:
			return fmt.Errorf("offset %d behind jump table %s: the kernel takes none", in.Imm, show(in.Symbol))
		}
		return nil
	case asm.RefVar:
		if k.varOf[in.Symbol] == nil {
			return fmt.Errorf("variable %s does not exist", show(in.Symbol))
		}
		v := k.varOf[in.Symbol]
		if at := int64(v.Offset) + in.Imm; at < 0 || at >= int64(k.mapOf[v.Map].window()) {
			return fmt.Errorf("offset %d of variable %s is outside its map", in.Imm, show(in.Symbol))
		}
		return nil
	}
	return fmt.Errorf("reference of unknown kind %d", uint8(in.Ref))
}

// values checks the names of initial values, which may be programs.
func (k *checker) values() error {
	for _, m := range k.c.Maps {
		for _, v := range m.Values {
			if m.Type.HoldsMaps() {
				if k.mapOf[v.Name] == nil {
					return fmt.Errorf("check map %s: its initial value, map %s, does not exist", show(m.Name), show(v.Name))
				}
			} else if !k.progOf[v.Name] {
				return fmt.Errorf("check map %s: its initial value, program %s, does not exist", show(m.Name), show(v.Name))
			}
		}
	}
	return nil
}

func (k *checker) externs() error {
	seen := make(map[string]bool, len(k.c.Externs))
	for _, e := range k.c.Externs {
		if seen[e.Name] {
			return fmt.Errorf("check externs: two are named %s", show(e.Name))
		}
		seen[e.Name] = true
		if e.Kind < ExternKconfig || e.Kind > ExternKfunc {
			return fmt.Errorf("check extern %s: unknown kind %d", show(e.Name), uint8(e.Kind))
		}
	}
	return nil
}

func (k *checker) attach() error {
	for i, a := range k.c.Attach {
		if !k.progOf[a.Program] {
			return fmt.Errorf("check attachment %d: program %s does not exist", i, show(a.Program))
		}
		if a.Kind == HookNone || a.Kind.Family().Name == "" {
			return fmt.Errorf("check attachment %d of program %s: unknown kind %d", i, show(a.Program), uint32(a.Kind))
		}
	}
	return nil
}
