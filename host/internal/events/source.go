package events

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Options say how a source is read.
type Options struct {
	Name       string // object/map
	Ring       backend.Ring
	Handle     uint32        // by which the guest knows the source
	Ptr, Size  uint32        // the guest's buffer
	MaxRecords int           // of a batch; 0 is MaxBatch
	MaxWait    time.Duration // of the first record of a batch; 0 is DefaultWait
	Sent, Lost *Counter      // what the program counts itself, or nil
}

// Bounds and defaults of sources.
const (
	MaxSources  = 64                    // of a run
	MaxBatch    = 1 << 16               // records
	MaxWait     = 10 * time.Second      // that a record waits for others
	MinBuffer   = 64                    // bytes
	DefaultWait = 10 * time.Millisecond // that a record waits for others
)

// Times and sizes of sources.
const (
	retryAfter       = 10 * time.Millisecond
	lostEvery        = 100 * time.Millisecond // between two looks at the lost count
	lostRecordLength = eventHeader + 8
)

// Source is a ring buffer whose records go to the guest. Records are copied once, from the ring
// into the buffer that the guest registered, and handed over in batches.
type Source struct {
	options Options

	paused bool
	closed bool

	batch           batch
	overflow        []byte    // a record that came when the buffer was full, and is the next one
	hasOverflow     bool      // overflow holds one
	retry           time.Time // the guest took nothing of a full buffer: not before
	rejectedBatches int       // in a row

	reportedLost uint64    // lost records that the guest was told of
	lastRead     time.Time // when the lost count was read
	account      Account

	delivering         bool // the guest has the batch
	closeAfterDelivery bool // the guest closed the source during a delivery
	watched            bool
	signaled           bool // its watcher waits to be resumed
	resume             chan struct{}
}

// NewSource makes a source of an open ring. It closes the ring with itself.
func NewSource(o Options) *Source {
	if o.MaxRecords == 0 {
		o.MaxRecords = MaxBatch
	}
	if o.MaxWait == 0 {
		o.MaxWait = DefaultWait
	}
	s := &Source{options: o, batch: batch{size: o.Size}, resume: make(chan struct{}, 1)}
	s.account.Source = o.Name
	return s
}

// SetHandle says by which handle the guest knows the source.
func (s *Source) SetHandle(h uint32) { s.options.Handle = h }

// Name returns object/map.
func (s *Source) Name() string { return s.options.Name }

// Closed reports whether nothing comes from the source any more.
func (s *Source) Closed() bool { return s.closed }

// Pause stops and resumes delivery. Records stay in the ring while it is paused.
func (s *Source) Pause(paused bool) { s.paused = paused }

// Account returns the account of the source with the program's counts as they are now.
func (s *Source) Account() Account {
	a := s.account
	if s.closed {
		return a
	}
	var err error
	if s.options.Sent != nil {
		a.SentKnown = true
		if a.Sent, err = s.options.Sent.read(); err != nil {
			a.SentKnown, a.Incomplete = false, true
		}
	}
	if s.options.Lost != nil {
		a.LostKnown = true
		if a.Lost, err = s.options.Lost.read(); err != nil {
			a.LostKnown, a.Incomplete = false, true
		}
	}
	a.balance()
	return a
}

// Close ends the source: the rest of it is dropped and its account is final. Within the delivery of
// a batch, what the guest does with that one still counts.
func (s *Source) Close() {
	if s.delivering {
		s.closeAfterDelivery = true
		return
	}
	if s.closed {
		return
	}
	s.dropRest()
	s.account = s.Account()
	s.closed = true
	s.options.Ring.Close()
}

// due says when the source wants attention if nothing arrives; zero is never.
func (s *Source) due() time.Time {
	switch {
	case s.closed || s.paused:
		return time.Time{}
	case !s.retry.IsZero():
		return s.retry
	case s.signaled:
		return time.Unix(0, 0) // it was held up and is not any more
	case s.batch.empty():
		return time.Time{}
	}
	return s.batch.oldest.Add(s.options.MaxWait)
}

