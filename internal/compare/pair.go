package compare

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/nearest"
)

// Pair is two programs that are compared, one of each collection.
type Pair struct{ A, B string }

// String returns the name, or both: "old=new".
func (p Pair) String() string {
	if p.A == p.B {
		return p.A
	}
	return p.A + "=" + p.B
}

// Pairs returns the programs of the same name in two collections, in the order of a, and those that
// only one has. With a choice these are the programs to compare, and nothing else counts; the error
// says which of them a collection does not have.
func Pairs(a, b *spec.Collection, choice []Pair) (pairs []Pair, onlyA, onlyB []string, err error) {
	if len(choice) > 0 {
		for _, p := range choice {
			if a.Program(p.A) == nil {
				return nil, nil, nil, fmt.Errorf("the first has no program %q%s", p.A, nearest.Hint(p.A, programNames(a)))
			}
			if b.Program(p.B) == nil {
				return nil, nil, nil, fmt.Errorf("the second has no program %q%s", p.B, nearest.Hint(p.B, programNames(b)))
			}
		}
		return choice, nil, nil, nil
	}
	for _, p := range a.Programs {
		if b.Program(p.Name) != nil {
			pairs = append(pairs, Pair{p.Name, p.Name})
		} else {
			onlyA = append(onlyA, p.Name)
		}
	}
	for _, p := range b.Programs {
		if a.Program(p.Name) == nil {
			onlyB = append(onlyB, p.Name)
		}
	}
	return pairs, onlyA, onlyB, nil
}

func programNames(c *spec.Collection) []string {
	var names []string
	for _, p := range c.Programs {
		names = append(names, p.Name)
	}
	return names
}

// prepare returns a collection in which one program, under a name, and those that maps hold are loaded,
// and nothing is attached.
func prepare(c *spec.Collection, program, name string) *spec.Collection {
	c = c.Clone()
	c.Attach = nil
	held := map[string]bool{program: true}
	for _, m := range c.Maps {
		for i := range m.Values {
			held[m.Values[i].Name] = true
			if m.Values[i].Name == program {
				m.Values[i].Name = name
			}
		}
	}
	for _, p := range c.Programs {
		p.Optional = !held[p.Name]
	}
	if program != name {
		c.Programs = slices.DeleteFunc(c.Programs, func(p *spec.Program) bool { return p.Name == name })
		c.Program(program).Name = name
	}
	return c
}

// identical reports whether changes leave a program as it is, with the maps, variables and externs that
// it refers to and the programs that these hold.
func identical(c *spec.Collection, program string, changes []spec.Change) bool {
	maps, programs := map[string]bool{}, map[string]bool{}
	var visit func(name string)
	addMap := func(name string) {
		m := c.Map(name)
		if m == nil || maps[name] {
			return
		}
		maps[name] = true
		for _, v := range m.Values {
			maps[v.Name] = true
			visit(v.Name)
		}
	}
	visit = func(name string) {
		p := c.Program(name)
		if p == nil || programs[name] {
			return
		}
		programs[name] = true
		for _, in := range p.Insns.All() {
			switch in.Ref {
			case asm.RefMap, asm.RefMapValue:
				addMap(in.Symbol)
			case asm.RefVar:
				if v := c.Var(in.Symbol); v != nil {
					addMap(v.Map)
				}
			}
		}
	}
	visit(program)
	for _, ch := range changes {
		switch ch.Kind {
		case spec.ObjectMap:
			if maps[ch.Name] {
				return false
			}
		case spec.ObjectVar:
			if v := c.Var(ch.Name); v != nil && maps[v.Map] {
				return false
			}
		case spec.ObjectProgram:
			if programs[ch.Name] {
				return false
			}
		default:
			return false
		}
	}
	return true
}
