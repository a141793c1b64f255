package main

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/report"
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
	refs, at := []refDoc{}, make(map[refDoc]int) // by what it is without its count
	count := func(r refDoc) {
		i, ok := at[r]
		if !ok {
			i = len(refs)
			at[r] = i
			refs = append(refs, r)
		}
		refs[i].Count++
	}
	for _, p := range c.Programs {
		for _, in := range p.Insns.All() {
			if kind, to := refOf(&in.Insn); kind != "" {
				count(refDoc{From: refProgram, Name: p.Name, Kind: kind, To: to})
			}
		}
	}
	for _, m := range c.Maps {
		kind := refMap
		if m.Type == spec.MapProgArray || m.Type == spec.MapStructOps {
			kind = refProgram
		}
		for _, v := range m.Values {
			count(refDoc{From: refMap, Name: m.Name, Kind: kind, To: v.Name})
		}
	}
	return refs
}

// refOf says what an instruction refers to; an empty kind is nothing.
func refOf(in *asm.Insn) (kind, to string) {
	if in.Op == asm.OpCall && in.Src == 0 && in.Ref == asm.RefNone {
		return refHelper, asm.Helper(in.Imm).String()
	}
	return refKinds[in.Ref], in.Symbol
}

// listCore lists the CO-RE relocations of all programs, each once for a program, with their results
// if the types of a kernel are known.
func listCore(c *spec.Collection, kernel *btf.Types) []report.CoreRelo {
	results := make(map[btf.CoreRelo]spec.CoreResult)
	if kernel != nil {
		list, _ := c.CoreResults(btf.Target{Name: "the types given", Types: kernel}) // without types there is no result
		for _, f := range list {
			results[f.Relo] = f
		}
	}
	core := []report.CoreRelo{}
	for _, p := range c.Programs {
		at := make(map[btf.CoreRelo]int)
		for i, in := range p.Insns.All() {
			if in.Core == nil {
				continue
			}
			if n, ok := at[*in.Core]; ok {
				core[n].Count++
				continue
			}
			at[*in.Core] = len(core)
			d := report.NewCoreRelo(p.Name, i, *in.Core, c.BTF)
			if f, ok := results[*in.Core]; ok {
				d.SetResult(f)
			}
			core = append(core, d)
		}
	}
	return core
}
