package vm

import (
	"container/heap"
	"time"
)

// timer is what a struct bpf_timer of a map's value stands for. Its bytes hold nothing: programs cannot read
// them.
type timer struct {
	addr     uint64 // of the struct bpf_timer
	value    uint64 // that it is in
	in       *Map
	slot     int // of the value
	callback int // instruction; -1 is none
	cpu      int // that started it
	due      uint64
	number   uint64 // of the start, so that timers that are due at once run in the order of their starts
	at       int    // in timers.armed; -1 is not started
}

// timers are those that programs initialised.
type timers struct {
	byAddr  map[uint64]*timer
	armed   armed
	starts  uint64
	running *timer // whose callback is being run
}

// armed is a heap of timers that were started, by when they are due.
type armed []*timer

func (a armed) Len() int { return len(a) }

func (a armed) Less(i, j int) bool {
	return a[i].due < a[j].due || a[i].due == a[j].due && a[i].number < a[j].number
}

func (a armed) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].at, a[j].at = i, j
}

func (a *armed) Push(x any) {
	t := x.(*timer)
	t.at = len(*a)
	*a = append(*a, t)
}

func (a *armed) Pop() any {
	t := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	t.at = -1
	return t
}

// add makes a timer of a map's value. It reports whether there was none.
func (ts *timers) add(t *timer) bool {
	if ts.byAddr[t.addr] != nil {
		return false
	}
	if ts.byAddr == nil {
		ts.byAddr = map[uint64]*timer{}
	}
	t.callback, t.at = -1, -1
	ts.byAddr[t.addr] = t
	return true
}

// start arms a timer, which may be armed already.
func (ts *timers) start(t *timer, due uint64) {
	ts.cancel(t)
	ts.starts++
	t.due, t.number = due, ts.starts
	heap.Push(&ts.armed, t)
}

// cancel reports whether the timer was armed.
func (ts *timers) cancel(t *timer) bool {
	if t.at < 0 {
		return false
	}
	heap.Remove(&ts.armed, t.at)
	return true
}

// forget cancels the timers of a value that is deleted or replaced.
func (ts *timers) forget(value, size uint64) {
	for at := value; at < value+size; at += 8 {
		if t := ts.byAddr[at]; t != nil {
			ts.cancel(t)
			delete(ts.byAddr, at)
		}
	}
}

// NextTimer returns when the next timer that a program started is due, in ns since boot; ok is false if there is
// none.
func (m *Machine) NextTimer() (due uint64, ok bool) {
	if len(m.timers.armed) == 0 {
		return 0, false
	}
	return m.timers.armed[0].due, true
}

// Advance lets time pass and runs the callbacks of the timers that are due by then, each at its time and as
// a run without packet or context. It returns how many ran. A machine with a Clock has to be told how time
// passes by that: then timers count that are due d after what it returns.
//
// The error is a *Fault if a callback was stopped; the timers after it stay as they are.
func (m *Machine) Advance(d time.Duration) (ran int, err error) {
	until := uint64(max(d, 0))
	if m.options.Clock == nil {
		until += m.now
	} else if len(m.timers.armed) > 0 {
		until += m.options.Clock()
	}
	fuel := m.options.Fuel // of all callbacks, as they can start their timers again
	for ts := &m.timers; len(ts.armed) > 0 && ts.armed[0].due <= until; ran++ {
		t := heap.Pop(&ts.armed).(*timer)
		m.now = max(m.now, t.due)
		ts.running = t
		fire(m, t, fuel)
		ts.running = nil
		if m.fault != nil {
			return ran + 1, m.fault
		}
		fuel = m.fuel
	}
	m.now = max(m.now, until)
	return ran, nil
}

// fire runs the callback of a timer with its map, key and value.
func fire(m *Machine, t *timer, fuel int64) {
	m.input, m.started, m.fault = Input{CPU: t.cpu}, m.programAt(t.callback), nil
	m.mem.disown(m.context, maxContext)
	clear(m.mem.at(m.context, uint64(m.contextLen)))
	m.contextLen, m.contextOwned = 0, 0
	dropPacket(m)
	reset(m, fuel)
	key := t.in.table.keyAddr(t.slot)
	if key == 0 {
		key = m.scratch + maxFrames*8 // the others are those of bpf_for_each_map_elem
		putUint(m.mem.at(key, 4), uint64(t.slot))
	}
	m.pc = t.callback
	if m.fuel--; m.fuel < 0 {
		m.stop(m.pc, Fault{Kind: FaultFuel})
		return
	}
	m.regs = [16]uint64{1: t.in.handle, 2: key, 3: t.value}
	m.exec(t.callback)
}
