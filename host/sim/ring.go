package sim

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/host/backend"
)

// ring reads a ring buffer of a machine.
type ring struct {
	b      *Backend
	r      *vm.Ring
	wake   chan struct{} // one is outstanding at most
	closed bool          // guarded by b.mu
	over   chan struct{} // closed with the ring
}

// OpenRing opens a ring buffer.
func (b *Backend) OpenRing(m backend.Map) (backend.Ring, error) {
	s, ok := m.(*simMap)
	if !ok || s.b != b {
		return nil, fmt.Errorf("open ring %q: %w", m.Name(), errForeign)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r := s.in.machine.Ring(m.Name())
	if r == nil {
		return nil, fmt.Errorf("open ring %q: it is a map of type %v", m.Name(), m.Type())
	}
	if slices.ContainsFunc(b.rings, func(o *ring) bool { return o.r == r }) {
		return nil, fmt.Errorf("open ring %q: it is being read already", m.Name())
	}
	opened := &ring{b: b, r: r, wake: make(chan struct{}, 1), over: make(chan struct{})}
	b.rings = append(b.rings, opened)
	opened.notify()
	return opened, nil
}

// notify wakes who waits if there is something to read. It reports whether there is.
func (r *ring) notify() bool {
	if !r.r.Pending() {
		return false
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return true
}

// Wait returns when there is something to read.
func (r *ring) Wait(ctx context.Context) error {
	for {
		r.b.mu.Lock()
		closed, pending := r.closed, !r.closed && r.r.Pending()
		r.b.mu.Unlock()
		switch {
		case closed:
			return os.ErrClosed
		case pending:
			return nil
		}
		select {
		case <-r.wake:
		case <-r.over:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Drain calls fn for every record.
func (r *ring) Drain(fn func(rec []byte) bool) (n int, err error) {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	if r.closed {
		return 0, os.ErrClosed
	}
	for {
		rec, ok := r.r.Read()
		if !ok {
			return n, nil
		}
		n++
		if !fn(rec) {
			return n, nil
		}
	}
}

// Close ends reading.
func (r *ring) Close() error {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	if !r.closed {
		r.closed = true
		close(r.over)
		r.b.rings = slices.DeleteFunc(r.b.rings, func(o *ring) bool { return o == r })
	}
	return nil
}
