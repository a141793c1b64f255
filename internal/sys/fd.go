package sys

import (
	"os"
	"sync/atomic"
)

// FD is an owned descriptor. It closes on exec and is never one of the standard streams. All
// methods may be called at the same time; a Close during a call takes effect when the call is over.
type FD struct {
	raw   int
	state atomic.Int64 // calls under way; closedBit once closed
	err   error        // why there never was one
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

// NoFD returns what stands in for a descriptor that there is none of: Acquire returns err.
func NoFD(err error) *FD {
	f := &FD{raw: -1, err: err}
	f.state.Store(closedBit)
	return f
}

// Acquire returns the number for the time until Release. It returns os.ErrClosed after Close.
func (f *FD) Acquire() (int, error) {
	if f == nil {
		return -1, os.ErrClosed
	}
	for {
		n := f.state.Load()
		if n&closedBit != 0 {
			if f.err != nil {
				return -1, f.err
			}
			return -1, os.ErrClosed
		}
		if f.state.CompareAndSwap(n, n+1) {
			return f.raw, nil
		}
	}
}

// Err returns what Acquire would, without acquiring.
func (f *FD) Err() error {
	if _, err := f.Acquire(); err != nil {
		return err
	}
	f.Release()
	return nil
}

// Release ends what Acquire began.
func (f *FD) Release() {
	if f.state.Add(-1) == closedBit {
		f.close()
	}
}

// Close closes the descriptor. It may be called again.
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
	return Dup(raw)
}

// Dup makes a descriptor of the same object as raw, which stays its owner's.
func Dup(raw int) (*FD, error) {
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
