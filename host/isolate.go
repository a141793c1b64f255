package host

import (
	"context"

	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/internal/isolate"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
)

// Isolate says which plugins run in a process of their own.
type Isolate int

// Which plugins are isolated. Plugins in Go never are.
const (
	IsolateNone Isolate = iota // all run in this process
	IsolateAll                 // every module has a process; where the system does not allow it, Open fails

	// Modules have a process whose policy does not pin them by digest or signature. Where the kernel
	// does not allow it they run in this process, with a warning, if that has no privileges; otherwise
	// Open fails. Elsewhere than on Linux for amd64 and arm64, where modules are interpreted and not
	// compiled, they run in this process.
	IsolateUnpinned
)

// Errors of Open.
var (
	ErrNotIsolated = isolate.ErrNotSupported // the system cannot run a plugin in a process that may do nothing
	ErrNoChildMain = isolate.ErrNoMain       // the program did not call ChildMain
)

// Process is the process of a plugin, and what keeps the plugin in it.
type Process = isolate.Isolation

// ChildMain must be the first thing that main does in a program that isolates plugins: such a plugin
// runs in this program, started once more. There ChildMain does not return. In the program itself
// it does nothing.
func ChildMain() { isolate.Main() }

// isolatedSuffix is what the directory of compiled modules is called of those that isolated processes
// compiled, after the name of that of the others. No other process executes them.
const isolatedSuffix = "-isolated"

// newLauncher makes what starts processes for plugins; nil if there are none. dir is where compiled
// modules are kept.
func newLauncher(c Config, dir string) (*isolate.Launcher, error) {
	l := &isolate.Launcher{}
	if c.Isolate == IsolateNone {
		return nil, nil
	}
	if dir == "" {
		return l, nil
	}
	var err error
	l.Code, err = sandbox.NewCodeStore(sandbox.EngineOptions{CacheDir: dir + isolatedSuffix, CacheBytes: c.CacheBytes, Damaged: c.damaged})
	return l, err
}

// Process returns the process that the plugin's code runs in, false if it is this one.
func (p *Plugin) Process() (Process, bool) { return p.in.Process() }

// openModule opens a plugin whose code is a module, in the process that it belongs into.
func (p *Plugin) openModule(ctx context.Context, m guest.Module) (*Plugin, error) {
	h := p.host
	switch h.config.Isolate {
	case IsolateAll:
		m.Launcher = h.launcher
	case IsolateUnpinned:
		if isolate.Available && !p.policy.Pins() {
			m.Launcher, m.InProcess = h.launcher, h.mayShare
		}
	}
	opened, err := p.open(ctx, m)
	if err != nil {
		return nil, err
	}
	if process, has := p.Process(); has && h.config.Log != nil {
		h.config.Log.Debug("runs in an "+process.String(), "plugin", p.name(), "pid", process.PID)
	}
	return opened, nil
}

// mayShare reports whether a plugin that cannot be isolated may run in this process. It may where
// there is nothing to win.
func (h *Host) mayShare(err error) bool {
	if isolate.Privileged() {
		return false
	}
	h.warned.Do(func() {
		if h.config.Log != nil {
			h.config.Log.Warn("plugins run in the process of bpfhost, which has no privileges: " + err.Error())
		}
	})
	return true
}
