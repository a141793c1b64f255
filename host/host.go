package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/isolate"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/oneline"
)

// Config says how a Host works. The zero value is right for most.
type Config struct {
	// CacheDir is where compiled modules are kept, and with "-isolated" after its name where those are
	// that run in separate processes; empty is bpfhost/wasm in os.UserCacheDir.
	CacheDir string

	NoCache bool // keep compiled modules in memory only

	// CacheBytes bounds that directory: beyond them the compiled modules that were used longest ago are
	// removed. Zero is 512 MiB.
	CacheBytes int64

	Limits  Limits         // of every plugin
	Log     *slog.Logger   // the host's own log, and the plugins'; nil discards both
	Backend Backend        // the place that runs happen in; nil is the running kernel
	Kernel  *kernel.Kernel // what is known of the kernel; nil reads it when a plan is applied
	PinDir  string         // directory of the pins of all plugins, see policy.Pin; empty is policy.PinRoot

	// HostBytes bounds what all plugins together make the host hold, as Limits.HostBytes does for one;
	// 1 GiB.
	HostBytes uint64

	// Isolate says which plugins run in a process of their own, which may do nothing but compute.
	// Where it isolates any, the program must call ChildMain first in its main.
	Isolate Isolate

	// CoreTypes are the types of the kernel that CO-RE relocations are computed for, in plans and
	// when a plan is applied, see loader.Options. Without them, plans do not have what relocations
	// come to, and it is the running kernel's types that are asked when a plan is applied.
	CoreTypes *btf.Types
}

// Host runs plugins. It is safe for concurrent use; each plugin belongs to one goroutine at a time.
type Host struct {
	config  Config
	engine  *sandbox.Engine
	backend Backend
	memory  *budget.Account // of all plugins

	launcher *isolate.Launcher // nil isolates nothing
	warned   sync.Once         // that plugins are not isolated that should be

	mu      sync.Mutex // guards what follows
	closed  bool
	plugins map[*Plugin]bool
}

// New makes a Host. It fails when the cache directory is not private to this user: compiled code is
// trusted blindly.
func New(ctx context.Context, c Config) (*Host, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start host: %w", context.Cause(ctx))
	}
	c.Limits = c.Limits.withDefaults()
	fill(&c.PinDir, policy.PinRoot)
	fill(&c.HostBytes, 1<<30)
	dir, err := c.cacheDir()
	if err != nil {
		return nil, err
	}
	engine, err := sandbox.NewEngine(sandbox.EngineOptions{CacheDir: dir, CacheBytes: c.CacheBytes, Damaged: c.damaged})
	if err != nil {
		return nil, fmt.Errorf("start host: %w", err)
	}
	h := &Host{config: c, engine: engine, backend: c.Backend, plugins: make(map[*Plugin]bool)}
	h.memory = budget.NewAccount(c.HostBytes, "memory of the host for all plugins", "close a plugin, or raise Config.HostBytes", nil)
	if h.launcher, err = newLauncher(c, dir); err != nil {
		return nil, fmt.Errorf("start host: %w", oneline.Join(err, engine.Close()))
	}
	if h.backend == nil {
		h.backend = newKernelBackend(c)
	}
	return h, nil
}

// cacheDir is where compiled modules are kept; empty is memory. A user without a home directory has
// no cache on disk, which costs time and nothing else.
func (c Config) cacheDir() (string, error) {
	if c.NoCache || c.CacheDir != "" {
		return c.CacheDir, nil
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", nil
	}
	if err := os.MkdirAll(filepath.Join(base, "bpfhost"), 0o700); err != nil {
		return "", nil
	}
	return filepath.Join(base, "bpfhost", "wasm"), nil
}

// damaged says that compiled code was not as it was written.
func (c Config) damaged(file string) {
	if c.Log != nil {
		c.Log.Warn("compiled code in the cache was damaged, and is compiled again", "file", SafeText(file))
	}
}

// Close closes every plugin that is still open, and with it its run, and drops compiled code.
// Closing again does nothing.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	var open []*Plugin
	for p := range h.plugins {
		open = append(open, p)
	}
	h.mu.Unlock()
	for _, p := range open { // no plugin waits for the end of another
		p.detach()
	}
	var err error
	for _, p := range open {
		err = oneline.Join(err, p.Close())
	}
	err = oneline.Join(err, h.engine.Close())
	if h.config.Backend == nil { // otherwise it is the caller's
		err = oneline.Join(err, h.backend.Close())
	}
	return err
}

// add and remove keep the list of open plugins.
func (h *Host) add(p *Plugin) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errors.New("open plugin: the host is closed")
	}
	h.plugins[p] = true
	return nil
}

func (h *Host) remove(p *Plugin) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.plugins, p)
}
