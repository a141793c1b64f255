package host

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// monotonicClock counts nanoseconds from when the machine started, as near to bpf_ktime_get_ns as
// can be told without a system call of our own: the start is known to 10 ms, and time that the
// machine slept is counted. From one reading to the next it is exact.
type monotonicClock struct {
	base uint64 // nanoseconds at began
	at   time.Time
}

func newMonotonicClock() monotonicClock {
	c := monotonicClock{at: time.Now()}
	if b, err := os.ReadFile("/proc/uptime"); err == nil {
		c.base = parseUptime(string(b))
	}
	return c
}

// parseUptime reads the first number of /proc/uptime, seconds with two decimals; 0 if it is none.
func parseUptime(text string) uint64 {
	first, _, _ := strings.Cut(text, " ")
	s, err := strconv.ParseFloat(first, 64)
	if err != nil || !(s >= 0 && s <= 1e9) { // NaN is neither
		return 0
	}
	return uint64(s * 1e9)
}

func (c monotonicClock) read() uint64 { return c.base + uint64(time.Since(c.at)) }

// monotonic is the time that guests are told.
func (r *Run) monotonic() uint64 { return r.clock.read() }
