package opt

import (
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Graph returns the control flow of a program, with the names of its functions. Indices of
// instructions are those of p.Insns. It is out of date when the program changes. The errors are those
// of Program.Resolve and cfg.New.
func Graph(p *spec.Program) (*cfg.Graph, error) {
	code, err := p.Resolve()
	if err != nil {
		return nil, err
	}
	funcs := make(map[int]string)
	for i, f := range p.Insns.Funcs() {
		funcs[i] = f.Name
	}
	return cfg.New(code, funcs)
}
