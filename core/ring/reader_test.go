package ring

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/loader"
)

func TestDrainInOrder(t *testing.T) {
	c, r := open(t, source(1<<16, 64, 0, 0))
	send(t, c, 100)
	want := uint64(0)
	n, err := r.Drain(func(rec []byte) bool {
		if got := binary.NativeEndian.Uint64(rec); got != want || len(rec) != 64 {
			t.Errorf("record %d of %d bytes, want %d of 64", got, len(rec), want)
		}
		want++
		return true
	})
	if n != 100 || err != nil {
		t.Errorf("drained %d, %v", n, err)
	}
	if n, err := r.Drain(func([]byte) bool { return true }); n != 0 || err != nil {
		t.Errorf("drained %d of an empty ring, %v", n, err)
	}
	if got := r.Pending(); got != 0 {
		t.Errorf("%d bytes pending", got)
	}
}

func TestDrainStops(t *testing.T) {
	c, r := open(t, source(1<<16, 8, 0, 0))
	send(t, c, 3)
	if got, want := r.Pending(), 3*16; got != want {
		t.Errorf("%d bytes pending, want %d", got, want)
	}
	for i := range uint64(3) {
		n, err := r.Drain(func(rec []byte) bool {
			if got := binary.NativeEndian.Uint64(rec); got != i {
				t.Errorf("record %d, want %d", got, i)
			}
			return false
		})
		if n != 1 || err != nil {
			t.Errorf("drained %d, %v", n, err)
		}
	}
}

// TestAccount lets a program send more than fits, while a reader drains: nothing may be unaccounted for.
func TestAccount(t *testing.T) {
	const total, every = 100_000, 7
	c, r := open(t, source(1<<12, 40, every, 0))
	done := make(chan struct{})
	var records uint64
	last := int64(-1)
	drain := func() {
		_, err := r.Drain(func(rec []byte) bool {
			i := int64(binary.NativeEndian.Uint64(rec))
			if i <= last || i%every == every-1 {
				t.Errorf("record %d after %d", i, last)
			}
			last = i
			records++
			return true
		})
		if err != nil {
			t.Error(err)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				drain()
			}
		}
	})
	for range total / 1000 {
		send(t, c, 1000)
	}
	close(done)
	wg.Wait()
	drain()
	sent, lost := counted(t, c, wordSent), counted(t, c, wordLost)
	s := r.Stats()
	if s.Records != records || s.Records != sent {
		t.Errorf("delivered %d, counted %d, sent %d", records, s.Records, sent)
	}
	if s.Records+s.Discarded+lost != total {
		t.Errorf("%d delivered + %d discarded + %d lost are not %d", s.Records, s.Discarded, lost, total)
	}
	if lost == 0 || s.Discarded == 0 {
		t.Errorf("the ring was never full (%d lost) or nothing was discarded (%d)", lost, s.Discarded)
	}
	if s.Bytes != 40*s.Records {
		t.Errorf("%d bytes in %d records of 40", s.Bytes, s.Records)
	}
}

func TestWait(t *testing.T) {
	c, r := open(t, source(1<<12, 8, 0, 0))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := range uint64(50) {
		var wg sync.WaitGroup
		wg.Go(func() { send(t, c, 1) })
		rec, err := r.Read(ctx, nil)
		if err != nil || binary.NativeEndian.Uint64(rec) != i {
			t.Fatalf("read %v, %v, want %d", rec, err, i)
		}
		wg.Wait()
	}
}

func TestWaitCancelled(t *testing.T) {
	c, r := open(t, source(1<<12, 8, 0, 0))
	for range 3 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		if err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cancel()
		if err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("context that ended before: %v", err)
		}
	}
	// A cancelled wait breaks off no other one.
	long, end := context.WithTimeout(context.Background(), time.Minute)
	defer end()
	other := make(chan error, 1)
	go func() { other <- r.Wait(long) }()
	for range 20 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		if err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	send(t, c, 1)
	if err := <-other; err != nil {
		t.Errorf("the other wait: %v", err)
	}
}

func TestCloseWakes(t *testing.T) {
	for range 100 {
		_, r := open(t, source(1<<12, 8, 0, 0))
		errs := make(chan error, 2)
		for range 2 {
			go func() { errs <- r.Wait(context.Background()) }()
		}
		for range 2 {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		for range 2 {
			if err := <-errs; !errors.Is(err, ErrClosed) || !errors.Is(err, os.ErrClosed) {
				t.Errorf("wait: %v", err)
			}
		}
		if _, err := r.Drain(nil); !errors.Is(err, ErrClosed) {
			t.Errorf("drain after close: %v", err)
		}
		if r.Pending() != 0 {
			t.Error("pending after close")
		}
	}
}

func TestCloseWhileDraining(t *testing.T) {
	c, r := open(t, source(1<<16, 64, 0, 0))
	send(t, c, 10)
	n, err := r.Drain(func(rec []byte) bool {
		r.Close()
		return rec[8] == 0 // the view is still good
	})
	if n != 1 || err != nil {
		t.Errorf("drained %d, %v", n, err)
	}
	if got := r.Stats().Records; got != 1 {
		t.Errorf("counted %d", got)
	}
}

func TestReaderOutlivesMap(t *testing.T) {
	c, r := open(t, source(1<<12, 8, 0, 0))
	send(t, c, 1)
	c.Close()
	if _, err := r.Read(context.Background(), nil); err != nil {
		t.Error(err)
	}
}

func TestSecondConsumer(t *testing.T) {
	c, r := open(t, source(1<<12, 8, 0, 0))
	send(t, c, 2)
	second, err := Open(c.Map("events"))
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := second.Read(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Drain(func([]byte) bool { return true }); !errors.Is(err, ErrConsumer) {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefusesOtherMaps(t *testing.T) {
	c, _ := open(t, source(1<<12, 8, 0, 0))
	if _, err := Open(c.Map("event")); err == nil || !strings.HasSuffix(err.Error(), `did you mean "events"?`) {
		t.Errorf("a ring of no map: %v", err)
	}
	if _, err := Open(c.Map("count")); err == nil {
		t.Error("an array was opened")
	}
	c.Close()
	if _, err := Open(c.Map("events")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed map: %v", err)
	}
}

func TestDrainAllocatesNothing(t *testing.T) {
	c, r := open(t, source(1<<16, 8, 0, 0))
	fn := func([]byte) bool { return true }
	run := loader.TestRunOptions{Data: make([]byte, 14), Repeat: 10}
	n := testing.AllocsPerRun(100, func() {
		if _, err := c.Program("send").TestRun(run); err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Drain(fn); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations per round", n)
	}
}
