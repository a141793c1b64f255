// Package events moves records from the rings of a run to its guest: each is copied once, into the
// guest's own buffer, a batch is handed over when the buffer is full, when it has as many records
// as the guest asked for, or when its first record has waited long enough, and every record is
// accounted for. Sources belong to the run, not to the guest that reads them.
package events

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"
)

// Guest is who the events go to. While the loop runs, nothing else calls it.
type Guest interface {
	// Name returns what errors call it.
	Name() string

	// View returns a part of its memory, false if that is not there.
	View(ptr, n uint32) ([]byte, bool)

	// Deliver hands over a batch of records that fill size bytes at ptr. It returns how many it
	// consumed, from the first on; negative says that it rejects the batch. An error ends the run.
	Deliver(ctx context.Context, source, ptr, size, records uint32) (int32, error)

	// MaxRejected returns how many batches it may reject in a row before the run ends, and Rejected
	// the error of the last.
	MaxRejected() int
	Rejected(rc int32) error

	// Broke makes an error of what it did against the rules.
	Broke(err error) error

	// Tick calls its timer hook. An error ends the run.
	Tick(ctx context.Context) error

	// Stopped reports whether it asked for the end of the run.
	Stopped() bool
}

// Loop passes the events of a run to its guest. One goroutine at a time uses it.
type Loop struct {
	guest Guest
	now   func() time.Time

	sources  []*Source
	period   time.Duration // of the timer; 0 is none
	nextTick time.Time

	ready    chan *Source
	timer    *time.Timer
	watchers sync.WaitGroup
}

// NewLoop makes a loop without sources. The clock is time.Now if it is nil.
func NewLoop(g Guest, now func() time.Time) *Loop {
	if now == nil {
		now = time.Now
	}
	return &Loop{guest: g, now: now}
}

// Add adds a source. The loop begins to read it when the guest's hook is over.
func (l *Loop) Add(s *Source) { l.sources = append(l.sources, s) }

// Len returns how many sources were added.
func (l *Loop) Len() int { return len(l.sources) }

// Reads reports whether a ring, object/map, has an open source.
func (l *Loop) Reads(name string) bool {
	return slices.ContainsFunc(l.sources, func(s *Source) bool { return s.options.Name == name && !s.closed })
}

// SetTimer has the guest's timer hook called at every period from now on; 0 ends that.
func (l *Loop) SetTimer(period time.Duration) {
	l.period = period
	l.nextTick = l.now().Add(period)
}

// Accounts returns the account of every source as it is now, in the order in which they were added.
func (l *Loop) Accounts() []Account {
	var list []Account
	for _, s := range l.sources {
		list = append(list, s.Account())
	}
	shorten(list)
	return list
}

// Close closes every source.
func (l *Loop) Close() {
	for _, s := range l.sources {
		s.Close()
	}
}

// Times of the loop.
const (
	pollEvery = 100 * time.Millisecond // between looks at rings whose programs wake nobody
	pollLimit = 64                     // batches of one source before others are polled
	settle    = 2 * time.Millisecond   // for programs that still run after they were detached
	settleMax = 25                     // times settle
)

// Serve passes events on until ctx ends or the guest asks to stop, and calls publish from time to
// time. Hooks are not broken off when ctx ends: they have deadlines of their own, and a guest that
// was broken off cannot be asked for its last output.
func (l *Loop) Serve(ctx context.Context, publish func()) error {
	calls := context.WithoutCancel(ctx)
	l.ready = make(chan *Source)
	l.timer = time.NewTimer(pollEvery)
	defer l.timer.Stop()
	watching, stop := context.WithCancel(ctx)
	defer l.unwatch(stop)
	nextPoll := l.now().Add(pollEvery)
	for ctx.Err() == nil && !l.guest.Stopped() {
		l.watch(watching)
		l.timer.Reset(max(0, l.wake(nextPoll).Sub(l.now())))
		var ready *Source
		select {
		case <-ctx.Done():
			return nil
		case ready = <-l.ready:
		case <-l.timer.C:
		}
		now := l.now()
		poll := !now.Before(nextPoll)
		if poll {
			nextPoll = now.Add(pollEvery)
			publish()
		}
		if err := l.pollAll(ctx, calls, ready, poll); err != nil {
			return err
		}
		if err := l.tick(calls); err != nil {
			return err
		}
	}
	return nil
}

