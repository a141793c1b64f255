package guest

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Go is code in Go: a plugin that is built in, or a test's. Its calls are held to the same phases,
// handles, quotas and policy as those of a module, and what it breaks ends it in the same way. But
// it is trusted: a hook is over when it returns, and has to look at its context.
type Go struct {
	// Hooks are the exports by their names. bpfhost_abi need not be one. What fails with an error has
	// broken down; a negative result is one of the ABI.
	Hooks map[string]GoHook

	// Memory is where the buffers lie that it registers for events.
	Memory []byte

	// EveryHook lets it plan attachments of every family that this host attaches, not those alone that
	// are in the ABI.
	EveryHook bool
}

// GoHook is one export of code in Go, with its arguments in order.
type GoHook func(ctx context.Context, f Functions, args ...uint64) (int32, error)

// Start makes the guest. None of its code runs.
func (c Go) Start(_ context.Context, in *Instance) (Guest, error) {
	in.everyHook = c.EveryHook
	return &goGuest{code: c, functions: checked(in.state, in.functions)}, nil
}

// goGuest is code in Go that was started.
type goGuest struct {
	code      Go
	functions Functions

	turn sync.Mutex // held while a hook runs

	mu     sync.Mutex // guards what follows
	cancel context.CancelFunc
	call   context.Context // of the hook that runs
	dead   error           // why there will be no more calls
}

// hookABI is the one export that every guest has.
const hookABI = "bpfhost_abi"

// Has reports whether there is such a hook.
func (g *goGuest) Has(export string) bool { return g.code.Hooks[export] != nil || export == hookABI }

// View returns a part of Memory.
func (g *goGuest) View(ptr, n uint32) ([]byte, bool) {
	if uint64(ptr)+uint64(n) > uint64(len(g.code.Memory)) {
		return nil, false
	}
	return g.code.Memory[ptr:][:n:n], true
}

// Input is View: a hook does not run while the host does.
func (g *goGuest) Input(ptr, n uint32) ([]byte, bool) { return g.View(ptr, n) }

// goAbortion carries the error of Abort through the frames of a hook.
type goAbortion struct{ err error }

// MemorySize returns the length of the code's memory.
func (g *goGuest) MemorySize() uint32 { return uint32(len(g.code.Memory)) }

// Expired returns why the context of the running hook has ended, or nil. What Call returns tells more.
func (g *goGuest) Expired() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.call == nil {
		return nil
	}
	return context.Cause(g.call)
}

// Abort ends the running hook.
func (g *goGuest) Abort(err error) { panic(goAbortion{err}) }

// Call calls a hook.
func (g *goGuest) Call(ctx context.Context, export string, timeout time.Duration, args ...uint64) (int32, error) {
	hook := g.code.Hooks[export]
	switch {
	case hook == nil && export == hookABI:
		hook = func(context.Context, Functions, ...uint64) (int32, error) { return int32(abi.Current), nil }
	case hook == nil:
		return 0, fmt.Errorf("call %s: %w", export, sandbox.ErrNoExport)
	}
	g.turn.Lock()
	defer g.turn.Unlock()
	began := time.Now()
	timed, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := g.enter(timed, cancel); err != nil {
		return 0, fmt.Errorf("call %s: %w", export, err)
	}
	rc, err := g.run(timed, export, hook, args)
	if err == nil {
		return rc, nil
	}
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("call %s: %w", export, context.Cause(ctx))
	case timed.Err() == context.DeadlineExceeded:
		err = budget.Late(export, time.Since(began), timeout)
	}
	return 0, g.end(export, err)
}

// enter begins a call that Close can end.
func (g *goGuest) enter(call context.Context, cancel context.CancelFunc) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.call, g.cancel = call, cancel
	return g.dead
}

// run runs a hook. A panic is its trap.
func (g *goGuest) run(ctx context.Context, export string, hook GoHook, args []uint64) (rc int32, err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case goAbortion:
			err = v.err
		default:
			err = &sandbox.Trap{Export: export, Reason: quote.Text(fmt.Sprint("panic: ", v)), Trace: string(debug.Stack())}
		}
	}()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return hook(ctx, g.functions, args...)
}

// end notes that there will be no more calls, and returns why.
func (g *goGuest) end(export string, err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead != nil { // it was closed
		return fmt.Errorf("call %s: %w", export, g.dead)
	}
	g.dead = sandbox.ErrPoisoned
	return err
}

// Close ends a running hook, as soon as it looks at its context.
func (g *goGuest) Close() error {
	g.mu.Lock()
	g.dead = sandbox.ErrClosed
	if g.cancel != nil {
		g.cancel()
	}
	g.mu.Unlock()
	g.turn.Lock()
	defer g.turn.Unlock()
	return nil
}
