package events

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
)

var errBroken = errors.New("broken")

// fakeGuest is a guest made of Go functions.
type fakeGuest struct {
	memory  []byte
	deliver func(args ...uint64) (int32, error)
	ticks   int
	stopped bool
}

func (g *fakeGuest) Name() string { return "fake" }

func (g *fakeGuest) View(ptr, n uint32) ([]byte, bool) {
	if uint64(ptr)+uint64(n) > uint64(len(g.memory)) {
		return nil, false
	}
	return g.memory[ptr : ptr+n], true
}

func (g *fakeGuest) Deliver(_ context.Context, source, ptr, size, records uint32) (int32, error) {
	return g.deliver(uint64(source), uint64(ptr), uint64(size), uint64(records))
}

func (g *fakeGuest) MaxRejected() int { return 3 }
func (g *fakeGuest) Rejected(rc int32) error {
	return fmt.Errorf("rejected with %d: %w", rc, errBroken)
}
func (g *fakeGuest) Broke(err error) error      { return fmt.Errorf("%w: %w", errBroken, err) }
func (g *fakeGuest) Tick(context.Context) error { g.ticks++; return nil }
func (g *fakeGuest) Stopped() bool              { return g.stopped }

// running is a loop on a fake guest, with a ring.
func running(t *testing.T) (*Loop, *fakeGuest, *backendtest.Ring) {
	t.Helper()
	g := &fakeGuest{memory: make([]byte, 64<<10)}
	return NewLoop(g, nil), g, backendtest.NewRing()
}

// openSource opens a ring.
func openSource(t *testing.T, l *Loop, ring *backendtest.Ring, o Options) *Source {
	t.Helper()
	o.Name, o.Ring, o.Ptr, o.Handle = "drops/events", ring, bufferAt, 7
	if o.Size == 0 {
		o.Size = bufferSize
	}
	s := NewSource(o)
	l.Add(s)
	return s
}

// Places in the fake guest's memory.
const (
	bufferAt   = 8192
	bufferSize = 1024
)

// event is what a guest sees of a record.
type event struct {
	kind uint32
	seq  uint64
	data string
}

// parseBatch reads a batch as a guest does.
func parseBatch(t *testing.T, g *fakeGuest, args []uint64) []event {
	t.Helper()
	b := g.memory[args[1] : args[1]+args[2]]
	var out []event
	for range args[3] {
		var h abi.EventHeader
		h.Get(b)
		end := abi.EventHeaderSize + int(h.Len+7)&^7
		for _, c := range b[abi.EventHeaderSize+int(h.Len) : end] {
			if c != 0 {
				t.Errorf("padding of record %d is not zero", h.Seq)
			}
		}
		out = append(out, event{h.Kind, h.Seq, string(b[abi.EventHeaderSize : abi.EventHeaderSize+h.Len])})
		b = b[end:]
	}
	if len(b) != 0 {
		t.Errorf("%d bytes are left behind the records", len(b))
	}
	return out
}

// collect makes the batch hook keep every batch and consume all.
func collect(t *testing.T, g *fakeGuest) *[][]event {
	t.Helper()
	var batches [][]event
	g.deliver = func(args ...uint64) (int32, error) {
		batches = append(batches, parseBatch(t, g, args))
		return int32(args[3]), nil
	}
	return &batches
}

func numbers(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("record %03d", i))
	}
	return out
}

// pollAt moves what is there, as the loop does in one turn.
func pollAt(t *testing.T, l *Loop, s *Source, now time.Time) error {
	t.Helper()
	l.now = func() time.Time { return now }
	return l.poll(context.Background(), context.Background(), s)
}

