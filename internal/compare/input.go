package compare

import (
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// Input is what both programs run on.
type Input struct {
	Name string // for people: "packet 3 of x.pcap"
	vm.Input

	// Make makes the input of a machine, for one that refers to objects in its memory; nil is Input as
	// it is.
	Make func(m *vm.Machine, c *spec.Collection, p *spec.Program) (vm.Input, error)
}

// of returns what the program of a side gets.
func (in *Input) of(s *side) (vm.Input, error) {
	if in.Make == nil {
		return in.Input, nil
	}
	return in.Make(s.m, s.c, s.program)
}
