package main

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
)

// tryPrograms loads each program alone, unloads it, and notes what the kernel said. It returns the first
// refusal of a program that is not optional.
func (d *featuresDoc) tryPrograms(k *kernel.Kernel, c *spec.Collection) error {
	var first error
	for _, p := range c.Programs {
		try := tryDoc{Name: p.Name, Type: p.Type.String(), Result: "loaded"}
		loaded, err := loader.Load(alone(c, p), loader.Options{Kernel: k, Programs: []string{p.Name}})
		if err != nil {
			try.Result, try.Detail = "refused", err.Error()
			if first == nil && !p.Optional {
				first = fmt.Errorf("try %s: %w", d.File, err)
			}
		} else {
			loaded.Close()
		}
		d.Programs = append(d.Programs, try)
	}
	return first
}

// alone returns a collection with one of the programs, and with the maps as they are when the others are
// not there: nothing is pinned, and arrays and instances have no other programs.
func alone(c *spec.Collection, p *spec.Program) *spec.Collection {
	n := c.Clone()
	n.Attach = nil
	n.Programs = slices.DeleteFunc(n.Programs, func(q *spec.Program) bool { return q.Name != p.Name })
	for _, m := range n.Maps {
		m.Pinning = spec.PinNone
		m.Values = slices.DeleteFunc(slices.Clone(m.Values), func(v spec.MapValue) bool { return v.Name != p.Name && c.Program(v.Name) != nil })
	}
	return n
}
