package sandbox

import (
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/fuel"
)

// Slices of fuel. A guest asks for the next one about every sliceTime: then its deadline is looked
// at, and the collector may stop its goroutine. One unit is about one instruction.
const (
	sliceTime  = time.Millisecond
	sliceFirst = 1 << 16
	sliceMax   = 1 << 24
)

// meter grants a guest its fuel and knows how much it used.
type meter struct {
	fuel, stack api.MutableGlobal // of the instance; nil until its first code runs
	granted     int64             // since the instance began
	slice       int64             // granted at a time
	last        time.Time         // of the last refill in the running call; zero before the first
	start       int64             // used before the running call
}

// bind looks up the globals of the instance.
func (m *meter) bind(mod api.Module) {
	if m.fuel == nil {
		m.fuel = mod.ExportedGlobal(fuel.Fuel).(api.MutableGlobal)
		m.stack = mod.ExportedGlobal(fuel.Stack).(api.MutableGlobal)
		m.slice = sliceFirst
	}
}

// used returns the fuel used since the instance began.
func (m *meter) used() int64 {
	if m.fuel == nil {
		return 0
	}
	return m.granted - int64(m.fuel.Get())
}

// begin starts a call. Where a call may only use so much, what is left of the last slice is taken
// back, so that the guest asks in time.
func (m *meter) begin(limited bool) {
	m.last = time.Time{}
	if !limited {
		return
	}
	m.start = m.used()
	if m.fuel != nil {
		m.granted = m.start
		m.fuel.Set(0)
	}
}

// grant adds the next slice of fuel, of at most so much.
func (m *meter) grant(now time.Time, most int64) {
	if took := now.Sub(m.last); !m.last.IsZero() {
		switch {
		case took > 2*sliceTime:
			m.slice = max(m.slice*int64(sliceTime)/int64(took), 1)
		case took < sliceTime/2:
			m.slice = min(2*m.slice, sliceMax)
		}
	}
	m.last = now
	slice := min(m.slice, most)
	m.granted = m.used() + slice
	m.fuel.Set(uint64(slice))
}

// refill grants the next slice of fuel, or ends the call.
func (g *Guest) refill(mod api.Module) {
	g.meter.bind(mod)
	if left := int64(g.meter.stack.Get()); left < 0 {
		most := uint64(g.limits.Stack)
		g.Abort(&budget.LimitError{Export: g.export, What: "call stack", Used: most + uint64(-left*8), Max: most, Unit: budget.Bytes})
	}
	most := int64(sliceMax)
	if g.limits.Fuel != 0 {
		used := g.meter.used() - g.meter.start
		if most = int64(g.limits.Fuel) - used; most < 0 {
			g.Abort(&budget.LimitError{Export: g.export, What: "fuel", Used: uint64(used), Max: g.limits.Fuel})
		}
	}
	now := time.Now()
	if err := g.call.expired(now); err != nil {
		g.Abort(err)
	}
	g.meter.grant(now, most)
}

// Charge takes fuel for what a host function does for the guest, besides the fixed amount that each
// call costs. One unit is for what takes about as long as an instruction, or 8 bytes to copy.
func (g *Guest) Charge(units uint64) {
	if g.meter.fuel != nil {
		g.meter.fuel.Set(g.meter.fuel.Get() - min(units, 1<<40))
	}
}

// FuelUsed returns the fuel that the guest used since it began. It depends on the module and what
// it got, not on the machine. It belongs to the goroutine that calls.
func (g *Guest) FuelUsed() uint64 { return uint64(max(g.meter.used(), 0)) }
