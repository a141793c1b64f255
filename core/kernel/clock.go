package kernel

import (
	"fmt"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// Monotonic is the time in nanoseconds on the clock that programs read with bpf_ktime_get_ns
// (CLOCK_MONOTONIC). The error wraps ErrNotSupported where there is no such clock.
func Monotonic() (uint64, error) {
	ns, err := sys.Monotonic()
	if err != nil {
		return 0, fmt.Errorf("read monotonic clock: %w", err)
	}
	return ns, nil
}
