package sandbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/fuel"
	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
)

// Options describe one guest and what it gets.
type Options struct {
	Name       string // the guest's first argument; empty is none
	Limits     Limits
	HostModule string   // module name of Imports, e.g. "bpfhost_v1"
	Imports    []Import // all that may be imported of HostModule
	Exports    []Export // all that may be called

	// Stdout and Stderr receive what the guest writes through WASI; nil discards it. They must not
	// block.
	Stdout, Stderr io.Writer

	// UnknownImport may return a better reason for a name of HostModule that is not in Imports; nil
	// keeps the default one.
	UnknownImport func(name string) error
}

// Load checks a module, compiles it, instantiates it and runs its start function and _initialize.
//
// The error is *Reject for a module that was refused, *Trap or *budget.LimitError for one that failed in its
// first code, or wraps the cause of ctx.
func (e *Engine) Load(ctx context.Context, wasm []byte, o Options) (*Guest, error) {
	if err := e.begin(); err != nil {
		return nil, err
	}
	defer e.loading.Done()
	o.Limits = o.Limits.withDefaults()
	scan, err := module.Scan(wasm, o.Limits.Module)
	if err != nil {
		return nil, &Reject{Reason: err.Error(), Err: err}
	}
	if err := check(wasm, scan, &o); err != nil {
		return nil, err
	}
	metered, err := fuel.Rewrite(wasm, scan, o.Limits.Stack/8)
	if err != nil {
		return nil, reject("%v", err)
	}
	return e.loadScanned(ctx, metered, scan, &o)
}

// loadScanned loads a module that passed the scan and is metered.
func (e *Engine) loadScanned(ctx context.Context, wasm []byte, scan *module.Module, o *Options) (*Guest, error) {
	g := &Guest{engine: e, limits: o.Limits, hooks: map[string]*hook{}, turn: make(chan struct{}, 1)}
	g.call.guest = g
	for i := range scan.Imports {
		g.imports = append(g.imports, scan.Imports[i].Module+"."+scan.Imports[i].Name)
	}
	g.digest = sha256.Sum256(wasm)
	g.runtime = newRuntime(o.Limits, e.code.of(g.digest))
	e.add(g)
	if err := g.guardedStart(ctx, wasm, scan, o); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// newRuntime returns a runtime for one guest. Without reference types there is no table.grow; debug
// sections are a second format that nobody here has to read. It does not look at contexts itself:
// metered code asks.
func newRuntime(l Limits, cache wazero.CompilationCache) wazero.Runtime {
	config := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2.SetEnabled(api.CoreFeatureReferenceTypes, false)).
		WithMemoryLimitPages(l.MemoryPages).
		WithCloseOnContextDone(false).
		WithDebugInfoEnabled(false)
	if cache != nil {
		config = config.WithCompilationCache(cache)
	}
	return wazero.NewRuntimeWithConfig(context.Background(), config)
}

// guardedStart is start. Should the runtime itself panic, that is an error of this module.
func (g *Guest) guardedStart(ctx context.Context, wasm []byte, scan *module.Module, o *Options) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = reject("the runtime failed on this module: %s", printable(fmt.Sprint(p)))
		}
	}()
	return g.start(ctx, wasm, scan, o)
}

// start takes a checked module to the point where its hooks can be called.
func (g *Guest) start(ctx context.Context, wasm []byte, scan *module.Module, o *Options) error {
	if err := g.compile(ctx, wasm); err != nil {
		return err
	}
	if err := g.bindMeter(ctx, g.runtime); err != nil {
		return err
	}
	if err := g.bindImports(ctx, scan, o); err != nil {
		return err
	}
	if err := g.instantiate(ctx, scan, o); err != nil {
		return err
	}
	if err := g.bindExports(o.Exports); err != nil {
		return err
	}
	if !g.Has(initialize) {
		return nil
	}
	_, err := g.Call(ctx, initialize, g.limits.Start)
	delete(g.hooks, initialize)
	return err
}

// initialize is the constructor of a reactor module.
const initialize = "_initialize"

// compiled is a module that is ready to be instantiated in its runtime.
type compiled struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
	err     error
}

// compile makes native code of the module, or takes it from the cache. The runtime neither looks at
// a context while it compiles nor promises not to panic on a module that our scan let through, so
// it works on a goroutine of its own. When time is up that goroutine ends later and cleans up
// itself.
func (g *Guest) compile(ctx context.Context, wasm []byte) error {
	began := time.Now()
	timed, cancel := context.WithTimeout(ctx, g.limits.Compile)
	defer cancel()
	done := make(chan compiled)
	go func() {
		unlock := g.engine.lock(g.digest)
		var c compiled
		if timed.Err() == nil {
			c = g.compileNow(timed, wasm)
		}
		unlock()
		select {
		case done <- c:
		case <-timed.Done():
			c.drop()
		}
	}()
	select {
	case c := <-done:
		if c.err != nil {
			return c.err
		}
		if c.code != nil {
			g.runtime, g.code = c.runtime, c.code
			return nil
		}
	case <-timed.Done():
	}
	if ctx.Err() != nil {
		return fmt.Errorf("compile module: %w", context.Cause(ctx))
	}
	return budget.Late("compile", time.Since(began), g.limits.Compile)
}

