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
	"github.com/bpfhost/bpfhost/internal/oneline"
)

// Options describe one guest and what it gets.
type Options struct {
	Name       string // the guest's first argument; empty is none
	Digest     Digest // of the module; zero has it computed
	Limits     Limits
	HostModule string   // module name of Imports, e.g. "bpfhost_v1"
	Imports    []Import // all that may be imported of HostModule
	Exports    []Export // all that may be called

	// Stdout and Stderr receive what the guest writes through WASI; nil discards it. They must not
	// block.
	Stdout, Stderr io.Writer

	// Memory provides the guest's memory: all of it at first, and again whenever it grows, with the
	// new size in bytes. It stays where it is; nil refuses to grow. A nil Memory allocates it.
	Memory func(size uint64) []byte

	// Compiled is called once the module is compiled, before any of its code runs; nil is nothing.
	// An error ends Load with it.
	Compiled func() error

	// UnknownImport may return a better reason for a name of HostModule that is not in Imports; nil
	// keeps the default one.
	UnknownImport func(name string) error
}

// Digest is the SHA-256 of a module.
type Digest [sha256.Size]byte

// DigestOf returns the digest of the module that is loaded with the options.
func (o *Options) DigestOf(wasm []byte) Digest {
	if o.Digest != (Digest{}) {
		return o.Digest
	}
	return sha256.Sum256(wasm)
}

// Load checks a module, compiles it, instantiates it and runs its start function and _initialize. What
// another guest of the engine runs already, under the same limits, is neither scanned nor compiled again.
//
// The error is *Reject for a module that was refused, *Trap or *budget.LimitError for one that failed in its
// first code, or wraps the cause of ctx.
func (e *Engine) Load(ctx context.Context, wasm []byte, o Options) (*Guest, error) {
	if err := e.begin(); err != nil {
		return nil, err
	}
	defer e.loading.Done()
	o.Limits = o.Limits.WithDefaults()
	key := keyOf(wasm, &o)
	if p := e.take(key, o.Imports); p != nil {
		if err := check(p.scan, &o); err != nil {
			return nil, oneline.Join(err, e.drop(p))
		}
		return e.startGuest(ctx, p, &o)
	}
	scan, err := scanned(wasm, &o)
	if err != nil {
		return nil, err
	}
	metered, err := fuel.Rewrite(wasm, scan, o.Limits.Stack/8)
	if err != nil {
		return nil, reject("%v", err)
	}
	scan.Trim()
	return e.loadScanned(ctx, key, metered, scan, &o)
}

// loadScanned loads a module that passed the scan and is metered.
func (e *Engine) loadScanned(ctx context.Context, key poolKey, wasm []byte, scan *module.Module, o *Options) (*Guest, error) {
	p, err := e.compile(ctx, key, wasm, scan, o)
	if err != nil {
		return nil, err
	}
	return e.startGuest(ctx, p, o)
}

// startGuest makes a guest of a module that was taken.
func (e *Engine) startGuest(ctx context.Context, p *pool, o *Options) (*Guest, error) {
	g := &Guest{
		engine: e, pool: p, limits: o.Limits, table: o.Imports, hooks: map[string]*hook{}, turn: make(chan struct{}, 1),
		output: [...]io.Writer{1: o.Stdout, 2: o.Stderr},
	}
	g.call.guest = g
	e.add(g)
	if err := g.guardedStart(ctx, o); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// newRuntime returns a runtime for the guests of one module. Without reference types there is no table.grow; debug
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
func (g *Guest) guardedStart(ctx context.Context, o *Options) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = reject("the runtime failed on this module: %s", printable(fmt.Sprint(p)))
		}
	}()
	return g.start(ctx, o)
}

