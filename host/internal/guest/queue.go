package guest

import (
	"context"
	"sync"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/budget"
)

// queue passes what a plugin said to a writer on a goroutine of its own, so that nobody has to wait
// for a reader. It holds a bounded number of bytes; what comes beyond them is dropped and counted.
// One goroutine at a time puts and settles.
type queue struct {
	write func(heldLine) error
	max   int           // bytes held
	moved chan struct{} // the writer took something; one is outstanding at most

	memory *budget.Account // counts size

	stalled bool // pause waited in vain

	mu      sync.Mutex // guards what follows
	lines   []heldLine
	size    int  // bytes held, with what lines take besides and the one that is written
	current int  // bytes left of the one that is written
	writing bool // the goroutine runs
	ended   bool // what is left is dropped
	dropped uint64
	err     error // the first write that failed
}

// Bounds of a queue.
const (
	maxQueued    = 16 << 20 // bytes: a hook's output is held as one, see maxHeld
	maxWrite     = 64 << 10 // bytes at once, so that a slow reader is told from one that does not read
	lineOverhead = 128      // bytes that a held line takes besides its text

	pauseTime = 100 * time.Millisecond // that a hook waits for a reader at most
)

func newQueue(write func(heldLine) error, memory *budget.Account) *queue {
	return &queue{write: write, max: maxQueued, moved: make(chan struct{}, 1), memory: memory}
}

// put takes lines to write, each whole or not at all.
func (q *queue) put(l heldLine) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(l.data) + lineOverhead
	switch {
	case q.err != nil:
		return
	case q.ended || q.size+n > q.max || q.memory.Take(n) != nil:
		q.dropped += uint64(len(l.data))
		return
	}
	q.lines = append(q.lines, l)
	q.size += n
	if !q.writing {
		q.writing = true
		go q.run()
	}
}

// run writes until nothing is left.
func (q *queue) run() {
	for {
		l, ok := q.next()
		if !ok {
			return
		}
		for rest := l.data; ; {
			part := l
			part.data = rest[:min(len(rest), maxWrite)]
			rest = rest[len(part.data):]
			if !q.wrote(len(part.data), q.write(part)) {
				return
			}
			if len(rest) == 0 {
				break
			}
		}
	}
}

// next takes the first line, or ends the goroutine.
func (q *queue) next() (heldLine, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		q.lines, q.writing = nil, false
		q.signal()
		return heldLine{}, false
	}
	l := q.lines[0]
	q.lines[0] = heldLine{}
	q.lines = q.lines[1:]
	q.shrink(lineOverhead)
	q.current = len(l.data)
	return l, true
}

// wrote notes how the write of n bytes ended. It returns false when there will be no more.
func (q *queue) wrote(n int, err error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.signal()
	if err == nil && !q.ended {
		q.shrink(n)
		q.current -= n
		return true
	}
	if q.err == nil {
		q.err = err
	}
	q.shrink(q.size)
	q.lines, q.current, q.writing = nil, 0, false
	return false
}

// shrink counts bytes no more; the caller holds the lock.
func (q *queue) shrink(n int) {
	q.size -= n
	q.memory.Return(n)
}

// signal wakes settle.
func (q *queue) signal() {
	select {
	case q.moved <- struct{}{}:
	default:
	}
}

// idle reports whether everything was written or given up.
func (q *queue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.writing || q.ended
}

// crowded reports whether more than half of what is held at most is.
func (q *queue) crowded() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.size > q.max/2
}

// settle waits until everything is written. It returns false when ctx ended, or when the writer
// took nothing for that long; 0 is any time.
func (q *queue) settle(ctx context.Context, patience time.Duration) bool {
	if q.idle() {
		return true
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	if patience == 0 {
		late.Stop()
	}
	for !q.idle() {
		select {
		case <-q.moved:
			if patience > 0 {
				late.Reset(patience)
			}
		case <-late.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// pause is settle for a moment. It does not wait for a writer that took nothing since the last
// pause was in vain.
func (q *queue) pause() {
	if q.stalled {
		select {
		case <-q.moved:
		default:
			return
		}
	}
	q.stalled = !q.settle(context.Background(), pauseTime)
}

// end drops what is left. A write that hangs keeps its goroutine until it returns.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.dropped += uint64(q.current)
	for _, l := range q.lines {
		q.dropped += uint64(len(l.data))
	}
	q.shrink(q.size)
	q.lines, q.current = nil, 0
}

// state returns the first error of the writer, and how many bytes were dropped.
func (q *queue) state() (dropped uint64, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped, q.err
}
