package host

import (
	"context"
	"sync"
	"time"

	"github.com/bpfhost/bpfhost/abi"
)

// loop passes events from the rings to the guest. It is the only one that calls the guest meanwhile.
type loop struct {
	r     *Run
	x     *instance
	ready chan *source
	timer *time.Timer

	watchers sync.WaitGroup
}

// Times of the loop.
const (
	pollEvery = 100 * time.Millisecond // between looks at rings whose programs wake nobody
	turnLimit = 64                     // batches of one source before others get their turn
	settle    = 2 * time.Millisecond   // for programs that still run after they were detached
	settleMax = 25                     // times settle
)

// run serves until ctx ends or the guest asks to stop. Hooks are not broken off when ctx ends: they
// have deadlines of their own, and a guest that was broken off cannot be asked for its last output.
func (l *loop) run(ctx context.Context) error {
	calls := context.WithoutCancel(ctx)
	l.timer = time.NewTimer(pollEvery)
	defer l.timer.Stop()
	watching, stop := context.WithCancel(ctx)
	defer l.unwatch(stop)
	nextPoll := l.r.now().Add(pollEvery)
	for ctx.Err() == nil && !l.x.stop.asked {
		l.watch(watching)
		l.timer.Reset(max(0, l.wake(nextPoll).Sub(l.r.now())))
		var ready *source
		select {
		case <-ctx.Done():
			return nil
		case ready = <-l.ready:
		case <-l.timer.C:
		}
		now := l.r.now()
		poll := !now.Before(nextPoll)
		if poll {
			nextPoll = now.Add(pollEvery)
			l.r.publish()
		}
		if err := l.turn(ctx, calls, ready, poll); err != nil {
			return err
		}
		if err := l.tick(calls); err != nil {
			return err
		}
	}
	return nil
}

// watch starts to wait for sources that the guest opened in the last hook.
func (l *loop) watch(ctx context.Context) {
	for _, s := range l.r.sources {
		if !s.watched && !s.closed {
			s.watched = true
			l.watchers.Go(func() { s.watch(ctx, l.ready) })
		}
	}
}

// unwatch ends all waiting. Whoever serves next begins anew.
func (l *loop) unwatch(stop func()) {
	stop()
	l.watchers.Wait()
	for _, s := range l.r.sources {
		s.watched, s.signaled = false, false
		select {
		case <-s.resume:
		default:
		}
	}
}

// wake is the next time at which something is due.
func (l *loop) wake(next time.Time) time.Time {
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	for _, s := range l.r.sources {
		sooner(s.due())
	}
	if l.r.period > 0 {
		sooner(l.r.nextTick)
	}
	return next
}

// turn gives every source that has something its turn.
func (l *loop) turn(ctx, calls context.Context, ready *source, poll bool) error {
	for _, s := range l.r.sources {
		now := l.r.now()
		due := s.due()
		isDue := !due.IsZero() && !now.Before(due)
		s.signaled = s.signaled || s == ready
		if s != ready && !poll && !isDue {
			continue
		}
		if err := l.pump(ctx, calls, s); err != nil {
			return err
		}
		// While the guest takes nothing its ring is not looked at: the kernel counts what is lost.
		if s.signaled && !s.paused && s.retry.IsZero() {
			s.signaled = false
			s.resume <- struct{}{} // has room: one is outstanding at most
		}
	}
	return nil
}

// pump moves records of a source to the guest until its ring is empty. A batch that is neither full
// nor old enough waits for more.
func (l *loop) pump(ctx, calls context.Context, s *source) error {
	for range turnLimit {
		now := l.r.now()
		if s.closed || s.paused || ctx.Err() != nil || l.x.stop.asked {
			return nil
		}
		if !s.retry.IsZero() && now.Before(s.retry) {
			return nil // the guest has no room
		}
		s.retry = time.Time{}
		full, err := l.x.fill(s, now)
		if err != nil {
			return err
		}
		if !full && (len(s.batch) == 0 || now.Before(s.first.Add(s.maxWait))) {
			return nil
		}
		if err := l.x.deliver(calls, s, now); err != nil {
			return err
		}
	}
	return nil
}

// tick calls the timer hook when it is due. Ticks that were missed are not made up for.
func (l *loop) tick(ctx context.Context) error {
	r := l.r
	now := r.now()
	if r.period == 0 || now.Before(r.nextTick) || l.x.stop.asked {
		return nil
	}
	r.nextTick = now.Add(r.period)
	ns, err := r.backend.Now()
	if err != nil {
		return err
	}
	return l.x.must(ctx, hookTick, ns)
}

// rest hands over what is left after the programs were detached. A program that was running then may
// still send: where it counts, the account says whether anything is missing.
func (l *loop) rest(ctx context.Context) error {
	if l.r.reason == abi.StopError {
		return nil // the guest failed: what is left is dropped
	}
	for range settleMax {
		open := false
		for _, s := range l.r.sources {
			if err := l.empty(ctx, s); err != nil {
				return err
			}
			open = open || !s.closed && s.balanced().Missing != 0
		}
		if !open {
			return nil
		}
		time.Sleep(settle)
	}
	return nil
}

// empty hands over everything that is in the ring of a source now, paused or not.
func (l *loop) empty(ctx context.Context, s *source) error {
	for !s.closed && ctx.Err() == nil {
		now := l.r.now()
		full, err := l.x.fill(s, now)
		if err != nil {
			return err
		}
		if len(s.batch) == 0 {
			return nil
		}
		before := len(s.batch)
		if err := l.x.deliver(ctx, s, now); err != nil {
			return err
		}
		if len(s.batch) == before || !full && len(s.batch) == 0 {
			return nil // the guest takes no more, or there is no more
		}
	}
	return nil
}
