package isolate

import (
	"context"
	"sync"
	"time"
)

// How long a call may take longer than it should before its process is killed. A call ends from within
// at its deadline, and about every call that is cancelled would have ended anyway.
const (
	killGrace   = 250 * time.Millisecond
	cancelGrace = 20 * time.Millisecond
)

// ending says why a watch killed a process.
type ending int

const (
	notEnded ending = iota
	endedLate
	endedCancelled
)

// watch kills a process whose call lasts too long. There is one for all calls of a guest.
type watch struct {
	kill func()

	mu        sync.Mutex // guards what follows
	timer     *time.Timer
	call      uint64 // number of the call
	running   bool
	cancelled bool
	at        time.Time // when to kill
	ended     ending

	stop func() bool // of the context of the running call; nil is none
}

// begin watches a call, which is killed after its time, or grace after its context ends.
func (w *watch) begin(ctx context.Context, most, grace time.Duration) {
	w.mu.Lock()
	w.call++
	w.running, w.cancelled, w.at = true, false, time.Now().Add(most)
	if w.timer == nil {
		w.timer = time.AfterFunc(most, w.fire)
	} else {
		w.timer.Reset(most)
	}
	call := w.call
	w.mu.Unlock()
	w.stop = nil
	if ctx.Done() != nil {
		w.stop = context.AfterFunc(ctx, func() { w.cancel(call, grace) })
	}
}

// cancel has the call killed soon, if it still runs.
func (w *watch) cancel(call uint64, grace time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running || w.call != call {
		return
	}
	if at := time.Now().Add(grace); at.Before(w.at) {
		w.cancelled, w.at = true, at
		w.timer.Reset(grace)
	}
}

// fire kills the process if it is time.
func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		return
	}
	if left := time.Until(w.at); left > 0 {
		w.timer.Reset(left)
		return
	}
	w.ended = endedLate
	if w.cancelled {
		w.ended = endedCancelled
	}
	w.kill()
}

// end ends the watch over a call, and says why it killed the process.
func (w *watch) end() ending {
	if w.stop != nil {
		w.stop()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = false
	w.timer.Stop()
	return w.ended
}