// compileNow compiles in the guest's runtime. A cache directory that is full or damaged is not a
// reason to refuse a module: it is tried once more without.
func (g *Guest) compileNow(ctx context.Context, wasm []byte) compiled {
	code := g.engine.code
	good, err := code.verify(g.digest)
	c := compiled{runtime: g.runtime}
	if err == nil {
		if c = compileIn(ctx, g.runtime, wasm); c.err == nil {
			code.seal(g.digest, good)
		}
		if c.err == nil || code.dir == "" {
			return c
		}
	}
	fresh := compileIn(ctx, newRuntime(g.limits, nil), wasm)
	if fresh.err != nil {
		fresh.drop()
		c.err = fresh.err
		return c
	}
	g.runtime.Close(ctx)
	return fresh
}

// compileIn compiles, and turns a failure of the compiler itself into an error.
func compileIn(ctx context.Context, r wazero.Runtime, wasm []byte) (c compiled) {
	defer func() {
		if p := recover(); p != nil {
			c = compiled{runtime: r, err: reject("the compiler failed on this module: %s", printable(fmt.Sprint(p)))}
		}
	}()
	code, err := r.CompileModule(ctx, wasm)
	if err != nil {
		return compiled{runtime: r, err: reject("not a valid module: %s", firstLine(err))}
	}
	return compiled{runtime: r, code: code}
}

// drop frees what nobody waits for any more.
func (c compiled) drop() {
	if c.code != nil {
		c.code.Close(context.Background())
	}
	if c.runtime != nil {
		c.runtime.Close(context.Background())
	}
}

// bindImports offers the host functions that the module imports, and no others.
func (g *Guest) bindImports(ctx context.Context, scan *module.Module, o *Options) error {
	used, wasi := map[string]bool{}, false
	for _, im := range scan.Imports {
		used[im.Name] = used[im.Name] || im.Module == o.HostModule
		wasi = wasi || im.Module == wasiModule
	}
	b := g.runtime.NewHostModuleBuilder(o.HostModule)
	for i := range o.Imports {
		if im := &o.Imports[i]; used[im.Name] {
			b.NewFunctionBuilder().
				WithGoModuleFunction(g.hostFunc(im), apiTypes(im.Params), apiTypes(im.Results)).
				Export(im.Name)
		}
	}
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("bind host functions: %w", err)
	}
	if !wasi {
		return nil
	}
	return g.bindWASI(ctx, o)
}

// checkedCalls is after how many host calls the deadline is looked at. Each takes fuel, but may take
// longer than its fuel says.
const checkedCalls = 8

// hostFunc wraps one import with the bookkeeping of a host call.
func (g *Guest) hostFunc(im *Import) api.GoModuleFunc {
	name, fn := im.Name, im.Fn
	return func(_ context.Context, mod api.Module, stack []uint64) {
		if g.mem == nil { // the start function runs before instantiate returns
			g.mem = mod.Memory()
		}
		if g.hostCalls++; g.hostCalls > g.limits.HostCalls {
			g.Abort(&budget.LimitError{Export: g.export, What: "host calls", Used: g.hostCalls, Max: g.limits.HostCalls})
		}
		g.inHost = name
		fn(g, stack)
		g.inHost = ""
		if g.hostCalls%checkedCalls == 0 {
			if err := g.call.expired(time.Now()); err != nil {
				g.Abort(err)
			}
		}
	}
}

// instantiate creates the instance without a name, so that no name can clash, and runs its start
// function.
func (g *Guest) instantiate(ctx context.Context, scan *module.Module, o *Options) error {
	if err := g.enter(ctx, "start", g.limits.Start); err != nil {
		return err
	}
	defer func() { <-g.turn }()
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	if o.Name != "" {
		config = config.WithArgs(o.Name)
	}
	err := g.instantiateIn(&g.call, config)
	if err == nil {
		g.mem = g.mod.Memory()
	} else if runtimeFailed := (*abortion)(nil); !scan.Start && !errors.As(err, &runtimeFailed) {
		err = &abortion{reject("cannot be instantiated: %s", firstLine(err))}
	}
	return g.leave(err)
}

// instantiateIn turns a failure of the runtime itself into an error. The runtime validates less
// than it relies on: v1.12.0 panics on passive element segments, which the scan therefore refuses.
func (g *Guest) instantiateIn(ctx context.Context, config wazero.ModuleConfig) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &abortion{reject("cannot be instantiated: the runtime failed: %s", printable(fmt.Sprint(p)))}
		}
	}()
	g.mod, err = g.runtime.InstantiateModule(ctx, g.code, config)
	return err
}

// bindExports looks up the hooks. Scan has checked their types; the runtime's word is compared with
// it, so that a difference between the two readers cannot confuse a call.
func (g *Guest) bindExports(exports []Export) error {
	all := append([]Export{{Name: initialize}}, exports...)
	for i := range all {
		x := &all[i]
		fn := g.mod.ExportedFunction(x.Name)
		if fn == nil {
			if x.Required {
				return errors.New("bind export " + x.Name + ": the runtime does not know it")
			}
			continue
		}
		def := fn.Definition()
		got := signature(def.ParamTypes(), def.ResultTypes())
		if want := signature(x.Params, x.Results); got != want {
			return fmt.Errorf("bind export %s: the runtime says %s, want %s", x.Name, got, want)
		}
		n := max(len(x.Params), len(x.Results))
		g.hooks[x.Name] = &hook{fn: fn, params: len(x.Params), result: len(x.Results) > 0, stack: make([]uint64, n)}
	}
	return nil
}
