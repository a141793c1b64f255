package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// errInterrupted says that the operator ended the command before it was ready.
var errInterrupted = errors.New("interrupted before anything was attached")

// interruptible returns a context that ends with the first interrupt or termination signal. The
// second one finds the default action again and kills the process: the kernel then detaches,
// because everything hangs on descriptors.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