func TestSourceBatches(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, tt := range []struct {
		name    string
		opts    Options
		records int
		after   time.Duration
		want    []int // records of each batch
	}{
		{"waits for more", Options{}, 3, 0, nil},
		{"after its time", Options{}, 3, DefaultWait, []int{3}},
		{"before the plugin's time", Options{MaxWait: 50 * time.Millisecond}, 3, 49 * time.Millisecond, nil},
		{"after the plugin's time", Options{MaxWait: 50 * time.Millisecond}, 3, 50 * time.Millisecond, []int{3}},
		{"as many records as asked for", Options{MaxRecords: 2}, 5, 0, []int{2, 2}},
		{"one by one", Options{MaxRecords: 1}, 3, 0, []int{1, 1, 1}},
		{"buffer full", Options{Size: 128}, 9, 0, []int{4, 4}}, // 16 + 10, padded to 32 bytes each
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, g, ring := running(t)
			batches := collect(t, g)
			s := openSource(t, l, ring, tt.opts)
			ring.Send(numbers(0, tt.records)...)
			if err := pollAt(t, l, s, start); err != nil {
				t.Fatal(err)
			}
			if tt.after > 0 {
				if err := pollAt(t, l, s, start.Add(tt.after)); err != nil {
					t.Fatal(err)
				}
			}
			var got []int
			next := uint64(0)
			for _, b := range *batches {
				got = append(got, len(b))
				for _, e := range b {
					if e.seq != next || e.data != fmt.Sprintf("record %03d", next) {
						t.Errorf("record %d is %+v", next, e)
					}
					next++
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("batches of %v records, want %v", got, tt.want)
			}
			if s.account.Delivered != next {
				t.Errorf("delivered %d, want %d", s.account.Delivered, next)
			}
		})
	}
}

// A guest that consumes a part gets the rest again, in front of what comes after.
func TestSourcePartly(t *testing.T) {
	l, g, ring := running(t)
	s := openSource(t, l, ring, Options{MaxRecords: 4})
	var seen []string
	g.deliver = func(args ...uint64) (int32, error) {
		batch := parseBatch(t, g, args)
		for _, e := range batch[:3] {
			seen = append(seen, e.data)
		}
		return 3, nil
	}
	ring.Send(numbers(0, 12)...)
	if err := pollAt(t, l, s, time.Unix(1000, 0)); err != nil {
		t.Fatal(err)
	}
	if want := numbers(0, 9); !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
	if s.batch.len() != 3 || s.account.Delivered != 9 || s.account.Dropped != 0 {
		t.Errorf("%d wait, account %+v", s.batch.len(), s.account)
	}
}

// While a guest consumes nothing its ring is left alone, and nothing is dropped.
func TestSourceBackPressure(t *testing.T) {
	l, g, ring := running(t)
	s := openSource(t, l, ring, Options{MaxRecords: 2})
	calls := 0
	g.deliver = func(...uint64) (int32, error) { calls++; return 0, nil }
	ring.Send(numbers(0, 6)...)
	now := time.Unix(1000, 0)
	for range 3 {
		if err := pollAt(t, l, s, now); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 1 || len(ring.Records) != 4 || s.account.Dropped != 0 {
		t.Errorf("%d calls, %d records in the ring, account %+v", calls, len(ring.Records), s.account)
	}
	if due := s.due(); !due.Equal(now.Add(retryAfter)) {
		t.Errorf("due at %v, want after %v", due, retryAfter)
	}
	batches := collect(t, g)
	if err := pollAt(t, l, s, now.Add(retryAfter)); err != nil {
		t.Fatal(err)
	}
	if n := len(*batches); n != 3 || (*batches)[0][0].seq != 0 {
		t.Errorf("batches %v", *batches)
	}
}

func TestSourceTooLarge(t *testing.T) {
	l, g, ring := running(t)
	batches := collect(t, g)
	s := openSource(t, l, ring, Options{Size: 64, MaxRecords: 1})
	ring.Send(strings.Repeat("x", 48), strings.Repeat("y", 49), "z")
	if err := pollAt(t, l, s, time.Unix(1000, 0)); err != nil {
		t.Fatal(err)
	}
	if n := len(*batches); n != 2 || s.account.Delivered != 2 || s.account.Dropped != 1 {
		t.Fatalf("%d batches, account %+v; want 2 delivered and 1 dropped", n, s.account)
	}
	if last := (*batches)[1][0]; last.seq != 2 || last.data != "z" {
		t.Errorf("the last record is %+v, want z with number 2", last)
	}
}

func TestSourceErrors(t *testing.T) {
	l, g, ring := running(t)
	s := openSource(t, l, ring, Options{MaxRecords: 1})
	results := []int32{-4, 1, -4, -4, -4}
	g.deliver = func(...uint64) (int32, error) {
		rc := results[0]
		results = results[1:]
		return rc, nil
	}
	ring.Send(numbers(0, 9)...)
	err := pollAt(t, l, s, time.Unix(1000, 0))
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "3 batches in a row: rejected with -4") || len(results) != 0 {
		t.Fatalf("error %v with %d results left; want a failed plugin after three errors in a row", err, len(results))
	}
	s.dropRest()
	if a := s.account; a.Delivered != 1 || a.Dropped != 8 {
		t.Errorf("account %+v, want 1 delivered and 8 dropped", a)
	}
}