// start takes a compiled module to the point where its hooks can be called.
func (g *Guest) start(ctx context.Context, o *Options) error {
	if o.Compiled != nil {
		if err := o.Compiled(); err != nil {
			return err
		}
	}
	if err := g.instantiate(ctx, o); err != nil {
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
	pool    *pool // what becomes of both
	err     error
}

// compile makes native code of a metered module, or takes it from the cache, and takes the result. The
// runtime neither looks at a context while it compiles nor promises not to panic on a module that our
// scan let through, so it works on a goroutine of its own. When time is up that goroutine ends later and
// cleans up itself.
func (e *Engine) compile(ctx context.Context, key poolKey, wasm []byte, scan *module.Module, o *Options) (*pool, error) {
	digest := sha256.Sum256(wasm)
	began := time.Now()
	timed, cancel := context.WithTimeout(ctx, o.Limits.Compile)
	defer cancel()
	done := make(chan compiled)
	go func() {
		unlock := e.lock(digest)
		var c compiled
		if timed.Err() == nil {
			c = e.compileOnce(timed, key, digest, wasm, scan, o)
		}
		unlock()
		select {
		case done <- c:
		case <-timed.Done():
			if c.pool != nil {
				e.drop(c.pool)
			}
		}
	}()
	select {
	case c := <-done:
		if c.err != nil || c.pool != nil {
			return c.pool, c.err
		}
	case <-timed.Done():
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("compile module: %w", context.Cause(ctx))
	}
	return nil, budget.Late("compile", time.Since(began), o.Limits.Compile)
}

// compileOnce compiles unless another load did, while this one waited for the lock. Should the runtime
// itself panic, that is an error of this module.
func (e *Engine) compileOnce(ctx context.Context, key poolKey, digest [sha256.Size]byte, wasm []byte, scan *module.Module, o *Options) (c compiled) {
	defer func() {
		if p := recover(); p != nil {
			c = compiled{err: reject("the runtime failed on this module: %s", printable(fmt.Sprint(p)))}
		}
	}()
	if p := e.take(key, o.Imports); p != nil {
		return compiled{pool: p}
	}
	c = e.compileNow(ctx, digest, wasm, o.Limits)
	if c.err != nil {
		c.drop()
		return compiled{err: c.err}
	}
	p := &pool{key: key, scan: scan, runtime: c.runtime, code: c.code, digest: digest, bytes: len(wasm)}
	if err := p.bind(ctx, o); err != nil {
		c.drop()
		return compiled{err: err}
	}
	e.keep(p)
	return compiled{pool: p}
}

// compileNow compiles in a new runtime. A cache directory that is full or damaged is not a reason to
// refuse a module: it is tried once more without.
func (e *Engine) compileNow(ctx context.Context, digest [sha256.Size]byte, wasm []byte, l Limits) compiled {
	c := compiled{runtime: newRuntime(l, e.code.of(digest))} // makes the folder
	good, err := e.code.verify(digest)
	if err == nil {
		if c = compileIn(ctx, c.runtime, wasm); c.err == nil {
			e.code.seal(digest, good)
		}
		if c.err == nil || e.code.dir == "" {
			return c
		}
	}
	fresh := compileIn(ctx, newRuntime(l, nil), wasm)
	if fresh.err != nil {
		fresh.drop()
		c.err = fresh.err
		return c
	}
	c.drop()
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

// instantiate creates the instance without a name, so that no name can clash, and runs its start
// function.
func (g *Guest) instantiate(ctx context.Context, o *Options) error {
	if err := g.enter(ctx, "start", g.limits.Start); err != nil {
		return err
	}
	defer func() { <-g.turn }()
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	if o.Name != "" {
		config = config.WithArgs(o.Name)
	}
	err := g.instantiateIn(withMemory(&g.call, o.Memory), config)
	if err == nil {
		g.mem = g.mod.Memory()
	} else if runtimeFailed := (*abortion)(nil); !g.pool.scan.Start && !errors.As(err, &runtimeFailed) {
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
	g.mod, err = g.pool.runtime.InstantiateModule(ctx, g.pool.code, config)
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
