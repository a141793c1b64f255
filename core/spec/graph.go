package spec

import "github.com/bpfhost/bpfhost/core/asm/cfg"

// Graph returns the control flow of the program, with the names of its functions. Indices of
// instructions are those of p.Insns. It is out of date when the program changes. The errors are those
// of Code and cfg.New.
func (p *Program) Graph() (*cfg.Graph, error) {
	code, err := p.Code()
	if err != nil {
		return nil, err
	}
	funcs := make(map[int]string)
	for i, m := range p.Insns.marks() {
		if f := m.fn; f != nil {
			funcs[i] = f.Name
		}
	}
	return cfg.New(code, funcs)
}
