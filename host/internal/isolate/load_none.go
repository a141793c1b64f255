//go:build !linux

package isolate

import (
	"context"

	"github.com/bpfhost/bpfhost/host/internal/sandbox"
)

// Guest is a module that runs in a separate process, on Linux.
type Guest struct{ sandbox.Guest }

// Isolation says what keeps the guest in its process.
func (*Guest) Isolation() Isolation { return Isolation{} }

// Load returns ErrNotSupported.
func (*Launcher) Load(context.Context, []byte, Options) (*Guest, error) { return nil, ErrNotSupported }

// child is never called: nobody starts one.
func child(string) int { return 1 }
