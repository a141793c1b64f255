//go:build linux && !amd64 && !arm64

package sys

import (
	"fmt"
	"runtime"
)

// ForbidBPF returns ErrNotSupported.
func ForbidBPF() error { return ErrNotSupported }

// FilterCalls is for amd64 and arm64: elsewhere nobody knows which calls a Go program needs.
func FilterCalls(files, again bool) error {
	return fmt.Errorf("filter system calls on %s: %w", runtime.GOARCH, ErrNotSupported)
}
