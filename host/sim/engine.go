package sim

import (
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/core/vm/wasm"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
)

// NewEngine returns an engine that compiles programs of core/vm to machine code, with wazero, for
// vm.Options.Engine. It serves any number of machines.
func NewEngine() vm.Engine { return engine{} }

// engine brings core/vm and the sandbox together.
type engine struct{}

// Open implements vm.Engine.
func (engine) Open(shared []byte, memory func(size uint64) []byte, host func(stack []uint64)) (vm.Modules, error) {
	l, err := sandbox.NewLinked(shared, sandbox.LinkedOptions{
		Shared: wasm.SharedModule, Module: wasm.HostModule, Host: wasm.HostFunction, Entry: wasm.EntryName,
		Memory: memory, Call: host,
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Cost implements vm.Engine. Time grows with the square of the size of a function.
func (engine) Cost(insns []int) int64 {
	const start, each, square = 1e6, 6e3, 16
	cost := int64(start)
	for _, n := range insns {
		cost += int64(n)*each + int64(n)*int64(n)*square
	}
	return cost
}
