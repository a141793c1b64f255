package sandbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/budget"
)

// callContext is the running call of a guest, and its context. It is one object for all calls of a guest,
// so that a call allocates nothing: a timer is made only for who asks for Done.
type callContext struct {
	guest    *Guest
	parent   context.Context
	export   string
	timeout  time.Duration
	deadline time.Time

	mu     sync.Mutex // guards the fields below
	closed bool       // the guest is closed
	timed  context.Context
	cancel context.CancelFunc
}

// inCall marks the context of a running call, so that a call from within is noticed.
type inCall struct{ g *Guest }

// caller is the key of the guest that runs, in the context of its call.
type caller struct{}

// begin starts a call.
func (c *callContext) begin(parent context.Context, export string, timeout time.Duration, now time.Time) {
	c.parent, c.export, c.timeout, c.deadline = parent, export, timeout, now.Add(timeout)
}

// end ends the call. Whoever kept its context finds it cancelled.
func (c *callContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
	c.timed, c.cancel = nil, nil
}

// close stops the running call and all later ones.
func (c *callContext) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.cancel != nil {
		c.cancel()
	}
}

// expired returns why the call has to end, or nil.
func (c *callContext) expired(now time.Time) error {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	switch {
	case closed:
		return fmt.Errorf("call %s: %w", c.export, ErrClosed)
	case c.parent.Err() != nil:
		return fmt.Errorf("call %s: %w", c.export, context.Cause(c.parent))
	case now.After(c.deadline):
		return budget.Late(c.export, now.Sub(c.deadline)+c.timeout, c.timeout)
	}
	return nil
}

// context returns a context that ends with the call.
func (c *callContext) context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.cancel = context.WithDeadline(c.parent, c.deadline)
		if c.closed {
			c.cancel()
		}
	}
	return c.timed
}

// Deadline implements context.Context.
func (c *callContext) Deadline() (time.Time, bool) {
	if d, ok := c.parent.Deadline(); ok && d.Before(c.deadline) {
		return d, true
	}
	return c.deadline, true
}

// Done implements context.Context.
func (c *callContext) Done() <-chan struct{} { return c.context().Done() }

// Err implements context.Context.
func (c *callContext) Err() error { return c.context().Err() }

// Value implements context.Context.
func (c *callContext) Value(key any) any {
	switch key {
	case inCall{c.guest}:
		return true
	case caller{}:
		return c.guest
	}
	return c.parent.Value(key)
}
