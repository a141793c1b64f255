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

// interruptible returns a context that ends with the first interrupt or termination signal. The
// second one ends the process on the spot: the kernel then detaches, because everything hangs on
// descriptors. No signal is lost between the two, however close they are.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	over := make(chan struct{})
	go func() {
		for _, act := range []func(){func() { cancel(errInterrupted) }, func() { os.Exit(exitInterrupted) }} {
			select {
			case <-signals:
				act()
			case <-over:
				return
			}
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(over)
		cancel(nil)
	})
}
