package events

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// The timer hook is called when it is due, and missed calls are not made up for.
func TestLoopTimer(t *testing.T) {
	l, g, _ := running(t)
	now := time.Unix(1000, 0)
	l.now = func() time.Time { return now }
	l.SetTimer(time.Second)
	for _, tt := range []struct {
		after time.Duration
		ticks int
	}{{0, 0}, {999 * time.Millisecond, 0}, {time.Millisecond, 1}, {0, 1}, {5 * time.Second, 2}, {0, 2}} {
		now = now.Add(tt.after)
		if err := l.tick(context.Background()); err != nil || g.ticks != tt.ticks {
			t.Errorf("at %v: %d ticks, %v; want %d", now, g.ticks, err, tt.ticks)
		}
	}
	l.SetTimer(0)
	now = now.Add(time.Hour)
	if err := l.tick(context.Background()); err != nil || g.ticks != 2 {
		t.Errorf("without a timer: %d ticks, %v", g.ticks, err)
	}
}

// What is left is handed over even if it is paused, and what the guest does not take is dropped.
func TestLoopDrain(t *testing.T) {
	l, g, ring := running(t)
	s := openSource(t, l, ring, Options{MaxRecords: 2})
	s.Pause(true)
	ring.Send(numbers(0, 5)...)
	left := 3
	g.deliver = func(args ...uint64) (int32, error) {
		n := min(left, int(args[3]))
		left -= n
		return int32(n), nil
	}
	if err := l.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if a := l.Accounts(); len(a) != 1 || a[0].Source != "events" || a[0].Delivered != 3 || a[0].Dropped != 2 || !ring.IsClosed {
		t.Errorf("accounts %+v", a)
	}
	if l.Reads("drops/events") {
		t.Error("a closed source is read")
	}
}

// In a place in which things happen when they are asked for, the guest has what came before the next
// thing happens, its timer goes by the time of the place, and the end of it ends the loop.
func TestLoopStep(t *testing.T) {
	l, g, ring := running(t)
	now := time.Unix(1000, 0)
	l.now = func() time.Time { return now }
	openSource(t, l, ring, Options{MaxWait: time.Second})
	l.SetTimer(2 * time.Second)
	var log []string
	g.deliver = func(args ...uint64) (int32, error) {
		for _, e := range parseBatch(t, g, args) {
			log = append(log, e.data)
		}
		return int32(args[3]), nil
	}
	steps, published := 0, 0
	next := func() error {
		steps++
		log = append(log, fmt.Sprint("step ", steps))
		ring.Send(fmt.Sprint("record ", steps))
		now = now.Add(time.Second)
		if steps == 4 {
			return io.EOF
		}
		return nil
	}
	if err := l.Step(context.Background(), next, func() { published++ }); err != nil {
		t.Fatal(err)
	}
	want := "step 1, step 2, record 1, record 2, step 3, step 4, record 3, record 4"
	if got := strings.Join(log, ", "); got != want || g.ticks != 2 || published != 3 {
		t.Errorf("%s, %d ticks, published %d times", got, g.ticks, published)
	}
	broken := func() error { return errBroken }
	if err := l.Step(context.Background(), broken, func() {}); err != errBroken {
		t.Errorf("error %v", err)
	}
	g.stopped = true
	if err := l.Step(context.Background(), broken, func() {}); err != nil {
		t.Errorf("a guest that stopped: %v", err)
	}
}
