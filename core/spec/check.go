package spec

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
)

// maxLicense is the longest license text that the kernel reads, in bytes.
const maxLicense = 127

// Check reports the first thing that is wrong with a collection and can be known without a kernel, as
// a *CheckError: names that are missing, taken twice or lead nowhere, labels that are not defined
// once, jumps that leave their function, sizes that no kernel accepts, a variable outside its
// section.
func (c *Collection) Check() error {
	if all := c.CheckAll(); len(all) > 0 {
		return all[0]
	}
	return nil
}

// CheckAll reports what Check does, of every object the first thing: of the collection, then of
// maps, variables, programs, externs and attachments.
func (c *Collection) CheckAll() []*CheckError {
	k := checker{c: c}
	if len(c.License) > maxLicense || strings.ContainsRune(c.License, 0) {
		k.addf(ObjectCollection, "", "license %s has a NUL or is longer than %d bytes", show(c.License), maxLicense)
	}
	k.names()
	k.maps()
	k.vars()
	k.programs()
	k.externs()
	k.attach()
	return k.checkErrors
}

// checker remembers the names, so that large collections are checked in linear time.
type checker struct {
	c *Collection
	checkErrors
	mapOf  map[string]*Map
	varOf  map[string]*Var
	progOf map[string]*Program
	lately *Map // what mapNamed found last: variables of a section come together

	places placer
}

func (k *checker) mapNamed(name string) *Map {
	if k.lately == nil || k.lately.Name != name {
		k.lately = k.mapOf[name]
	}
	return k.lately
}

// names indexes everything by name and reports names that are missing or taken twice.
func (k *checker) names() {
	k.mapOf = index(k, ObjectMap, k.c.Maps, mapName)
	k.varOf = index(k, ObjectVar, k.c.Vars, varName)
	k.progOf = index(k, ObjectProgram, k.c.Programs, programName)
}

func index[T any](k *checker, kind ObjectKind, list []*T, name func(*T) string) map[string]*T {
	of := make(map[string]*T, len(list))
	for i, o := range list {
		n := name(o)
		switch {
		case n == "":
			k.addf(ObjectCollection, "", "%v %d has no name", kind, i)
		case of[n] != nil:
			k.addf(ObjectCollection, "", "two %ss are named %s", kind, show(n))
		default:
			of[n] = o
		}
	}
	return of
}

func (k *checker) maps() {
	for _, m := range k.c.Maps {
		err := m.check(0)
		if err == nil {
			err = k.values(m)
		}
		if err != nil {
			k.addf(ObjectMap, m.Name, "%w", err)
		}
	}
}

func (k *checker) vars() {
	for _, v := range k.c.Vars {
		m := k.mapNamed(v.Map)
		if m == nil {
			k.addf(ObjectVar, v.Name, "its map %s does not exist", show(v.Map))
		} else if uint64(v.Offset)+uint64(v.Size) > m.window() {
			k.addf(ObjectVar, v.Name, "%d bytes at offset %d are outside the %d of map %s", v.Size, v.Offset, m.window(), show(m.Name))
		}
	}
}

func (k *checker) programs() {
	for _, p := range k.c.Programs {
		if insn, err := k.program(p); err != nil {
			k.checkErrors = append(k.checkErrors, &CheckError{Kind: ObjectProgram, Name: p.Name, Insn: insn, Err: err})
		}
	}
}

// program returns what is wrong with a program and with which of its instructions, -1 for none.
func (k *checker) program(p *Program) (insn int, err error) {
	if p.Type == ProgramUnspec {
		if p.Section != "" {
			return -1, fmt.Errorf("it has no type: section %s names none", show(p.Section))
		}
		return -1, fmt.Errorf("it has no type")
	}
	if p.Insns.Len() == 0 {
		return -1, fmt.Errorf("it has no instructions")
	}
	if err := k.places.read(p); err != nil {
		return -1, err
	}
	if !k.places.funcs[p.Exception] && p.Exception != "" {
		return -1, fmt.Errorf("function %s, called by bpf_throw, is not in the program", show(p.Exception))
	}
	tables, err := p.checkTables(&k.places)
	if err != nil {
		return -1, err
	}
	fn := 0
	for i, in := range p.Insns.each() {
		if in.Func != nil {
			fn = i
		}
		if err := k.ref(p, in, tables, fn); err != nil {
			return i, err
		}
	}
	return -1, nil
}

