package lint

import (
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/opt"
)

// Requirements says what several collections ask for together. Code that a CO-RE result, a
// configuration value, a kernel symbol or a constant can keep from being reached is not needed, so
// that kernels without what it uses may do: it counts as optional.
func Requirements(collections ...*spec.Collection) spec.Requirements {
	return spec.RequirementsOf(newSkipped(), collections...)
}

// Features lists what several collections use of what kernels have, and which of it they do without, as
// Requirements does for what not all kernels have.
func Features(collections ...*spec.Collection) []spec.FeatureNeed {
	return spec.FeaturesOf(newSkipped(), collections...)
}

// newSkipped returns the function that tells what of a program kernels may skip.
func newSkipped() func(*spec.Collection, *spec.Program) spec.Skipped {
	memory := make(map[*spec.Collection]*opt.Memory)
	return func(c *spec.Collection, p *spec.Program) spec.Skipped {
		if memory[c] == nil {
			memory[c] = opt.NewMemory(c)
		}
		return skipped(c, p, memory[c])
	}
}

// skipped tells what of a program kernels may skip. What is not certain they do not. Global functions
// count as called: kernels before 6.8 verify all that there are.
func skipped(c *spec.Collection, p *spec.Program, memory *opt.Memory) spec.Skipped {
	if p.Insns.Len() == 0 {
		return nil
	}
	g, err := opt.Graph(p)
	if err != nil {
		return nil
	}
	s := newSeen(memory.Constants(p, g), g, nil)
	called := s.called(unknown, append(globals(c, p), p.Exception)...)
	return func(insn int) bool {
		k := g.BlockOf(insn)
		return !called[g.Blocks[k].Func] || s.reaches(k) == no
	}
}

// globals names the functions of a program that are not static.
func globals(c *spec.Collection, p *spec.Program) []string {
	if c.BTF == nil {
		return nil
	}
	var names []string
	for _, f := range p.Insns.Funcs() {
		if t, err := c.BTF.Type(f.Type); err == nil {
			if t, ok := t.(*btf.Func); ok && t.Linkage == btf.LinkGlobal {
				names = append(names, f.Name)
			}
		}
	}
	return names
}
