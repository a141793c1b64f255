// Package guest runs the code of one plugin and answers its calls: bindings, handles, symbols, error
// codes, properties. The code is a Guest, a module in the sandbox or functions in Go; what it may
// call are the functions of the ABI, a small type for each group of its table. An Instance has both
// and what the calls share.
//
// What edits do is in package tx, where events go in package events, and what is done in which order
// in package host, which this package does not know.
package guest

import (
	"context"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/isolate"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
)

// Guest is the code of a plugin as the host calls it. Calls run one after the other.
type Guest interface {
	// Call calls an export, which has to end within a time, and returns its result. The errors are
	// those of sandbox.Guest.Call.
	Call(ctx context.Context, export string, timeout time.Duration, args ...uint64) (int32, error)

	// Has reports whether there is such an export.
	Has(export string) bool

	// View returns a part of its memory to write to, false if that is not there. It is valid until the
	// function of the host that asked for it returns. A guest in a process that was taken over
	// may change it at any time, so nothing is decided by what is read there.
	View(ptr, n uint32) ([]byte, bool)

	// Input returns a part of its memory to read, false if that is not there. It stays what it is until
	// the function of the host that asked for it returns.
	Input(ptr, n uint32) ([]byte, bool)

	// MemorySize returns how large its memory is, in bytes.
	MemorySize() uint32

	// Expired returns why the running call has to end, or nil, for functions of the host that take
	// long: then they call Abort with it.
	Expired() error

	// Abort ends the running call from within one of its own calls to the host: Call returns err.
	// It does not return.
	Abort(err error)

	// Close ends a running call, waits for it and frees what the guest holds.
	Close() error
}

// Code is what a guest is made from.
type Code interface {
	// Start makes a guest whose calls in answers. What a module imports is put down in the Info of
	// in. The error is *sandbox.Reject for code that is not what it should be, or one of Guest.Call.
	Start(ctx context.Context, in *Instance) (Guest, error)
}

var (
	_ Guest = (*sandbox.Guest)(nil)
	_ Guest = (*isolate.Guest)(nil)
	_ Guest = (*goGuest)(nil)
	_ Code  = Module{}
	_ Code  = Go{}
)
