package sys

import (
	"errors"
	"os"
	"sync"
	"testing"
)

func openNull(t testing.TB) *FD {
	t.Helper()
	f, err := Open(os.DevNull)
	if errors.Is(err, ErrNotSupported) {
		t.Skip("needs linux")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestFDClose(t *testing.T) {
	f := openNull(t)
	raw, err := f.Acquire()
	if err != nil || raw < minFD {
		t.Fatalf("acquire: %d, %v", raw, err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	d, err := dup(raw)
	if err != nil {
		t.Errorf("closed while in use: %v", err)
	} else {
		closeRaw(d)
	}
	if _, err := f.Acquire(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("acquire after close: %v", err)
	}
	f.Release()
	if _, err := dup(raw); !errors.Is(err, EBADF) {
		t.Errorf("open after the last release: %v", err)
	}
	if _, err := (*FD)(nil).Acquire(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("nil: %v", err)
	}
}

func TestFDConcurrentClose(t *testing.T) {
	for range 200 {
		f := openNull(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := f.Acquire(); err == nil {
					f.Release()
				}
				f.Close()
			})
		}
		wg.Wait()
		if f.state.Load() != closedBit {
			t.Fatalf("state %#x", f.state.Load())
		}
	}
}
