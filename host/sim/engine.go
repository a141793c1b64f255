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

// Cost implements vm.Engine. Time grows with the square of the size of a function, but slowly; most of it is for
// branches, which are so many a byte.
func (engine) Cost(sizes []int) int64 {
	const start, each, square = 1e6, 5e3, 0.1
	cost := start
	for _, n := range sizes {
		cost += each*float64(n) + square*float64(n)*float64(n)
	}
	return int64(cost)
}

// EngineChoice says how a simulation runs programs.
type EngineChoice uint8

// The ways to run programs. What they do is the same.
const (
	EngineAuto        EngineChoice = iota // compile what runs often
	EngineInterpreter                     // interpret all
	EngineWasm                            // compile all before it runs first
)

// EngineNames are the names of the choices, by their numbers.
var EngineNames = []string{"auto", "interp", "wasm"}

// Options sets the engine of a machine to what was chosen.
func (c EngineChoice) Options(o vm.Options) vm.Options {
	if c != EngineInterpreter {
		o.Engine, o.Eager = NewEngine(), c == EngineWasm
	}
	return o
}