// watch tells the loop when there is something to read. It ends with ctx or with the ring.
func (s *Source) watch(ctx context.Context, ready chan<- *Source) {
	for {
		if err := s.options.Ring.Wait(ctx); err != nil {
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

// fill moves records from the ring to the guest's buffer until that is full or the ring is empty.
func (s *Source) fill(g Guest, now time.Time) (full bool, err error) {
	view, err := s.view(g)
	if err != nil {
		return false, err
	}
	if s.hasOverflow {
		if !s.put(view, s.overflow, abi.EventData, now) {
			return true, nil
		}
		s.hasOverflow = false
	}
	if s.batch.len() >= s.options.MaxRecords {
		return true, nil
	}
	if s.reportLost(view, now); s.batch.len() >= s.options.MaxRecords {
		return true, nil
	}
	_, err = s.options.Ring.Drain(func(rec []byte) bool {
		if !s.put(view, rec, abi.EventData, now) {
			s.overflow = append(s.overflow[:0], rec...)
			s.hasOverflow, full = true, true
			return false
		}
		full = s.batch.len() >= s.options.MaxRecords
		return !full
	})
	if err != nil {
		err = fmt.Errorf("read events of plugin %s: %w", quote.Text(g.Name()), err)
	}
	return full, err
}

// view returns the guest's buffer. A guest that freed the memory is to blame.
func (s *Source) view(g Guest) ([]byte, error) {
	view, ok := g.View(s.options.Ptr, s.options.Size)
	if !ok {
		return nil, g.Broke(fmt.Errorf("the buffer of source %s left the guest's memory", mapName(s.options.Name)))
	}
	return view, nil
}

// put adds a record to the batch. It returns false when the batch has to be handed over first. A
// record that the buffer can never hold is dropped and counted.
func (s *Source) put(view, rec []byte, kind uint32, now time.Time) bool {
	if s.batch.tooLarge(rec) {
		s.account.Dropped++
		s.batch.seq++ // the guest sees that one is missing
		return true
	}
	return s.batch.put(view, rec, kind, now)
}

// reportLost puts a record of the host's own into the batch when programs lost records.
func (s *Source) reportLost(view []byte, now time.Time) {
	lost := s.options.Lost
	if lost == nil || now.Sub(s.lastRead) < lostEvery || !s.batch.fits(lostRecordLength) {
		return
	}
	s.lastRead = now
	n, err := lost.read()
	if err != nil || n <= s.reportedLost {
		return
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n-s.reportedLost)
	if s.put(view, b[:], abi.EventLost, now) {
		s.reportedLost = n
	}
}

// deliver hands a batch to the guest and takes away what it consumed. The error ends the run.
func (s *Source) deliver(ctx context.Context, g Guest, now time.Time) error {
	if s.batch.empty() {
		return nil
	}
	s.account.Batches++
	s.delivering = true
	rc, err := g.Deliver(ctx, s.options.Handle, s.options.Ptr, s.batch.used, uint32(s.batch.len()))
	s.delivering = false
	if s.closeAfterDelivery {
		defer s.Close()
	}
	if err != nil {
		s.account.Dropped += s.batch.drop()
		return err
	}
	if rc < 0 {
		s.account.Dropped += s.batch.drop()
		if s.rejectedBatches++; s.rejectedBatches >= g.MaxRejected() {
			return fmt.Errorf("%d batches in a row: %w", s.rejectedBatches, g.Rejected(rc))
		}
		return nil
	}
	s.rejectedBatches = 0
	n := min(int(rc), s.batch.len())
	if n == 0 {
		s.retry = now.Add(retryAfter)
		return nil
	}
	if n == s.batch.len() {
		s.account.Delivered += s.batch.drop()
		return nil
	}
	s.account.Delivered += dataRecords(s.batch.records[:n])
	view, err := s.view(g)
	if err == nil {
		s.batch.shift(view, n)
	}
	return err
}

// dropRest drops everything that is in the buffer and in the ring.
func (s *Source) dropRest() {
	s.account.Dropped += s.batch.drop()
	if s.hasOverflow {
		s.account.Dropped++
		s.hasOverflow = false
	}
	// An error means that the ring is gone, and with it what was in it.
	_, _ = s.options.Ring.Drain(func([]byte) bool { s.account.Dropped++; return true })
}
