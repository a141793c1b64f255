package host

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
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
)

// Places in the fake guest's memory.
const (
	bufferAt   = 8192
	bufferSize = 1024
)

// openSource opens the events of a running fake, with a batch hook that takes what consume says.
func openSource(t *testing.T, x *instance, o abi.SourceOpts) *source {
	t.Helper()
	fill(&o.BufPtr, bufferAt)
	fill(&o.BufLen, bufferSize)
	x.ok(t, "source_open", x.SourceOpen([]byte("events"), o))
	return x.run.sources[len(x.run.sources)-1]
}

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
	g.hooks["bpfhost_events"] = func(args ...uint64) (int32, error) {
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

// pump moves what is there, as the loop does in one turn.
func pumpAt(t *testing.T, x *instance, s *source, now time.Time) error {
	t.Helper()
	x.run.now = func() time.Time { return now }
	l := loop{r: x.run, x: x}
	return l.pump(context.Background(), context.Background(), s)
}

func TestSourceBatches(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, tt := range []struct {
		name    string
		opts    abi.SourceOpts
		records int
		after   time.Duration
		want    []int // records of each batch
	}{
		{"waits for more", abi.SourceOpts{}, 3, 0, nil},
		{"after its time", abi.SourceOpts{}, 3, defaultWait, []int{3}},
		{"before the plugin's time", abi.SourceOpts{MaxMs: 50}, 3, 49 * time.Millisecond, nil},
		{"after the plugin's time", abi.SourceOpts{MaxMs: 50}, 3, 50 * time.Millisecond, []int{3}},
		{"as many records as asked for", abi.SourceOpts{MaxRecords: 2}, 5, 0, []int{2, 2}},
		{"one by one", abi.SourceOpts{MaxRecords: 1}, 3, 0, []int{1, 1, 1}},
		{"buffer full", abi.SourceOpts{BufLen: 128}, 9, 0, []int{4, 4}}, // 16 + 10, padded to 32 bytes each
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, g, ring := running(t)
			batches := collect(t, g)
			s := openSource(t, x, tt.opts)
			ring.Send(numbers(0, tt.records)...)
			if err := pumpAt(t, x, s, start); err != nil {
				t.Fatal(err)
			}
			if tt.after > 0 {
				if err := pumpAt(t, x, s, start.Add(tt.after)); err != nil {
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
	x, g, ring := running(t)
	s := openSource(t, x, abi.SourceOpts{MaxRecords: 4})
	var seen []string
	g.hooks["bpfhost_events"] = func(args ...uint64) (int32, error) {
		batch := parseBatch(t, g, args)
		for _, e := range batch[:3] {
			seen = append(seen, e.data)
		}
		return 3, nil
	}
	ring.Send(numbers(0, 12)...)
	if err := pumpAt(t, x, s, time.Unix(1000, 0)); err != nil {
		t.Fatal(err)
	}
	if want := numbers(0, 9); !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
	if len(s.batch) != 3 || s.account.Delivered != 9 || s.account.Dropped != 0 {
		t.Errorf("%d wait, account %+v", len(s.batch), s.account)
	}
}

// While a guest consumes nothing its ring is left alone, and nothing is dropped.
func TestSourceBackPressure(t *testing.T) {
	x, g, ring := running(t)
	s := openSource(t, x, abi.SourceOpts{MaxRecords: 2})
	calls := 0
	g.hooks["bpfhost_events"] = func(...uint64) (int32, error) { calls++; return 0, nil }
	ring.Send(numbers(0, 6)...)
	now := time.Unix(1000, 0)
	for range 3 {
		if err := pumpAt(t, x, s, now); err != nil {
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
	if err := pumpAt(t, x, s, now.Add(retryAfter)); err != nil {
		t.Fatal(err)
	}
	if n := len(*batches); n != 3 || (*batches)[0][0].seq != 0 {
		t.Errorf("batches %v", *batches)
	}
}

func TestSourceTooLarge(t *testing.T) {
	x, g, ring := running(t)
	batches := collect(t, g)
	s := openSource(t, x, abi.SourceOpts{BufLen: 64, MaxRecords: 1})
	ring.Send(strings.Repeat("x", 48), strings.Repeat("y", 49), "z")
	if err := pumpAt(t, x, s, time.Unix(1000, 0)); err != nil {
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
	x, g, ring := running(t)
	s := openSource(t, x, abi.SourceOpts{MaxRecords: 1})
	results := []int32{-4, 1, -4, -4, -4}
	g.hooks["bpfhost_events"] = func(...uint64) (int32, error) {
		rc := results[0]
		results = results[1:]
		return rc, nil
	}
	ring.Send(numbers(0, 9)...)
	err := pumpAt(t, x, s, time.Unix(1000, 0))
	var failed *PluginError
	if !errors.As(err, &failed) || failed.Export != "bpfhost_events" || len(results) != 0 {
		t.Fatalf("error %v with %d results left; want a failed plugin after three errors in a row", err, len(results))
	}
	s.dropRest()
	if a := s.account; a.Delivered != 1 || a.Dropped != 8 {
		t.Errorf("account %+v, want 1 delivered and 8 dropped", a)
	}
}

func TestSourceTrap(t *testing.T) {
	x, g, ring := running(t)
	s := openSource(t, x, abi.SourceOpts{MaxRecords: 2})
	g.hooks["bpfhost_events"] = func(...uint64) (int32, error) { return 0, errBroken }
	ring.Send(numbers(0, 5)...)
	if err := pumpAt(t, x, s, time.Unix(1000, 0)); !errors.Is(err, errBroken) {
		t.Fatalf("error %v", err)
	}
	s.dropRest()
	if a := s.account; a.Delivered != 0 || a.Dropped != 5 {
		t.Errorf("account %+v, want 5 dropped", a)
	}
}

// Programs count what they lose; the guest is told, and the account has both sides.
func TestSourceLost(t *testing.T) {
	x, g, ring := running(t)
	batches := collect(t, g)
	counts := x.run.maps[1].m.(*backendtest.Map)
	set := func(key uint32, perCPU ...uint64) {
		b := make([]byte, 0, 32)
		for _, v := range perCPU {
			b = binary.NativeEndian.AppendUint64(b, v)
		}
		counts.Update(binary.NativeEndian.AppendUint32(nil, key), b, 0)
	}
	set(0, 1, 2, 3, 1)
	set(1, 0, 4, 8, 0)
	sym := x.ok(t, "sym", x.Sym([]byte("counts")))
	s := openSource(t, x, abi.SourceOpts{MaxRecords: 3, LostMap: sym, LostKey: 0, SentMap: sym, SentKey: 1})
	ring.Send(numbers(0, 5)...)
	now := time.Unix(1000, 0)
	if err := pumpAt(t, x, s, now); err != nil {
		t.Fatal(err)
	}
	first := (*batches)[0][0]
	if first.kind != abi.EventLost || binary.LittleEndian.Uint64([]byte(first.data)) != 7 {
		t.Errorf("the first record is %+v, want 7 lost", first)
	}
	if a := s.balanced(); a.Sent != 12 || a.Lost != 7 || a.Delivered != 5 || a.Missing != 0 || !a.SentKnown || !a.LostKnown {
		t.Errorf("account %+v", a)
	}
	stats := make([]byte, abi.SourceStatsSize)
	x.ok(t, "source_stats", x.SourceStats(s.handle, stats))
	var r abi.SourceStats
	r.Get(stats)
	if r.Sent != 12 || r.Lost != 7 || r.Delivered != 5 || r.Flags != abi.KnownSent|abi.KnownLost {
		t.Errorf("source_stats %+v", r)
	}
	errnoIn(t, "no room for the record", x.SourceStats(s.handle, stats[:40]), abi.ErrInval)
}

func TestSourceOpenMisuse(t *testing.T) {
	x, _, _ := running(t)
	x.symbols.id("blocked")
	x.symbols.id("counts")
	x.symbols.id("nope")
	good := abi.SourceOpts{BufPtr: bufferAt, BufLen: bufferSize}
	with := func(f func(*abi.SourceOpts)) abi.SourceOpts { o := good; f(&o); return o }
	for _, tt := range []struct {
		name string
		m    string
		o    abi.SourceOpts
		want abi.Errno
	}{
		{"no such map", "nope", good, abi.ErrNoent},
		{"no ring buffer", "blocked", good, abi.ErrNosup},
		{"flags", "events", with(func(o *abi.SourceOpts) { o.Flags = 1 }), abi.ErrInval},
		{"unaligned", "events", with(func(o *abi.SourceOpts) { o.BufPtr++ }), abi.ErrInval},
		{"too small", "events", with(func(o *abi.SourceOpts) { o.BufLen = 63 }), abi.ErrRange},
		{"outside of memory", "events", with(func(o *abi.SourceOpts) { o.BufLen = 1 << 30 }), abi.ErrFault},
		{"overflow", "events", with(func(o *abi.SourceOpts) { o.BufPtr, o.BufLen = 0xffff_fff8, 0xffff_ffff }), abi.ErrFault},
		{"too many records", "events", with(func(o *abi.SourceOpts) { o.MaxRecords = maxBatch + 1 }), abi.ErrRange},
		{"waits too long", "events", with(func(o *abi.SourceOpts) { o.MaxMs = 10_001 }), abi.ErrRange},
		{"count in a hash", "events", with(func(o *abi.SourceOpts) { o.LostMap = 1 }), abi.ErrInval},
		{"count out of range", "events", with(func(o *abi.SourceOpts) { o.LostMap, o.LostKey = 2, 2 }), abi.ErrRange},
		{"count in no map", "events", with(func(o *abi.SourceOpts) { o.SentMap = 3 }), abi.ErrNoent},
		{"count of no symbol", "events", with(func(o *abi.SourceOpts) { o.SentMap = 99 }), abi.ErrNoent},
	} {
		errnoIn(t, tt.name, x.SourceOpen([]byte(tt.m), tt.o), tt.want)
	}
	if n := len(x.run.sources); n != 0 {
		t.Fatalf("%d sources are open after failures", n)
	}
	s := openSource(t, x, good)
	errnoIn(t, "twice", x.SourceOpen([]byte("events"), good), abi.ErrExist)
	errnoIn(t, "unknown operation", x.SourceCtl(s.handle, 9), abi.ErrInval)
	x.ok(t, "handle_close", x.HandleClose(s.handle))
	errnoIn(t, "closed source", x.SourceCtl(s.handle, abi.SourcePause), abi.ErrBadh)
	x.ok(t, "open again", x.SourceOpen([]byte("drops/events"), good))
}

// A source that is closed by its own batch counts that batch as what the guest says.
func TestSourceClosedByGuest(t *testing.T) {
	x, g, ring := running(t)
	s := openSource(t, x, abi.SourceOpts{MaxRecords: 2})
	g.hooks["bpfhost_events"] = func(args ...uint64) (int32, error) {
		x.ok(t, "handle_close", x.HandleClose(uint32(args[0])))
		return 1, nil
	}
	ring.Send(numbers(0, 5)...)
	if err := pumpAt(t, x, s, time.Unix(1000, 0)); err != nil {
		t.Fatal(err)
	}
	if a := s.account; !s.closed || !ring.IsClosed || a.Delivered != 1 || a.Dropped != 4 || a.Sent != 5 {
		t.Errorf("closed %v, account %+v; want 1 delivered, 4 dropped", s.closed, a)
	}
}

func TestSourcePaused(t *testing.T) {
	x, g, ring := running(t)
	batches := collect(t, g)
	s := openSource(t, x, abi.SourceOpts{MaxRecords: 1})
	x.ok(t, "source_ctl", x.SourceCtl(s.handle, abi.SourcePause))
	ring.Send(numbers(0, 2)...)
	if err := pumpAt(t, x, s, time.Unix(1000, 0)); err != nil || len(*batches) != 0 {
		t.Errorf("paused: %v, %d batches", err, len(*batches))
	}
	x.ok(t, "source_ctl", x.SourceCtl(s.handle, abi.SourceResume))
	if err := pumpAt(t, x, s, time.Unix(1000, 0)); err != nil || len(*batches) != 2 {
		t.Errorf("resumed: %v, %d batches", err, len(*batches))
	}
}

func TestSourceRingFails(t *testing.T) {
	x, _, ring := running(t)
	s := openSource(t, x, abi.SourceOpts{})
	ring.Err = errBroken
	if err := pumpAt(t, x, s, time.Unix(1000, 0)); !errors.Is(err, errBroken) {
		t.Errorf("error %v, want that of the ring", err)
	}
}
