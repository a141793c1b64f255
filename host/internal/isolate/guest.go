//go:build linux

package isolate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// Guest is a module that runs in a separate process. What holds of sandbox.Guest holds of it.
type Guest struct {
	proc      *process
	isolation Isolation
	messages  *sys.Messages
	shared    *sys.Shared
	limits    sandbox.Limits
	imports   []sandbox.Import
	calls     []func(g *Guest, stack []uint64)
	facts     sandbox.Facts
	fresh     bool // its process compiled it
	hooks     map[string]hook
	output    [3]io.Writer // by stream

	turn chan struct{} // holds one token while a call runs

	// Of the running call; only who has the turn uses it.
	export string
	ctx    context.Context // nil while the guest starts
	began  time.Time
	limit  time.Duration
	in     message
	out    message
	buf    []byte
	stack  [maxArgs]uint64
	size   uint64 // of guest memory
	copies arena

	watch watch

	mu     sync.Mutex // guards the fields below
	dead   error      // why there will be no more calls
	closed bool       // Close was called
}

// hook is one export that may be called.
type hook struct {
	number uint32
	params int
	result bool
}

// abortion carries the error of Abort through the frames of a host function.
type abortion struct{ err error }

// Has reports whether the guest exports one of the functions of Options.Exports.
func (g *Guest) Has(export string) bool { _, has := g.hooks[export]; return has }

// Imports returns what the module imports, "module.name", in its order.
func (g *Guest) Imports() []string { return g.facts.Imports }

// Isolation says what keeps the guest in its process.
func (g *Guest) Isolation() Isolation { return g.isolation }

// MemorySize returns the size of guest memory in bytes.
func (g *Guest) MemorySize() uint32 { return uint32(min(g.size, 1<<32-1)) }

// Expired returns why the running call has to end, for host functions that take long, or nil.
func (g *Guest) Expired() error {
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	switch lasts := time.Since(g.began); {
	case closed:
		return fmt.Errorf("call %s: %w", g.export, sandbox.ErrClosed)
	case g.ctx == nil:
		return nil
	case g.ctx.Err() != nil:
		return cancelled(g.ctx, g.export)
	case lasts > g.limit:
		return budget.Late(g.export, lasts, g.limit)
	}
	return nil
}

// Abort ends the running call from within a host function: Call returns err and the guest is
// poisoned. It does not return.
func (g *Guest) Abort(err error) { panic(&abortion{err}) }

// View returns n bytes of guest memory at ptr to write to, and whether that range exists. It is valid
// until Close. Whatever is there may change at any time.
func (g *Guest) View(ptr, n uint32) ([]byte, bool) {
	if uint64(ptr)+uint64(n) > g.size || g.shared.Bytes == nil {
		return nil, false
	}
	return g.shared.Bytes[ptr:][:n:n], true
}

// Input returns a copy of n bytes of guest memory at ptr, and whether that range exists. It is valid
// until the host function that asked for it returns.
func (g *Guest) Input(ptr, n uint32) ([]byte, bool) {
	b, ok := g.View(ptr, n)
	if !ok {
		return nil, false
	}
	return g.copies.clone(b), true
}

// Call calls an export and returns its result, see sandbox.Guest.Call. A call that does not end
// killGrace after its time, or after its context, takes the process with it.
func (g *Guest) Call(ctx context.Context, export string, timeout time.Duration, args ...uint64) (int32, error) {
	h, has := g.hooks[export]
	if !has {
		return 0, fmt.Errorf("call %s: %w", quote.Plain(export, maxReason), sandbox.ErrNoExport)
	}
	if len(args) != h.params {
		return 0, fmt.Errorf("call %s: %d arguments, want %d", export, len(args), h.params)
	}
	if timeout <= 0 {
		timeout = g.limits.Call
	}
	if err := g.enter(ctx, export, timeout); err != nil {
		return 0, err
	}
	defer func() { <-g.turn }()
	g.ctx, g.began, g.limit = ctx, time.Now(), timeout
	g.watch.begin(ctx, timeout+killGrace, cancelGrace)
	g.out.kind, g.out.number, g.out.text = kindCall, h.number, nil
	g.out.args[0] = uint64(timeout)
	g.out.n = 1 + copy(g.out.args[1:], args)
	err := g.messages.Send(g.out.encode(g.buf))
	if err == nil {
		err = g.serve(kindDone)
	} else {
		err = errGone
	}
	if err = g.leave(ctx, timeout, err); err != nil {
		return 0, err
	}
	if !h.result {
		return 0, nil
	}
	return int32(g.in.number), nil
}

