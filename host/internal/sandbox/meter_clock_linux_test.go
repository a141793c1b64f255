package sandbox

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime returns the time of a processor that the thread has had. Other programs on the machine
// change it little.
func threadTime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