// Step passes events on like Serve, from a place in which things happen when next is called, until that
// returns io.EOF. The guest has what came before it is called again, so the order is always the same.
func (l *Loop) Step(ctx context.Context, next func() error, publish func()) error {
	calls := context.WithoutCancel(ctx)
	nextPublish := l.now().Add(pollEvery)
	for ctx.Err() == nil && !l.guest.Stopped() {
		over := next()
		if over != nil && over != io.EOF {
			return over
		}
		for _, s := range l.sources {
			if err := l.poll(ctx, calls, s); err != nil {
				return err
			}
		}
		if err := l.tick(calls); err != nil {
			return err
		}
		if over != nil {
			return nil
		}
		if now := l.now(); !now.Before(nextPublish) {
			nextPublish = now.Add(pollEvery)
			publish()
		}
	}
	return nil
}

// watch starts to wait for sources that the guest opened in the last hook.
func (l *Loop) watch(ctx context.Context) {
	for _, s := range l.sources {
		if !s.watched && !s.closed {
			s.watched = true
			l.watchers.Go(func() { s.watch(ctx, l.ready) })
		}
	}
}

// unwatch ends all waiting. The next Serve begins anew.
func (l *Loop) unwatch(stop func()) {
	stop()
	l.watchers.Wait()
	for _, s := range l.sources {
		s.watched, s.signaled = false, false
		select {
		case <-s.resume:
		default:
		}
	}
}

// wake is the next time at which something is due.
func (l *Loop) wake(next time.Time) time.Time {
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	for _, s := range l.sources {
		sooner(s.due())
	}
	if l.period > 0 {
		sooner(l.nextTick)
	}
	return next
}

// pollAll polls every source that has something.
func (l *Loop) pollAll(ctx, calls context.Context, ready *Source, poll bool) error {
	for _, s := range l.sources {
		now := l.now()
		due := s.due()
		isDue := !due.IsZero() && !now.Before(due)
		s.signaled = s.signaled || s == ready
		if s != ready && !poll && !isDue {
			continue
		}
		if err := l.poll(ctx, calls, s); err != nil {
			return err
		}
		// While the guest takes nothing its ring is not looked at: the kernel counts what is lost.
		if s.signaled && !s.paused && s.retry.IsZero() {
			s.signaled = false
			s.resume <- struct{}{} // has capacity: one is outstanding at most
		}
	}
	return nil
}

// poll moves records of a source to the guest until its ring is empty. A batch that is neither full
// nor old enough waits for more.
func (l *Loop) poll(ctx, calls context.Context, s *Source) error {
	for range pollLimit {
		now := l.now()
		if s.closed || s.paused || ctx.Err() != nil || l.guest.Stopped() {
			return nil
		}
		if !s.retry.IsZero() && now.Before(s.retry) {
			return nil // the guest takes nothing yet
		}
		s.retry = time.Time{}
		full, err := s.fill(l.guest, now)
		if err != nil {
			return err
		}
		if !full && (s.batch.empty() || now.Before(s.batch.oldest.Add(s.options.MaxWait))) {
			return nil
		}
		if err := s.deliver(calls, l.guest, now); err != nil {
			return err
		}
	}
	return nil
}

// tick calls the timer hook when it is due. Ticks that were missed are not made up for.
func (l *Loop) tick(ctx context.Context) error {
	now := l.now()
	if l.period == 0 || now.Before(l.nextTick) || l.guest.Stopped() {
		return nil
	}
	l.nextTick = now.Add(l.period)
	return l.guest.Tick(ctx)
}

// Drain hands over what is left after the programs were detached. A program that was running then
// may still send: where it counts, the account says whether anything is missing.
func (l *Loop) Drain(ctx context.Context) error {
	for range settleMax {
		open := false
		for _, s := range l.sources {
			if err := l.drain(ctx, s); err != nil {
				return err
			}
			open = open || !s.closed && s.Account().Missing != 0
		}
		if !open {
			return nil
		}
		time.Sleep(settle)
	}
	return nil
}

// drain hands over everything that is in the ring of a source now, paused or not.
func (l *Loop) drain(ctx context.Context, s *Source) error {
	for !s.closed && ctx.Err() == nil {
		now := l.now()
		full, err := s.fill(l.guest, now)
		if err != nil {
			return err
		}
		if s.batch.empty() {
			return nil
		}
		before := s.batch.len()
		if err := s.deliver(ctx, l.guest, now); err != nil {
			return err
		}
		if s.batch.len() == before || !full && s.batch.empty() {
			return nil // the guest takes no more, or there is no more
		}
	}
	return nil
}
