package ring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// ErrClosed says that the reader was closed, before or while it waited. It is os.ErrClosed.
var ErrClosed = os.ErrClosed

// ErrConsumer says that something else reads the same ring: what it took is lost for this reader.
var ErrConsumer = errors.New("another consumer reads this ring")

// overwrite is the map flag of rings whose producer does not stop when they are full
// (BPF_F_RB_OVERWRITE, Linux 6.19). They need another way of reading.
const overwrite spec.MapFlags = 1 << 19

// Reader reads one ring buffer.
type Reader struct {
	name string
	ring *sys.Ring
	mask uint64

	poll    *os.File
	raw     syscall.RawConn
	readyFn func(fd uintptr) bool

	turn sync.Mutex // held by the one that reads records
	next uint64     // position of the next record; under turn

	mu        sync.Mutex // never held for long
	users     int        // who may touch the memory of the ring
	closed    atomic.Bool
	cancelled int // waits whose context ended and that have not returned yet
	stats     Stats
}

// Stats is what a reader has counted since Open.
type Stats struct {
	Records   uint64 // delivered
	Bytes     uint64 // of payload of these
	Discarded uint64 // records that programs reserved and gave up
}

// Open makes the reader of a map of type ringbuf. It begins where the reader before it ended. The map
// may be closed while the reader is in use.
func Open(m *loader.Map) (*Reader, error) {
	if err := m.Err(); err != nil {
		return nil, fmt.Errorf("open ring %q: %w", m.Name(), err)
	}
	if m.Type() != spec.MapRingbuf {
		return nil, fmt.Errorf("open ring %q: it is a map of type %v", m.Name(), m.Type())
	}
	if m.Flags()&overwrite != 0 {
		return nil, fmt.Errorf("open ring %q: rings that overwrite: %w", m.Name(), loader.ErrNotSupported)
	}
	var r *Reader
	err := m.WithFD(func(fd int) error {
		shared, err := sys.MapRing(fd, m.MaxEntries())
		if err != nil {
			return err
		}
		poll, err := sys.Pollable(fd)
		if err != nil {
			shared.Unmap()
			return err
		}
		if r, err = newReader(m.Name(), shared, poll); err != nil {
			poll.Close()
			shared.Unmap()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open ring %q: %w", m.Name(), err)
	}
	return r, nil
}

func newReader(name string, ring *sys.Ring, poll *os.File) (*Reader, error) {
	raw, err := poll.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &Reader{
		name: name, ring: ring, mask: uint64(len(ring.Data)/2 - 1), poll: poll, raw: raw, next: ring.Consumer.Load(),
	}
	r.readyFn = func(uintptr) bool { return r.ready() }
	return r, nil
}

// Size returns the size of the ring in bytes.
func (r *Reader) Size() int { return int(r.mask + 1) }

// Stats returns the counters.
func (r *Reader) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// Pending returns how many bytes of the ring hold records that have not been read, headers
// and unfinished ones included; 0 after Close.
func (r *Reader) Pending() int {
	if r.enter() != nil {
		return 0
	}
	defer r.leave()
	return int(min(r.ring.Producer.Load()-r.ring.Consumer.Load(), r.mask+1))
}

// Close gives the ring up and wakes those who wait. It may be called again.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed.Swap(true) {
		return nil
	}
	r.poll.Close()
	if r.users == 0 {
		r.ring.Unmap()
	}
	return nil
}

// enter allows to touch the ring's memory until leave.
func (r *Reader) enter() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed.Load() {
		return fmt.Errorf("read ring %q: %w", r.name, ErrClosed)
	}
	r.users++
	return nil
}

func (r *Reader) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users--; r.users == 0 && r.closed.Load() {
		r.ring.Unmap()
	}
}

// ready reports whether there is something to read, or no point in waiting.
func (r *Reader) ready() bool {
	at := r.ring.Consumer.Load()
	return at != r.ring.Producer.Load() && r.ring.Header(int(at&r.mask&^7))&busy == 0
}

// Wait returns when there is a record to read: at once if there is one already. When ctx ends first
// it returns ctx.Err, after Close an error that wraps ErrClosed. A program may send records without
// waking readers (BPF_RB_NO_WAKEUP); for these, let ctx end from time to time and drain.
func (r *Reader) Wait(ctx context.Context) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	if r.ready() {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Done() != nil {
		cancelled := make(chan struct{})
		stop := context.AfterFunc(ctx, func() { r.cancel(1); close(cancelled) })
		defer func() {
			if !stop() {
				<-cancelled
				r.cancel(-1)
			}
		}()
	}
	for {
		err := r.raw.Read(r.readyFn)
		if err == nil || r.ready() {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) { // that was meant for another who waits
			return r.waitError(err)
		}
	}
}

func (r *Reader) waitError(err error) error {
	if r.closed.Load() {
		err = ErrClosed
	}
	return fmt.Errorf("wait for ring %q: %w", r.name, err)
}

// cancel counts waits whose context ended. While there are any, all waits are broken off.
func (r *Reader) cancel(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancelled += n
	deadline := time.Time{}
	if r.cancelled > 0 {
		deadline = time.Unix(1, 0)
	}
	_ = r.poll.SetReadDeadline(deadline) // fails after Close only, which wakes everyone anyway
}
