package host

import (
	"time"

	"github.com/bpfhost/bpfhost/abi"
)

// maxTick bounds the period of the timer.
const maxTick = 24 * time.Hour

// Timer has bpfhost_tick called every so many milliseconds.
func (x *instance) Timer(ms uint32) int32 {
	period := time.Duration(ms) * time.Millisecond
	if period > maxTick {
		return x.reply(abi.FuncTimer, 0, failf(abi.ErrRange, "a timer runs every %s at least", maxTick))
	}
	x.run.events.SetTimer(period)
	return 0
}
