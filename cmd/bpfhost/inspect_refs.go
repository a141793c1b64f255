package main

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// refDoc says that one thing refers to another: what relocations of the object file, and numbers of
// helpers, come to.
type refDoc struct {
	From string `json:"from"` // "program" or "map"
	Name string `json:"name"`
	Kind string `json:"kind"` // of what is referred to
	To   string `json:"to"`
	// Count is how many instructions or entries refer to it.
	Count int `json:"count"`
}

// The kinds of things that are referred to.
var refKinds = map[asm.RefKind]string{
	asm.RefFunc: "function", asm.RefMap: "map", asm.RefMapValue: "map_value", asm.RefVar: "variable",
	asm.RefKfunc: "kfunc", asm.RefKsym: "ksym", asm.RefTable: "jump_table",
}

const (
	refHelper  = "helper"
	refProgram = "program"
	refMap     = "map"
)

// listRefs lists what refers to what, in order of place, each pair once.
func listRefs(c *spec.Collection) []refDoc {
	refs := tally[refDoc]{list: []refDoc{}, at: make(map[refDoc]int)}
	count := func(d *refDoc) { d.Count++ }
	for _, p := range c.Programs {
		for _, in := range p.Insns.All() {
			if kind, to := refOf(&in.Insn); kind != "" {
				refs.add(refDoc{From: refProgram, Name: p.Name, Kind: kind, To: to}, count)
			}
		}
	}
	for _, m := range c.Maps {
		kind := refMap
		if m.Type == spec.MapProgArray || m.Type == spec.MapStructOps {
			kind = refProgram
		}
		for _, v := range m.Values {
			refs.add(refDoc{From: refMap, Name: m.Name, Kind: kind, To: v.Name}, count)
		}
	}
	return refs.list
}

// refOf says what an instruction refers to; an empty kind is nothing.
func refOf(in *asm.Insn) (kind, to string) {
	if in.Op == asm.OpCall && in.Src == 0 && in.Ref == asm.RefNone {
		return refHelper, asm.Helper(in.Imm).String()
	}
	return refKinds[in.Ref], in.Symbol
}

// coreDoc is a CO-RE record: something of which the value depends on the kernel's types.
type coreDoc struct {
	Program string `json:"program"`
	Kind    string `json:"kind"`    // as libbpf names it, e.g. "byte_off"
	Type    string `json:"type"`    // root type in C
	Path    string `json:"path"`    // "comm[3]", or an enumerator; empty is the type itself
	Outcome string `json:"outcome"` // what it comes to for --kernel; empty without
	Count   int    `json:"count"`   // instructions
}

// listCore lists the CO-RE records of all programs, each once for a program, and what they come to for the types of a
// kernel if there are some.
func listCore(c *spec.Collection, kernel *btf.Types) []coreDoc {
	outcomes := make(map[btf.CoreRelo]string)
	if kernel != nil {
		fixups, _ := c.CoreFixups(btf.Target{Name: "the types given", Types: kernel}) // without types there is nothing to say
		for _, f := range fixups {
			outcomes[f.Relo] = f.Outcome()
		}
	}
	core := tally[coreDoc]{list: []coreDoc{}, at: make(map[coreDoc]int)}
	for _, p := range c.Programs {
		for _, in := range p.Insns.All() {
			if r := in.Core; r != nil {
				d := newCoreDoc(p.Name, *r, c.BTF)
				d.Outcome = outcomes[*r]
				core.add(d, func(d *coreDoc) { d.Count++ })
			}
		}
	}
	return core.list
}

// newCoreDoc describes a record. One that the object's own types do not bear out is shown as it is.
func newCoreDoc(program string, r btf.CoreRelo, types *btf.Types) coreDoc {
	d := coreDoc{Program: program, Kind: r.Kind.String(), Path: r.Access}
	if types == nil {
		return d
	}
	if root, path, err := types.CorePath(r); err == nil {
		d.Type, d.Path = root, path
	}
	return d
}

// tally counts what is there several times.
type tally[T comparable] struct {
	list []T
	at   map[T]int // by what it is without its count
}

func (t *tally[T]) add(v T, count func(*T)) {
	i, ok := t.at[v]
	if !ok {
		i = len(t.list)
		t.at[v] = i
		t.list = append(t.list, v)
	}
	count(&t.list[i])
}
