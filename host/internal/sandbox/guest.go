package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/internal/oneline"
)

// Guest is one running module. Call and Close are safe for concurrent use: calls run one after the
// other. The methods on memory belong to the goroutine that calls, in between or from host
// functions.
type Guest struct {
	engine *Engine
	pool   *pool // what it shares with other guests of the module
	limits Limits
	mod    api.Module
	mem    api.Memory
	hooks  map[string]*hook
	table  []Import     // what host functions do for it
	output [3]io.Writer // by descriptor
	random *rand.Rand   // of WASI; nil before it is first asked for

	turn chan struct{} // holds one token while a call runs

	// Of the running call; written only by who has the turn.
	call      callContext
	meter     meter
	export    string
	inHost    string // the import that runs now
	hostCalls uint64
	released  bool

	mu     sync.Mutex // guards the fields below
	dead   error      // why there will be no more calls
	closed bool       // Close was called
}

// hook is one export that may be called.
type hook struct {
	fn     api.Function
	params int
	result bool
	stack  []uint64
}

// abortion carries the error of Abort through the guest's frames.
type abortion struct{ err error }

func (a *abortion) Error() string { return a.err.Error() }

// Has reports whether the guest exports one of the functions of Options.Exports.
func (g *Guest) Has(export string) bool { return g.hooks[export] != nil }

// Imports returns what the module imports, "module.name", in its order.
func (g *Guest) Imports() []string { return importNames(g.pool.scan) }

// Context returns the context of the running call, for host functions. It ends with the call.
func (g *Guest) Context() context.Context { return &g.call }

// Expired returns why the running call has to end, for host functions that take long, or nil.
func (g *Guest) Expired() error { return g.call.expired(time.Now()) }

// Abort ends the running call from within a host function: Call returns err and the guest is
// poisoned. It does not return.
func (g *Guest) Abort(err error) { panic(&abortion{err}) }

// Poisoned returns why the guest is not called any more, or nil if it may be called.
func (g *Guest) Poisoned() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dead
}

// Call calls an export and returns its result, or 0 if it has none. A timeout of zero is
// Limits.Call; waiting for a running call counts.
//
// The error is *Trap, *budget.LimitError, what a host function passed to Abort, or wraps the cause of ctx, and
// then the guest is poisoned; or it wraps ErrPoisoned, ErrClosed, ErrReentered or ErrNoExport, and
// nothing was called.
func (g *Guest) Call(ctx context.Context, export string, timeout time.Duration, args ...uint64) (int32, error) {
	h := g.hooks[export]
	if h == nil {
		return 0, fmt.Errorf("call %s: %w", printable(export), ErrNoExport)
	}
	if len(args) != h.params {
		return 0, fmt.Errorf("call %s: %d arguments, want %d", export, len(args), h.params)
	}
	if ctx.Value(inCall{g}) != nil {
		return 0, fmt.Errorf("call %s: %w", export, ErrReentered)
	}
	if timeout <= 0 {
		timeout = g.limits.Call
	}
	if err := g.enter(ctx, export, timeout); err != nil {
		return 0, err
	}
	defer func() { <-g.turn }()
	copy(h.stack, args)
	err := g.run(h)
	if err = g.leave(err); err != nil {
		return 0, err
	}
	if !h.result {
		return 0, nil
	}
	return int32(uint32(h.stack[0])), nil
}

// run runs an export. Should the runtime itself panic, that is an error of this guest.
func (g *Guest) run(h *hook) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the runtime failed: %s", printable(fmt.Sprint(p)))
		}
	}()
	return h.fn.CallWithStack(&g.call, h.stack)
}

// enter takes the turn and prepares the state of a call.
func (g *Guest) enter(ctx context.Context, export string, timeout time.Duration) error {
	if ctx.Err() != nil {
		return fmt.Errorf("call %s: %w", export, context.Cause(ctx))
	}
	now := time.Now()
	select {
	case g.turn <- struct{}{}:
	default:
		if err := g.wait(ctx, export, timeout); err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.refuse(export); err != nil {
		<-g.turn
		return err
	}
	g.call.begin(ctx, export, timeout, now)
	g.meter.begin(g.limits.Fuel != 0)
	g.export, g.inHost, g.hostCalls = export, "", 0
	return nil
}

// refuse returns why there are no more calls, or nil; the caller holds the lock.
func (g *Guest) refuse(export string) error {
	if g.closed {
		return fmt.Errorf("call %s: %w", export, ErrClosed)
	}
	if g.dead != nil {
		return fmt.Errorf("call %s: %w", export, ErrPoisoned)
	}
	return nil
}

// wait waits for the turn while another call runs.
func (g *Guest) wait(ctx context.Context, export string, limit time.Duration) error {
	began, late := time.Now(), time.NewTimer(limit)
	defer late.Stop()
	select {
	case g.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("call %s: %w", export, context.Cause(ctx))
	case <-late.C:
		return budget.Late(export, time.Since(began), limit)
	}
}

// leave ends a call: it turns the runtime's error into ours and poisons the guest if there is one.
func (g *Guest) leave(err error) error {
	g.call.end()
	if err == nil {
		return nil
	}
	err = g.explain(err)
	g.mu.Lock()
	if g.dead == nil {
		g.dead = err
	}
	g.mu.Unlock()
	g.release()
	return err
}

// explain names the cause of a failed call.
func (g *Guest) explain(err error) error {
	if a := (*abortion)(nil); errors.As(err, &a) {
		return a.err
	}
	if g.inHost != "" {
		return &Trap{Export: g.export, Reason: "host function " + g.inHost + " panicked: " + firstLine(err), Trace: err.Error()}
	}
	if exit := (*sys.ExitError)(nil); errors.As(err, &exit) {
		return &Trap{Export: g.export, Reason: "called proc_exit(" + strconv.FormatUint(uint64(exit.ExitCode()), 10) + ")"}
	}
	return g.trapped(err)
}

// Close stops a running call, waits for it to end and frees what the guest holds. It must not be
// called from a host function. Closing again does nothing.
func (g *Guest) Close() error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	if g.dead == nil {
		g.dead = ErrClosed
	}
	g.mu.Unlock()
	g.call.close()
	g.turn <- struct{}{}
	defer func() { <-g.turn }()
	return g.release()
}

// release frees the instance; the caller has the turn. Releasing again does nothing.
func (g *Guest) release() error {
	if g.released {
		return nil
	}
	g.released = true
	var err error
	if g.mod != nil {
		err = g.mod.Close(context.Background())
	}
	g.engine.remove(g)
	return oneline.Join(err, g.engine.drop(g.pool))
}
