package spec

import (
	"maps"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// Collection is everything that one object file or one plugin describes. Slices are in object
// order and names are unique within each, so text made from it is the same on every machine.
type Collection struct {
	Order         asm.ByteOrder
	License       string
	KernelVersion uint32 // from a "version" section; 0 is none
	Programs      []*Program
	Maps          []*Map
	Vars          []*Var
	Externs       []Extern
	Attach        []Attach
	BTF           *btf.Types // types that everything above refers to; nil is none
	Notes         []Note
	Hidden        []string // functions that are global in BTF but hidden: the verifier shall treat them as static
}

// Note is something unusual about an input that did not stop it from being read.
type Note struct {
	Code string // stable, e.g. "N07"
	Text string
}

// Program returns the program of that name, or nil.
func (c *Collection) Program(name string) *Program {
	for _, p := range c.Programs {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Map returns the map of that name, or nil.
func (c *Collection) Map(name string) *Map {
	for _, m := range c.Maps {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Var returns the variable of that name, or nil.
func (c *Collection) Var(name string) *Var {
	for _, v := range c.Vars {
		if v.Name == name {
			return v
		}
	}
	return nil
}

// Extern returns the extern of that name, or nil. The pointer is into c.Externs.
func (c *Collection) Extern(name string) *Extern {
	for i := range c.Externs {
		if c.Externs[i].Name == name {
			return &c.Externs[i]
		}
	}
	return nil
}

// Clone returns a copy that shares nothing that may be changed: BTF and what instructions point to
// is shared, because it never changes in place.
func (c *Collection) Clone() *Collection {
	n := *c
	n.Externs = slices.Clone(c.Externs)
	n.Attach = slices.Clone(c.Attach)
	n.Notes = slices.Clone(c.Notes)
	n.Hidden = slices.Clone(c.Hidden)
	n.Programs = clonePrograms(c.Programs)
	n.Vars = cloneVars(c.Vars)
	n.Maps = cloneMaps(c.Maps)
	return &n
}

// clonePrograms copies all programs with one allocation. They share the instructions.
func clonePrograms(ps []*Program) []*Program {
	if ps == nil {
		return nil
	}
	slab := make([]Program, len(ps))
	out := make([]*Program, len(ps))
	for i, p := range ps {
		slab[i] = *p
		slab[i].LabelNames = maps.Clone(p.LabelNames)
		slab[i].Tables = cloneTables(p.Tables)
		out[i] = &slab[i]
	}
	return out
}

// cloneMaps copies all maps with one allocation for the maps and one for all their bytes. Each gets
// a slice without spare capacity, so that appending to one moves it away.
func cloneMaps(ms []*Map) []*Map {
	if ms == nil {
		return nil
	}
	total := 0
	for _, m := range ms {
		total += len(m.Data)
	}
	slab := make([]Map, len(ms))
	data := make([]byte, 0, total)
	out := make([]*Map, len(ms))
	for i, m := range ms {
		out[i] = &slab[i]
		slab[i] = m.cloneRest()
		if m.Data != nil {
			at := len(data)
			data = append(data, m.Data...)
			slab[i].Data = data[at:len(data):len(data)]
		}
	}
	return out
}

func cloneVars(vs []*Var) []*Var {
	if vs == nil {
		return nil
	}
	slab := make([]Var, len(vs))
	out := make([]*Var, len(vs))
	for i, v := range vs {
		slab[i] = *v
		out[i] = &slab[i]
	}
	return out
}
