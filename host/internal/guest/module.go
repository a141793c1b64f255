package guest

import (
	"context"
	"fmt"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Module is code in WebAssembly.
type Module struct {
	Engine *sandbox.Engine
	Wasm   []byte
	Limits sandbox.Limits
}

// Start compiles the module and runs its first code.
func (m Module) Start(ctx context.Context, in *Instance) (Guest, error) {
	g, err := m.Engine.Load(ctx, m.Wasm, sandbox.Options{
		Name:          in.info.Name,
		Limits:        m.Limits,
		HostModule:    abi.Module,
		Imports:       imports(importTable(in.of)),
		Exports:       exportTable(),
		Stdout:        wasi{in.out, abi.StreamOut},
		Stderr:        wasi{in.out, abi.StreamErr},
		UnknownImport: unknownImport,
	})
	if err != nil {
		return nil, err
	}
	in.info.Imports = g.Imports()
	return g, nil
}

// imports are functions in the form of the sandbox.
func imports(table []function) []sandbox.Import {
	out := make([]sandbox.Import, len(table))
	for i, f := range table {
		out[i] = sandbox.Import{
			Name: f.name, Params: f.params, Results: []sandbox.ValueType{sandbox.I32},
			Fn: func(g *sandbox.Guest, s []uint64) { s[0] = uint64(uint32(f.call(g, s))) },
		}
	}
	return out
}

// of returns the instance of the guest that calls. The guest's first code runs before Load returns
// it.
func (in *Instance) of(g Guest) *Instance {
	if in.guest == nil {
		in.guest = g
	}
	return in
}

// exportTable are the hooks in the form of the sandbox.
func exportTable() []sandbox.Export {
	var out []sandbox.Export
	for _, h := range abi.Hooks() {
		e := sandbox.Export{Name: h.Name, Required: h.Required, Results: []sandbox.ValueType{sandbox.I32}}
		for _, p := range h.Params {
			t := sandbox.I32
			if p.Kind == abi.U64 {
				t = sandbox.I64
			}
			e.Params = append(e.Params, t)
		}
		out = append(out, e)
	}
	return out
}

// unknownImport says why a function of the ABI's module is not there.
func unknownImport(name string) error {
	return fmt.Errorf("imports %s.%s, which is not part of version %s of the ABI; it needs a newer bpfhost", abi.Module, quote.Text(name), abi.Current)
}