// ref checks what one instruction, whose function starts at fn, refers to.
func (k *checker) ref(p *Program, in *Insn, tables map[string]*JumpTable, fn int) error {
	switch in.Ref {
	case asm.RefNone, asm.RefKfunc, asm.RefKsym:
		return nil
	case asm.RefLabel:
		at, ok := k.places.of(in.Target)
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
		if !k.places.funcs[in.Symbol] {
			if in.Op == asm.OpCall && strings.HasPrefix(in.Symbol, "bpf_") {
				return fmt.Errorf("%s is neither a helper that is known nor a function of the program; a kernel function is called as kfunc", show(in.Symbol))
			}
			return fmt.Errorf("function %s is not in the program", show(in.Symbol))
		}
		return nil
	case asm.RefMap, asm.RefMapValue:
		m := k.mapNamed(in.Symbol)
		if m == nil {
			return fmt.Errorf("map %s does not exist", show(in.Symbol))
		}
		if in.Ref == asm.RefMapValue && (in.Imm < 0 || in.Imm >= int64(m.window())) {
			return fmt.Errorf("offset %d is outside the %d bytes of map %s", in.Imm, m.window(), show(in.Symbol))
		}
		return nil
	case asm.RefTable:
		return k.tableRef(tables[in.Symbol], in, fn)
	case asm.RefVar:
		v := k.varOf[in.Symbol]
		if v == nil {
			return fmt.Errorf("variable %s does not exist", show(in.Symbol))
		}
		m := k.mapNamed(v.Map)
		if m == nil {
			return fmt.Errorf("map %s of variable %s does not exist", show(v.Map), show(in.Symbol))
		}
		if at := int64(v.Offset) + in.Imm; at < 0 || at >= int64(m.window()) {
			return fmt.Errorf("offset %d of variable %s is outside its map", in.Imm, show(in.Symbol))
		}
		return nil
	}
	return fmt.Errorf("reference of unknown kind %d", uint8(in.Ref))
}

// tableRef is ref for a jump table, which is nil if there is none.
func (k *checker) tableRef(t *JumpTable, in *Insn, fn int) error {
	if t == nil {
		return fmt.Errorf("jump table %s is not in the program", show(in.Symbol))
	}
	at, _ := k.places.of(t.Labels[0])
	switch {
	case at.fn != fn:
		return fmt.Errorf("jump table %s has the places of another function", show(in.Symbol))
	case in.Imm != 0:
		return fmt.Errorf("offset %d behind jump table %s: the kernel takes none", in.Imm, show(in.Symbol))
	}
	return nil
}

// values checks the names of initial values, which may be programs.
func (k *checker) values(m *Map) error {
	for _, v := range m.Values {
		if m.Type.HoldsMaps() {
			if k.mapOf[v.Name] == nil {
				return fmt.Errorf("its initial value, map %s, does not exist", show(v.Name))
			}
		} else if k.progOf[v.Name] == nil {
			return fmt.Errorf("its initial value, program %s, does not exist", show(v.Name))
		}
	}
	return nil
}

func (k *checker) externs() {
	seen := make(map[string]bool, len(k.c.Externs))
	for _, e := range k.c.Externs {
		if seen[e.Name] {
			k.addf(ObjectCollection, "", "two externs are named %s", show(e.Name))
		}
		seen[e.Name] = true
		if e.Kind < ExternKconfig || e.Kind > ExternKfunc {
			k.addf(ObjectExtern, e.Name, "unknown kind %d", uint8(e.Kind))
		}
	}
}

func (k *checker) attach() {
	for _, a := range k.c.Attach {
		if k.progOf[a.Program] == nil {
			k.addf(ObjectAttach, a.Name(), "program %s does not exist", show(a.Program))
		} else if a.Kind == HookNone || a.Kind.Family().Name == "" {
			k.addf(ObjectAttach, a.Name(), "unknown kind %d", uint32(a.Kind))
		} else if _, err := ResolveTarget(k.progOf[a.Program], a); err != nil {
			k.addf(ObjectAttach, a.Name(), "%w", err)
		}
	}
}
