package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// errInterrupted says that the operator ended the command before it was ready.
var errInterrupted = errors.New("interrupted before anything was attached")

// errDeclined says that the operator was asked and did not say yes.
var errDeclined = errors.New("not confirmed, nothing was loaded; --yes does not ask")

// signals is what the signals that ask for the end of a command do. The first ends the process on
// the spot, unless the command holds it because there is something to take back: then it ends the
// command's context. The second ends the process in any case: the kernel then detaches, because
// everything hangs on descriptors.
type signals struct {
	cancel context.CancelCauseFunc
	exit   func(code int) // os.Exit

	mu   sync.Mutex // guards what follows
	held int
	seen bool
}

// received handles a signal.
func (s *signals) received() {
	s.mu.Lock()
	graceful := s.held > 0 && !s.seen
	s.seen = true
	s.mu.Unlock()
	if graceful {
		s.cancel(errInterrupted)
		return
	}
	s.exit(exitInterrupted)
}

// hold keeps the process for the first signal until it is released. Without a receiver it does
// nothing.
func (s *signals) hold() (release func()) {
	if s == nil {
		return func() {}
	}
	s.add(1)
	return sync.OnceFunc(func() { s.add(-1) })
}

func (s *signals) add(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held += n
}

// ending are the signals that ask for the end: Ctrl-C, termination, and the end of the terminal,
// unless nohup has that ignored.
func ending() []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// interruptible returns a context that ends with the first signal that a command holds. No signal
// is lost between two, however close they are.
func interruptible(ctx context.Context) (context.Context, *signals, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &signals{cancel: cancel, exit: os.Exit}
	incoming := make(chan os.Signal, 2)
	signal.Notify(incoming, ending()...)
	over := make(chan struct{})
	go func() {
		for {
			select {
			case <-incoming:
				s.received()
			case <-over:
				return
			}
		}
	}()
	return ctx, s, sync.OnceFunc(func() {
		signal.Stop(incoming)
		close(over)
		cancel(nil)
	})
}
