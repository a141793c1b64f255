package host

import (
	"context"
	"slices"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
)

// source is a ring buffer whose records go to the guest. Records are copied once, from the ring into
// the buffer that the guest registered, and handed over in batches.
type source struct {
	name   string
	ring   backend.Ring
	handle uint32

	ptr, size  uint32 // the guest's buffer
	maxRecords int
	maxWait    time.Duration

	paused bool
	closed bool

	used  uint32     // bytes of the buffer that hold records
	batch []recordAt // what they are
	first time.Time  // when the oldest of them arrived
	spill []byte     // a record that came when the buffer was full, and is the next one
	held  bool       // spill holds one
	retry time.Time  // the guest took nothing of a full buffer: not before
	seq   uint64
	bad   int // batches in a row that the guest refused

	sent, lost *counter
	told       uint64 // lost records that the guest was told of
	asked      time.Time
	account    SourceAccount

	calling  bool // the guest has the batch
	leaving  bool // and closed the source meanwhile
	watched  bool
	signaled bool // its watcher waits to be resumed
	resume   chan struct{}
}

// recordAt is one record in the guest's buffer.
type recordAt struct {
	end  uint32 // offset behind it
	data bool   // not one of the host's own
}

// Bounds and defaults of sources.
const (
	maxSources       = 64
	maxBatch         = 1 << 16
	maxWaitLimit     = 10 * time.Second
	minBuffer        = 64
	defaultWait      = 10 * time.Millisecond
	retryAfter       = 10 * time.Millisecond
	lostEvery        = 100 * time.Millisecond // between two looks at the lost count
	eventHeader      = abi.EventHeaderSize
	lostRecordLength = eventHeader + 8
)

// SourceOpen makes a ring buffer an event source.
func (x *instance) SourceOpen(name []byte, o abi.SourceOpts) int32 {
	s, err := x.openSource(string(name), &o)
	if err != nil {
		return x.reply(abi.FuncSourceOpen, 0, err)
	}
	h, err := x.handles.open(abi.KindSource, s)
	if err != nil {
		s.ring.Close()
		return x.reply(abi.FuncSourceOpen, 0, err)
	}
	s.handle = uint32(h)
	x.run.sources = append(x.run.sources, s)
	return int32(h)
}

func (x *instance) openSource(name string, o *abi.SourceOpts) (*source, error) {
	r := x.run
	m, err := r.findMap(name)
	if err != nil {
		return nil, err
	}
	if m.m.Type() != spec.MapRingbuf {
		return nil, failf(abi.ErrNosup, "map %q is a %s; only a ring buffer can be a source", name, m.m.Type())
	}
	full := m.object + "/" + m.m.Name()
	if slices.ContainsFunc(r.sources, func(s *source) bool { return s.account.Source == full && !s.closed }) {
		return nil, failf(abi.ErrExist, "map %q is a source already", name)
	}
	if len(r.sources) >= maxSources {
		return nil, failf(abi.ErrLimit, "a run has at most %d sources", maxSources)
	}
	if err := x.checkOptions(o); err != nil {
		return nil, err
	}
	s := &source{
		name: m.m.Name(), ptr: o.BufPtr, size: o.BufLen, maxRecords: int(o.MaxRecords),
		maxWait: time.Duration(o.MaxMs) * time.Millisecond, resume: make(chan struct{}, 1),
	}
	s.account.Source = full
	fill(&s.maxRecords, maxBatch)
	fill(&s.maxWait, defaultWait)
	if s.lost, err = x.counter(o.LostMap, o.LostKey); err != nil {
		return nil, err
	}
	if s.sent, err = x.counter(o.SentMap, o.SentKey); err != nil {
		return nil, err
	}
	if s.ring, err = r.backend.OpenRing(m.m); err != nil {
		return nil, err
	}
	return s, nil
}

