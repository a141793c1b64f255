package vm

import "github.com/bpfhost/bpfhost/core/asm"

var queueHelpers = []helper{
	{asm.HelperMapPushElem, mapPush},
	{asm.HelperMapPopElem, mapPop},
	{asm.HelperMapPeekElem, mapPeek},
}

// queueOf returns the map of a helper's argument, which has no keys, or ends the run.
func queueOf(m *Machine, h asm.Helper, p uint64) *Map {
	mp := m.byHandle(p)
	switch {
	case mp == nil:
		m.stopf("%v: %#x is not a map", h, p)
	case mp.queue == nil:
		m.stopf("%v takes no map of type %v", h, mp.spec.Type)
		return nil
	}
	return mp
}

func mapPush(m *Machine, p, value, flags, _, _ uint64) uint64 {
	mp := queueOf(m, asm.HelperMapPushElem, p)
	if mp == nil {
		return 0
	}
	v := m.read(value, uint64(mp.spec.ValueSize))
	if v == nil {
		return 0
	}
	return errno(mp.queue.push(v, flags))
}

func mapPop(m *Machine, p, value, _, _, _ uint64) uint64 {
	mp := queueOf(m, asm.HelperMapPopElem, p)
	if mp == nil {
		return 0
	}
	v := m.write(value, uint64(mp.spec.ValueSize))
	if v == nil {
		return 0
	}
	return errno(mp.queue.pop(v))
}

// mapPeek reads the next value; a bloom filter is asked for the value.
func mapPeek(m *Machine, p, value, _, _, _ uint64) uint64 {
	mp := queueOf(m, asm.HelperMapPeekElem, p)
	if mp == nil {
		return 0
	}
	access := m.write
	if _, ok := mp.queue.(*bloom); ok {
		access = m.read
	}
	v := access(value, uint64(mp.spec.ValueSize))
	if v == nil {
		return 0
	}
	return errno(mp.queue.peek(v))
}
