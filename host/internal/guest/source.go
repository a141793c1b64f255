package guest

import (
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/events"
)

// eventCalls are the functions of the group events and output.
type eventCalls struct{ *state }

// SourceOpen makes a ring buffer an event source.
func (x eventCalls) SourceOpen(name []byte, o abi.SourceOpts) int32 {
	how, err := x.sourceOptions(string(name), &o)
	if err != nil {
		return x.reply(abi.FuncSourceOpen, 0, err)
	}
	s := events.NewSource(how)
	h, err := x.handles.open(abi.KindSource, s)
	if err != nil {
		how.Ring.Close()
		return x.reply(abi.FuncSourceOpen, 0, err)
	}
	s.SetHandle(uint32(h))
	x.live.Events.Add(s)
	return int32(h)
}

// sourceOptions checks what a guest asks for, and opens the ring.
func (x eventCalls) sourceOptions(name string, o *abi.SourceOpts) (events.Options, error) {
	l := x.live
	how := events.Options{
		Ptr: o.BufPtr, Size: o.BufLen, MaxRecords: int(o.MaxRecords), MaxWait: time.Duration(o.MaxMs) * time.Millisecond,
	}
	m, err := l.findMap(name)
	if err != nil {
		return how, err
	}
	if m.Map.Type() != spec.MapRingbuf {
		return how, failf(abi.ErrNosup, "map %q is a %s; only a ring buffer can be a source", name, m.Map.Type())
	}
	how.Name = m.Object + "/" + m.Map.Name()
	if l.Events.Reads(how.Name) {
		return how, failf(abi.ErrExist, "map %q is a source already", name)
	}
	if l.Events.Len() >= events.MaxSources {
		return how, budget.TooMany("event sources", l.Events.Len()+1, events.MaxSources, "close one with handle_close")
	}
	if err := x.checkOptions(o); err != nil {
		return how, err
	}
	if how.Lost, err = x.counter(o.LostMap, o.LostKey); err != nil {
		return how, err
	}
	if how.Sent, err = x.counter(o.SentMap, o.SentKey); err != nil {
		return how, err
	}
	how.Ring, err = l.Backend.OpenRing(m.Map)
	return how, err
}

func (x eventCalls) checkOptions(o *abi.SourceOpts) error {
	switch {
	case o.Flags != 0:
		return failf(abi.ErrInval, "flags %#x are not known", o.Flags)
	case o.BufPtr%8 != 0:
		return failf(abi.ErrInval, "the buffer at %#x is not aligned to 8 bytes", o.BufPtr)
	case o.BufLen < events.MinBuffer:
		return failf(abi.ErrRange, "a buffer of %d bytes is too small; %d at least", o.BufLen, events.MinBuffer)
	case o.MaxRecords > events.MaxBatch:
		return failf(abi.ErrRange, "a batch has at most %d records", events.MaxBatch)
	case time.Duration(o.MaxMs)*time.Millisecond > events.MaxWait:
		return failf(abi.ErrRange, "records wait at most %s", events.MaxWait)
	}
	if _, ok := x.guest.View(o.BufPtr, o.BufLen); !ok {
		return failf(abi.ErrFault, "the buffer of %d bytes at %#x is not in the guest's memory", o.BufLen, o.BufPtr)
	}
	return nil
}

// counter opens the counter that options name by symbol, nil if they name none.
func (x eventCalls) counter(sym, key uint32) (*events.Counter, error) {
	if sym == 0 {
		return nil, nil
	}
	name, err := x.symbols.name(sym)
	if err != nil {
		return nil, err
	}
	return x.live.openCounter(name, key)
}

// sourceOf returns the source that a handle names.
func (x eventCalls) sourceOf(h uint32) (*events.Source, error) {
	obj, err := x.handles.get(h, abi.KindSource)
	if err != nil {
		return nil, err
	}
	return obj.(*events.Source), nil
}

// SourceCtl pauses or resumes a source.
func (x eventCalls) SourceCtl(src, op uint32) int32 {
	s, err := x.sourceOf(src)
	switch {
	case err != nil:
	case op == abi.SourcePause:
		s.Pause(true)
	case op == abi.SourceResume:
		s.Pause(false)
	default:
		err = failf(abi.ErrInval, "operation %d is not known", op)
	}
	return x.reply(abi.FuncSourceCtl, 0, err)
}

// SourceStats returns the account of a source up to now.
func (x eventCalls) SourceStats(src uint32, stats []byte) int32 {
	s, err := x.sourceOf(src)
	if err != nil {
		return x.reply(abi.FuncSourceStats, 0, err)
	}
	a := s.Account()
	r := abi.SourceStats{Size: abi.SourceStatsSize, Sent: a.Sent, Delivered: a.Delivered, Lost: a.Lost, Dropped: a.Dropped, Batches: a.Batches}
	if a.SentKnown {
		r.Flags |= abi.KnownSent
	}
	if a.LostKnown {
		r.Flags |= abi.KnownLost
	}
	var b [abi.SourceStatsSize]byte
	r.Put(b[:])
	n := abi.CopyRecord(stats, b[:], abi.SourceStatsSize)
	if n < 0 {
		return x.reply(abi.FuncSourceStats, 0, failf(abi.ErrInval, "the buffer is smaller than the record"))
	}
	return n
}

// openCounter checks that a map can be read as a counter.
func (l *Live) openCounter(name string, key uint32) (*events.Counter, error) {
	found, err := l.findMap(name)
	if err != nil {
		return nil, err
	}
	m := found.Map
	switch {
	case m.Type() != spec.MapArray && m.Type() != spec.MapPerCPUArray:
		return nil, failf(abi.ErrInval, "counts are kept in an array; map %q is a %s", name, m.Type())
	case m.ValueSize() != 8 || m.KeySize() != 4:
		return nil, failf(abi.ErrInval, "a count has 8 bytes; the values of map %q have %d", name, m.ValueSize())
	case uint64(key) >= uint64(m.MaxEntries()):
		return nil, failf(abi.ErrRange, "map %q has %d entries; there is none at %d", name, m.MaxEntries(), key)
	}
	return events.NewCounter(m, key), nil
}

// OutWrite takes output.
func (x eventCalls) OutWrite(s abi.Stream, data []byte) int32 {
	return x.reply(abi.FuncOutWrite, len(data), x.out.write(s, data))
}

// maxTick bounds the period of the timer.
const maxTick = 24 * time.Hour

// Timer has bpfhost_tick called every so many milliseconds.
func (x eventCalls) Timer(ms uint32) int32 {
	period := time.Duration(ms) * time.Millisecond
	if period > maxTick {
		return x.reply(abi.FuncTimer, 0, failf(abi.ErrRange, "a timer runs every %s at least", maxTick))
	}
	x.live.Events.SetTimer(period)
	return 0
}