// enter takes the turn for a call.
func (g *Guest) enter(ctx context.Context, export string, timeout time.Duration) error {
	if ctx.Err() != nil {
		return cancelled(ctx, export)
	}
	select {
	case g.turn <- struct{}{}:
	default:
		late := time.NewTimer(timeout)
		defer late.Stop()
		select {
		case g.turn <- struct{}{}:
		case <-ctx.Done():
			return cancelled(ctx, export)
		case <-late.C:
			return budget.Late(export, timeout, timeout)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var err error
	switch {
	case g.closed:
		err = sandbox.ErrClosed
	case g.dead != nil:
		err = sandbox.ErrPoisoned
	default:
		g.export = export
		return nil
	}
	<-g.turn
	return fmt.Errorf("call %s: %w", export, err)
}

// cancelled is the error of a call whose context ended.
func cancelled(ctx context.Context, export string) error {
	return fmt.Errorf("call %s: %w", export, context.Cause(ctx))
}

// errGone says that the child does not answer any more.
var errGone = errors.New("the process is gone")

// leave ends a call. An error poisons the guest.
func (g *Guest) leave(ctx context.Context, timeout time.Duration, err error) error {
	ended := g.watch.end()
	if err == nil {
		return nil
	}
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if errors.Is(err, errGone) {
		switch {
		case closed:
			err = fmt.Errorf("call %s: %w", g.export, sandbox.ErrClosed)
		case ended == endedCancelled:
			err = cancelled(ctx, g.export)
		case ended == endedLate:
			err = budget.Late(g.export, timeout+killGrace, timeout)
		default:
			err = &sandbox.Trap{Export: g.export, Reason: g.proc.cause()}
		}
	}
	g.mu.Lock()
	if g.dead == nil {
		g.dead = err
	}
	g.mu.Unlock()
	g.end()
	return err
}

// serve answers the child until it says what is waited for.
func (g *Guest) serve(until kind) error {
	for {
		n, err := g.messages.Receive(g.buf)
		if err != nil || n == 0 {
			return errGone
		}
		if err := g.in.decode(g.buf[:n]); err != nil {
			return g.broke(err)
		}
		if g.in.kind == kindFailed {
			var f failure
			if err := json.Unmarshal(g.in.text, &f); err != nil {
				return g.broke(err)
			}
			return f.err()
		}
		if size := g.in.args[0]; g.in.n == 0 || size > uint64(len(g.shared.Bytes)) || size%sandbox.PageSize != 0 {
			return g.broke(errMessage)
		}
		g.size = g.in.args[0]
		switch g.in.kind {
		case until:
			return nil
		case kindHost:
			err = g.host()
		case kindOutput:
			err = g.write()
		default:
			err = g.broke(errMessage)
		}
		if err != nil {
			return err
		}
		if g.messages.Send(g.out.encode(g.buf)) != nil {
			return errGone
		}
	}
}

// broke is the error of a child that does not say what children say: it was taken over.
func (g *Guest) broke(err error) error {
	return &sandbox.Trap{Export: g.export, Reason: "its process sent a " + quote.Plain(err.Error(), maxReason)}
}

// host runs a host function. A panic is an error of the guest.
func (g *Guest) host() (err error) {
	i := int(g.in.number)
	if i >= len(g.calls) || g.in.n != 1+len(g.imports[i].Params) {
		return g.broke(errMessage)
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *abortion:
			err = p.err
		default:
			reason := fmt.Sprintf("host function %s panicked: %v", g.imports[i].Name, p)
			err = &sandbox.Trap{Export: g.export, Reason: quote.Plain(reason, maxReason)}
		}
	}()
	g.copies.reset()
	g.stack[0] = 0
	copy(g.stack[:], g.in.args[1:g.in.n])
	g.calls[i](g, g.stack[:max(g.in.n-1, 1)])
	g.out.kind, g.out.number, g.out.n, g.out.text = kindReply, uint32(g.stack[0]), 0, nil
	return nil
}

// write takes what the guest writes through WASI.
func (g *Guest) write() error {
	if g.in.n != 3 || g.in.number >= uint32(len(g.output)) || g.output[g.in.number] == nil {
		return g.broke(errMessage)
	}
	at, n := g.in.args[1], g.in.args[2]
	if at > g.size || n > g.size-at {
		return g.broke(errMessage)
	}
	g.copies.reset()
	_, err := g.output[g.in.number].Write(g.copies.clone(g.shared.Bytes[at:][:n]))
	g.out.kind, g.out.number, g.out.n, g.out.text = kindReply, 1, 0, nil
	if err != nil {
		g.out.number = 0
	}
	return nil
}

// end ends the process. The memory stays.
func (g *Guest) end() {
	g.proc.close()
	g.messages.Close()
}

// Close kills the process, waits for a running call to end and frees what the guest holds. It must
// not be called from a host function. Closing again does nothing.
func (g *Guest) Close() error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	if g.dead == nil {
		g.dead = sandbox.ErrClosed
	}
	g.mu.Unlock()
	g.proc.kill()
	g.turn <- struct{}{}
	defer func() { <-g.turn }()
	g.end()
	return g.shared.Unmap()
}
