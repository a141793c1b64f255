package guest

import (
	"context"
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/isolate"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Module is code in WebAssembly.
type Module struct {
	Engine   *sandbox.Engine
	Launcher *isolate.Launcher // starts a process for it; nil has it run in this one, in Engine
	Wasm     []byte
	Digest   sandbox.Digest // of Wasm
	Limits   sandbox.Limits

	// InProcess is asked, where the system does not allow what Launcher does, whether the module may
	// run in this process instead. nil says no.
	InProcess func(error) bool
}

// Start compiles the module and runs its first code.
func (m Module) Start(ctx context.Context, in *Instance) (Guest, error) {
	table := importTable(in.of)
	o := sandbox.Options{
		Name:          in.info.Name,
		Digest:        m.Digest,
		Limits:        m.Limits,
		HostModule:    abi.Module,
		Imports:       imports(table),
		Exports:       exportTable(),
		Stdout:        wasi{in.out, abi.StreamOut},
		Stderr:        wasi{in.out, abi.StreamErr},
		UnknownImport: unknownImport,
	}
	if m.Launcher != nil {
		g, err := m.Launcher.Load(ctx, m.Wasm, isolate.Options{Options: o, Calls: calls(table)})
		if err == nil {
			in.info.Imports = g.Imports()
			return g, nil
		}
		if m.InProcess == nil || !errors.Is(err, isolate.ErrNotSupported) || !m.InProcess(err) {
			return nil, err
		}
	}
	g, err := m.Engine.Load(ctx, m.Wasm, o)
	if err != nil {
		return nil, err
	}
	in.info.Imports = g.Imports()
	return g, nil
}

// Process says what keeps the guest in a separate process, and whether it has one.
func (in *Instance) Process() (isolate.Isolation, bool) {
	g, has := in.guest.(*isolate.Guest)
	if !has {
		return isolate.Isolation{}, false
	}
	return g.Isolation(), true
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

// calls are functions in the form of a guest in a separate process.
func calls(table []function) []func(*isolate.Guest, []uint64) {
	out := make([]func(*isolate.Guest, []uint64), len(table))
	for i, f := range table {
		out[i] = func(g *isolate.Guest, s []uint64) { s[0] = uint64(uint32(f.call(g, s))) }
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