func TestSourceTrap(t *testing.T) {
	l, g, ring := running(t)
	s := openSource(t, l, ring, Options{MaxRecords: 2})
	g.deliver = func(...uint64) (int32, error) { return 0, errBroken }
	ring.Send(numbers(0, 5)...)
	if err := pollAt(t, l, s, time.Unix(1000, 0)); !errors.Is(err, errBroken) {
		t.Fatalf("error %v", err)
	}
	s.dropRest()
	if a := s.account; a.Delivered != 0 || a.Dropped != 5 {
		t.Errorf("account %+v, want 5 dropped", a)
	}
}

// Programs count what they lose; the guest is told, and the account has both sides.
func TestSourceLost(t *testing.T) {
	l, g, ring := running(t)
	batches := collect(t, g)
	counts := backendtest.NewMap("counts", spec.MapPerCPUArray, 4, 8, 2)
	set := func(key uint32, perCPU ...uint64) {
		b := make([]byte, 0, 32)
		for _, v := range perCPU {
			b = binary.NativeEndian.AppendUint64(b, v)
		}
		counts.Update(binary.NativeEndian.AppendUint32(nil, key), b, 0)
	}
	set(0, 1, 2, 3, 1)
	set(1, 0, 4, 8, 0)
	s := openSource(t, l, ring, Options{MaxRecords: 3, Lost: NewCounter(counts, 0), Sent: NewCounter(counts, 1)})
	ring.Send(numbers(0, 5)...)
	now := time.Unix(1000, 0)
	if err := pollAt(t, l, s, now); err != nil {
		t.Fatal(err)
	}
	first := (*batches)[0][0]
	if first.kind != abi.EventLost || binary.LittleEndian.Uint64([]byte(first.data)) != 7 {
		t.Errorf("the first record is %+v, want 7 lost", first)
	}
	if a := s.Account(); a.Sent != 12 || a.Lost != 7 || a.Delivered != 5 || a.Missing != 0 || !a.SentKnown || !a.LostKnown {
		t.Errorf("account %+v", a)
	}
}

// A source that is closed by its own batch counts that batch as what the guest says.
func TestSourceClosedByGuest(t *testing.T) {
	l, g, ring := running(t)
	s := openSource(t, l, ring, Options{MaxRecords: 2})
	g.deliver = func(args ...uint64) (int32, error) {
		s.Close()
		return 1, nil
	}
	ring.Send(numbers(0, 5)...)
	if err := pollAt(t, l, s, time.Unix(1000, 0)); err != nil {
		t.Fatal(err)
	}
	if a := s.account; !s.closed || !ring.IsClosed || a.Delivered != 1 || a.Dropped != 4 || a.Sent != 5 {
		t.Errorf("closed %v, account %+v; want 1 delivered, 4 dropped", s.closed, a)
	}
}

func TestSourcePaused(t *testing.T) {
	l, g, ring := running(t)
	batches := collect(t, g)
	s := openSource(t, l, ring, Options{MaxRecords: 1})
	s.Pause(true)
	ring.Send(numbers(0, 2)...)
	if err := pollAt(t, l, s, time.Unix(1000, 0)); err != nil || len(*batches) != 0 {
		t.Errorf("paused: %v, %d batches", err, len(*batches))
	}
	s.Pause(false)
	if err := pollAt(t, l, s, time.Unix(1000, 0)); err != nil || len(*batches) != 2 {
		t.Errorf("resumed: %v, %d batches", err, len(*batches))
	}
}

func TestSourceRingFails(t *testing.T) {
	l, _, ring := running(t)
	s := openSource(t, l, ring, Options{})
	ring.Err = errBroken
	if err := pollAt(t, l, s, time.Unix(1000, 0)); !errors.Is(err, errBroken) {
		t.Errorf("error %v, want that of the ring", err)
	}
}

// A guest that freed its buffer is to blame for it.
func TestSourceBufferGone(t *testing.T) {
	l, g, ring := running(t)
	s := openSource(t, l, ring, Options{})
	g.memory = nil
	if err := pollAt(t, l, s, time.Unix(1000, 0)); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "the buffer of source events left") {
		t.Errorf("error %v", err)
	}
}
