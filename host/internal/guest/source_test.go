package guest

import (
	"encoding/binary"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/internal/events"
)

// Places in the fake guest's memory.
const (
	bufferAt   = 8192
	bufferSize = 1024
)

// openSource opens the events of a running fake and returns its handle.
func openSource(t *testing.T, x *fake, o abi.SourceOpts) uint32 {
	t.Helper()
	o.BufPtr, o.BufLen = bufferAt, bufferSize
	return x.ok(t, "source_open", x.SourceOpen([]byte("events"), o))
}

func TestSourceOpenMisuse(t *testing.T) {
	x := running(t)
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
		{"too many records", "events", with(func(o *abi.SourceOpts) { o.MaxRecords = events.MaxBatch + 1 }), abi.ErrRange},
		{"waits too long", "events", with(func(o *abi.SourceOpts) { o.MaxMs = 10_001 }), abi.ErrRange},
		{"count in a hash", "events", with(func(o *abi.SourceOpts) { o.LostMap = 1 }), abi.ErrInval},
		{"count out of range", "events", with(func(o *abi.SourceOpts) { o.LostMap, o.LostKey = 2, 2 }), abi.ErrRange},
		{"count in no map", "events", with(func(o *abi.SourceOpts) { o.SentMap = 3 }), abi.ErrNoent},
		{"count of no symbol", "events", with(func(o *abi.SourceOpts) { o.SentMap = 99 }), abi.ErrNoent},
	} {
		errnoIn(t, tt.name, x.SourceOpen([]byte(tt.m), tt.o), tt.want)
	}
	if n := x.live.Events.Len(); n != 0 {
		t.Fatalf("%d sources are open after failures", n)
	}
	s := openSource(t, x, good)
	errnoIn(t, "twice", x.SourceOpen([]byte("events"), good), abi.ErrExist)
	errnoIn(t, "unknown operation", x.SourceCtl(s, 9), abi.ErrInval)
	x.ok(t, "handle_close", x.HandleClose(s))
	errnoIn(t, "closed source", x.SourceCtl(s, abi.SourcePause), abi.ErrBadh)
	x.ok(t, "open again", x.SourceOpen([]byte("drops/events"), good))
}

// A guest reads the account of a source, with what its programs count themselves.
func TestSourceStats(t *testing.T) {
	x := running(t)
	counts := x.live.Maps[1].Map.(*backendtest.Map)
	for key, n := range []uint64{7, 12} {
		b := make([]byte, 32)
		binary.NativeEndian.PutUint64(b[8*key:], n)
		if err := counts.Update(binary.NativeEndian.AppendUint32(nil, uint32(key)), b, 0); err != nil {
			t.Fatal(err)
		}
	}
	sym := x.ok(t, "sym", x.Sym([]byte("counts")))
	s := openSource(t, x, abi.SourceOpts{LostMap: sym, LostKey: 0, SentMap: sym, SentKey: 1})
	x.ok(t, "source_ctl", x.SourceCtl(s, abi.SourcePause))
	x.ok(t, "source_ctl", x.SourceCtl(s, abi.SourceResume))
	stats := make([]byte, abi.SourceStatsSize)
	x.ok(t, "source_stats", x.SourceStats(s, stats))
	var r abi.SourceStats
	r.Get(stats)
	if r.Sent != 12 || r.Lost != 7 || r.Delivered != 0 || r.Flags != abi.KnownSent|abi.KnownLost {
		t.Errorf("source_stats %+v", r)
	}
	errnoIn(t, "no room for the record", x.SourceStats(s, stats[:40]), abi.ErrInval)
}
