package vm

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

var ringHelpers = []helper{
	{asm.HelperRingbufReserve, ringReserve},
	{asm.HelperRingbufSubmit, ringSubmit},
	{asm.HelperRingbufDiscard, ringDrop},
	{asm.HelperRingbufOutput, ringOutput},
	{asm.HelperRingbufQuery, ringQuery},
}

// ring returns the ring buffer of a helper's argument, or ends the run.
func ring(m *Machine, h asm.Helper, p uint64) *Ring {
	mp := m.byHandle(p)
	if mp == nil || mp.spec.Type != spec.MapRingbuf {
		m.stopf("%v takes a map of type ringbuf", h)
		return nil
	}
	return mp.ring
}

func ringReserve(m *Machine, p, size, flags, _, _ uint64) uint64 {
	r := ring(m, asm.HelperRingbufReserve, p)
	if r == nil || flags != 0 {
		return 0
	}
	return r.reserve(size)
}

func ringSubmit(m *Machine, record, _, _, _, _ uint64) uint64 { return release(m, record, false) }

func ringDrop(m *Machine, record, _, _, _, _ uint64) uint64 { return release(m, record, true) }

// release ends a reservation, or the run if there is none.
func release(m *Machine, record uint64, discard bool) uint64 {
	if r := ringOf(m, record); r == nil || !r.release(record, discard) {
		m.stop(m.pc, Fault{Kind: FaultRelease, Addr: record})
	}
	return 0
}

func ringOutput(m *Machine, p, data, size, flags, _ uint64) uint64 {
	const wakeups = 3 // BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP
	r := ring(m, asm.HelperRingbufOutput, p)
	if r == nil {
		return 0
	}
	b := m.read(data, size)
	if b == nil {
		return 0
	}
	if flags&^wakeups != 0 {
		return errno(eINVAL)
	}
	at := r.reserve(size)
	if at == 0 {
		return errno(eAGAIN)
	}
	copy(m.mem.at(at, size), b)
	r.release(at, false)
	return 0
}

// ringQuery returns what there is to know of a ring (BPF_RB_AVAIL_DATA and those after it).
func ringQuery(m *Machine, p, what, _, _, _ uint64) uint64 {
	r := ring(m, asm.HelperRingbufQuery, p)
	if r == nil {
		return 0
	}
	switch what {
	case 0:
		return r.producer() - r.consumer()
	case 1:
		return r.mask + 1
	case 2:
		return r.consumer()
	case 3:
		return r.producer()
	}
	return 0
}