func (x *instance) checkOptions(o *abi.SourceOpts) error {
	switch {
	case o.Flags != 0:
		return failf(abi.ErrInval, "flags %#x are not known", o.Flags)
	case o.BufPtr%8 != 0:
		return failf(abi.ErrInval, "the buffer at %#x is not aligned to 8 bytes", o.BufPtr)
	case o.BufLen < minBuffer:
		return failf(abi.ErrRange, "a buffer of %d bytes is too small; %d at least", o.BufLen, minBuffer)
	case o.MaxRecords > maxBatch:
		return failf(abi.ErrRange, "a batch has at most %d records", maxBatch)
	case time.Duration(o.MaxMs)*time.Millisecond > maxWaitLimit:
		return failf(abi.ErrRange, "records wait at most %s", maxWaitLimit)
	}
	if _, ok := x.guest.View(o.BufPtr, o.BufLen); !ok {
		return failf(abi.ErrFault, "the buffer of %d bytes at %#x is not in the guest's memory", o.BufLen, o.BufPtr)
	}
	return nil
}

// counter opens the counter that options name by symbol, nil if they name none.
func (x *instance) counter(sym, key uint32) (*counter, error) {
	if sym == 0 {
		return nil, nil
	}
	name, err := x.symbols.name(sym)
	if err != nil {
		return nil, err
	}
	return x.run.openCounter(name, key)
}

// sourceOf gives the source behind a handle.
func (x *instance) sourceOf(h uint32) (*source, error) {
	obj, err := x.handles.get(h, abi.KindSource)
	if err != nil {
		return nil, err
	}
	return obj.(*source), nil
}

// SourceCtl pauses or resumes a source.
func (x *instance) SourceCtl(src, op uint32) int32 {
	s, err := x.sourceOf(src)
	switch {
	case err != nil:
	case op == abi.SourcePause:
		s.paused = true
	case op == abi.SourceResume:
		s.paused = false
	default:
		err = failf(abi.ErrInval, "operation %d is not known", op)
	}
	return x.reply(abi.FuncSourceCtl, 0, err)
}

// SourceStats gives the account of a source up to now.
func (x *instance) SourceStats(src uint32, stats []byte) int32 {
	s, err := x.sourceOf(src)
	if err != nil {
		return x.reply(abi.FuncSourceStats, 0, err)
	}
	a := s.balanced()
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

// balanced is the account of the source with the program's counts as they are now.
func (s *source) balanced() SourceAccount {
	a := s.account
	if s.closed {
		return a
	}
	var err error
	if s.sent != nil {
		a.SentKnown = true
		if a.Sent, err = s.sent.read(); err != nil {
			a.SentKnown, a.Incomplete = false, true
		}
	}
	if s.lost != nil {
		a.LostKnown = true
		if a.Lost, err = s.lost.read(); err != nil {
			a.LostKnown, a.Incomplete = false, true
		}
	}
	a.balance()
	return a
}

// closeSource ends a source: the rest of it is dropped and its account is final.
func (r *Run) closeSource(s *source) {
	if s.calling { // what the guest does with the batch in its hands counts
		s.leaving = true
		return
	}
	if s.closed {
		return
	}
	s.dropRest()
	s.account = s.balanced()
	s.closed = true
	s.ring.Close()
}

// due says when the source wants attention if nothing arrives; zero is never.
func (s *source) due() time.Time {
	switch {
	case s.closed || s.paused:
		return time.Time{}
	case !s.retry.IsZero():
		return s.retry
	case s.signaled:
		return time.Unix(0, 0) // it was held up and is not any more
	case len(s.batch) == 0:
		return time.Time{}
	}
	return s.first.Add(s.maxWait)
}

// watch tells the loop when there is something to read. It ends with ctx or with the ring.
func (s *source) watch(ctx context.Context, ready chan<- *source) {
	for {
		if err := s.ring.Wait(ctx); err != nil {
			return // ctx ended, or the source is closed
		}
		select {
		case ready <- s:
		case <-ctx.Done():
			return
		}
		select {
		case <-s.resume:
		case <-ctx.Done():
			return
		}
	}
}
