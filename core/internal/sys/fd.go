package sys

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// FD is an owned descriptor. It closes on exec and is never one of the standard streams. All
// methods may be called at the same time; a Close during a call takes effect when the call is over.
type FD struct {
	raw   int
	state atomic.Int64 // calls under way; closedBit once closed
}

const (
	closedBit = 1 << 62
	minFD     = 3
)

// NewFD takes ownership of raw. A number of the standard streams is exchanged for a higher one,
// since zero means "none" in many attributes.
func NewFD(raw int) (*FD, error) {
	if raw < minFD {
		high, err := dup(raw)
		closeRaw(raw)
		if err != nil {
			return nil, err
		}
		raw = high
	}
	f := &FD{raw: raw}
	if t := tracer.Load(); t != nil {
		t.add(f)
	}
	return f, nil
}

// Acquire gives the number for the time until Release. It returns os.ErrClosed after Close.
func (f *FD) Acquire() (int, error) {
	if f == nil {
		return -1, os.ErrClosed
	}
	for {
		n := f.state.Load()
		if n&closedBit != 0 {
			return -1, os.ErrClosed
		}
		if f.state.CompareAndSwap(n, n+1) {
			return f.raw, nil
		}
	}
}

// Release ends what Acquire began.
func (f *FD) Release() {
	if f.state.Add(-1) == closedBit {
		f.close()
	}
}

// Close gives the descriptor up. It may be called again.
func (f *FD) Close() error {
	if f == nil {
		return nil
	}
	for {
		n := f.state.Load()
		if n&closedBit != 0 {
			return nil
		}
		if f.state.CompareAndSwap(n, n|closedBit) {
			if n == 0 {
				f.close()
			}
			return nil
		}
	}
}

// Dup makes a second descriptor of the same object.
func (f *FD) Dup() (*FD, error) {
	raw, err := f.Acquire()
	if err != nil {
		return nil, err
	}
	defer f.Release()
	d, err := dup(raw)
	if err != nil {
		return nil, err
	}
	return NewFD(d)
}

func (f *FD) close() {
	if t := tracer.Load(); t != nil {
		t.remove(f)
	}
	closeRaw(f.raw)
}

// tracer is the hook of Trace: the one piece of package state, set by tests only.
var tracer atomic.Pointer[fdTrace]

// fdTrace knows where each open FD came from.
type fdTrace struct {
	mu   sync.Mutex
	open map[*FD]string
}

// Trace starts to record where descriptors are made. The returned function lists those that are
// still open, one text each. It is for TestMain: nothing else may call it.
func Trace() (open func() []string) {
	t := &fdTrace{open: make(map[*FD]string)}
	tracer.Store(t)
	return t.list
}

func (t *fdTrace) add(f *FD) {
	pcs := make([]uintptr, 12)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var b strings.Builder
	b.WriteString("fd " + strconv.Itoa(f.raw))
	for {
		fr, more := frames.Next()
		b.WriteString("\n\t" + fr.Function + ":" + strconv.Itoa(fr.Line))
		if !more {
			break
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[f] = b.String()
}

func (t *fdTrace) remove(f *FD) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, f)
}

func (t *fdTrace) list() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []string
	for _, s := range t.open {
		all = append(all, s)
	}
	return all
}
