package vm

import "github.com/bpfhost/bpfhost/core/asm"

var timerHelpers = []helper{
	{asm.HelperTimerInit, timerInit},
	{asm.HelperTimerSetCallback, timerSetCallback},
	{asm.HelperTimerStart, timerStart},
	{asm.HelperTimerCancel, timerCancel},
}

// timerSize is sizeof(struct bpf_timer).
const timerSize = 16

// timerInit makes a timer of a map's value. All clocks are the machine's.
func timerInit(m *Machine, addr, p, flags, _, _ uint64) uint64 {
	const realtime, monotonic, boottime = 0, 1, 7
	mp := m.byHandle(p)
	if mp == nil {
		return m.stopf("%v: %#x is not a map", asm.HelperTimerInit, p)
	}
	slot, value, freed := mp.entryAt(addr)
	if slot < 0 || addr%8 != 0 || m.write(addr, timerSize) == nil {
		return m.stopf("%v: the timer is not in a value of map %q", asm.HelperTimerInit, mp.spec.Name)
	}
	if flags != realtime && flags != monotonic && flags != boottime {
		return errno(eINVAL)
	}
	if !m.timers.add(&timer{addr: addr, value: value, in: mp, slot: slot}) {
		return errno(eBUSY)
	}
	*freed = m.timers.forget
	return 0
}

// entryAt returns the slot of the value that an address is in, where the value is, and what the map calls
// when a value is no more; -1 where there is no such value.
func (mp *Map) entryAt(addr uint64) (slot int, value uint64, freed *func(value, size uint64)) {
	switch t := mp.table.(type) {
	case *array:
		if i := (addr - t.values) / t.stride; !t.private && addr >= t.values && i < uint64(t.entries) {
			return int(i), t.values + i*t.stride, &t.freed
		}
	case *hash:
		for n, from := range t.chunks {
			i := uint64(n*chunk) + (addr-from)/t.size
			if addr >= from && !t.private && (addr-from)/t.size < chunk && i < uint64(len(t.live)) && t.live[i] {
				return int(i), t.value(uint32(i), 0), &t.freed
			}
		}
	}
	return -1, 0, nil
}

// timerOf returns a timer that was initialised, or nil.
func timerOf(m *Machine, addr uint64) *timer { return m.timers.byAddr[addr] }

func timerSetCallback(m *Machine, addr, f, _, _, _ uint64) uint64 {
	pc, ok := m.callee(f)
	t := timerOf(m, addr)
	switch {
	case !ok:
		return 0
	case t == nil:
		return errno(eINVAL)
	}
	t.callback = pc
	return 0
}

// timerStart arms a timer; Machine.Advance runs its callback.
func timerStart(m *Machine, addr, ns, flags, _, _ uint64) uint64 {
	const absolute, pinned = 1, 2 // BPF_F_TIMER_ABS, BPF_F_TIMER_CPU_PIN
	t := timerOf(m, addr)
	if t == nil || t.callback < 0 || flags&^(absolute|pinned) != 0 {
		return errno(eINVAL)
	}
	due := ns
	if flags&absolute == 0 {
		if due += m.clock(); due < ns {
			due = 1<<64 - 1
		}
	}
	t.cpu = m.input.CPU
	m.timers.start(t, due)
	return 0
}

// timerCancel returns whether the timer was armed.
func timerCancel(m *Machine, addr, _, _, _, _ uint64) uint64 {
	t := timerOf(m, addr)
	switch {
	case t == nil:
		return errno(eINVAL)
	case t == m.timers.running:
		return errno(eDEADLK)
	case m.timers.cancel(t):
		return 1
	}
	return 0
}
