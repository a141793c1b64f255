package sandbox

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/fuel"
	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
	"github.com/bpfhost/bpfhost/internal/oneline"
)

// pool is a module that is compiled, and the runtime that its guests are in: those that run the same
// module under the same limits. Guests of one pool share code and names of host functions. None of them
// can name another: instances have no names, and modules import from the host alone. What a host
// function does is the guest's that calls it.
type pool struct {
	key     poolKey
	scan    *module.Module
	runtime wazero.Runtime
	code    wazero.CompiledModule
	imports []Import          // that were offered; their functions are those of one guest
	digest  [sha256.Size]byte // of the metered module
	bytes   int               // of the metered module
	users   int               // guarded by Engine.mu
}

// poolKey says what guests have to agree in to share a pool.
type poolKey struct {
	wasm   Digest
	module ModuleLimits
	pages  uint32
	stack  uint32
	host   string
}

// keyOf returns the key of a module that is loaded with options.
func keyOf(wasm []byte, o *Options) poolKey {
	return poolKey{o.DigestOf(wasm), o.Limits.Module, o.Limits.MemoryPages, o.Limits.Stack, o.HostModule}
}

// take returns the pool of that key, if there is one that offers these imports, for one more guest.
func (e *Engine) take(key poolKey, imports []Import) *pool {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.pools[key]
	if p == nil || !slices.EqualFunc(p.imports, imports, sameImport) {
		return nil
	}
	p.users++
	return p
}

// sameImport reports whether two imports differ in what they do at most.
func sameImport(a, b Import) bool {
	return a.Name == b.Name && slices.Equal(a.Params, b.Params) && slices.Equal(a.Results, b.Results)
}

// keep has later loads find a pool, which one guest takes.
func (e *Engine) keep(p *pool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.users = 1
	e.pools[p.key] = p
}

// drop releases a guest of a pool. After its last guest it is closed.
func (e *Engine) drop(p *pool) error {
	e.mu.Lock()
	p.users--
	last := p.users == 0
	if last && e.pools[p.key] == p {
		delete(e.pools, p.key)
	}
	e.mu.Unlock()
	if !last {
		return nil
	}
	err := p.runtime.Close(context.Background())
	if e.code.dir == "" { // the next load would compile again
		e.code.rest(idleCode{p.digest, p.code, p.bytes})
		return err
	}
	return oneline.Join(err, p.code.Close(context.Background()))
}

// bind offers what guests of the pool may import, and no more.
func (p *pool) bind(ctx context.Context, o *Options) error {
	if err := p.bindMeter(ctx); err != nil {
		return err
	}
	p.imports = o.Imports
	used, wasi := map[string]bool{}, false
	for _, im := range p.scan.Imports {
		used[im.Name] = used[im.Name] || im.Module == o.HostModule
		wasi = wasi || im.Module == wasiModule
	}
	b := p.runtime.NewHostModuleBuilder(o.HostModule)
	for i := range o.Imports {
		if im := &o.Imports[i]; used[im.Name] {
			b.NewFunctionBuilder().
				WithGoModuleFunction(hostFunc(i), apiTypes(im.Params), apiTypes(im.Results)).
				Export(im.Name)
		}
	}
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("bind host functions: %w", err)
	}
	if !wasi {
		return nil
	}
	return bindWASI(ctx, p.runtime)
}

// bindMeter offers the import that metered code calls when it used up its fuel or its stack.
func (p *pool) bindMeter(ctx context.Context) error {
	refill := func(ctx context.Context, mod api.Module, _ []uint64) { guestOf(ctx).refill(mod) }
	_, err := p.runtime.NewHostModuleBuilder(fuel.Module).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(refill), nil, nil).Export(fuel.Refill).Instantiate(ctx)
	if err != nil {
		return fmt.Errorf("bind meter: %w", err)
	}
	return nil
}

// guestOf returns the guest whose call a host function is in.
func guestOf(ctx context.Context) *Guest {
	if c, ok := ctx.(*callContext); ok {
		return c.guest
	}
	return ctx.Value(caller{}).(*Guest)
}

// checkedCalls is after how many host calls the deadline is looked at. Each takes fuel, but may take
// longer than its fuel says.
const checkedCalls = 8

// hostFunc wraps import i of the guest that calls with the bookkeeping of a host call.
func hostFunc(i int) api.GoModuleFunc {
	return func(ctx context.Context, mod api.Module, stack []uint64) {
		g := guestOf(ctx)
		if g.mem == nil { // the start function runs before instantiate returns
			g.mem = mod.Memory()
		}
		if g.hostCalls++; g.hostCalls > g.limits.HostCalls {
			g.Abort(&budget.LimitError{Export: g.export, What: "host calls", Used: g.hostCalls, Max: g.limits.HostCalls})
		}
		im := &g.table[i]
		g.inHost = im.Name
		im.Fn(g, stack)
		g.inHost = ""
		if g.hostCalls%checkedCalls == 0 {
			if err := g.call.expired(time.Now()); err != nil {
				g.Abort(err)
			}
		}
	}
}
