package vm

import (
	"encoding/binary"
	"iter"
	"slices"
)

// Differing yields the keys whose values are not the same in two maps, in the order of a and then of
// b; of queues and stacks the places, 4 bytes, counted from the oldest. It is quick where nothing
// differs, and does not count as use of an entry. Maps whose types or sizes are not the same, and
// those that have no values that can be read, yield nothing.
func Differing(a, b *Map) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		s, o := a.spec, b.spec
		if s.Type != o.Type || s.KeySize != o.KeySize || s.ValueSize != o.ValueSize || a.values() != b.values() {
			return
		}
		if x, ok := a.queue.(*fifo); ok {
			differingQueues(x, b.queue.(*fifo), yield)
			return
		}
		if a.table == nil || a.keyed("read", make([]byte, s.KeySize)) != nil {
			return
		}
		for i := range a.table.slots() {
			key, ok := a.table.slot(i)
			if !ok {
				continue
			}
			if j := b.table.find(key); (j < 0 || !a.sameValues(i, b, j, key)) && !yield(slices.Clone(key)) {
				return
			}
		}
		for i := range b.table.slots() {
			if key, ok := b.table.slot(i); ok && a.table.find(key) < 0 && !yield(slices.Clone(key)) {
				return
			}
		}
	}
}

// sameValues reports whether slot i of a map and slot j of another, both of a key, hold the same.
func (mp *Map) sameValues(i int, o *Map, j int, key []byte) bool {
	n := uint64(mp.spec.ValueSize)
	for cpu := range mp.values() {
		x, y := valueAt(mp.table, i, cpu, key), valueAt(o.table, j, cpu, key)
		if string(mp.machine.mem.at(x, n)) != string(o.machine.mem.at(y, n)) {
			return false
		}
	}
	return true
}

// valueAt returns the address of the value in a slot that is in use.
func valueAt(t table, slot, cpu int, key []byte) uint64 {
	switch t := t.(type) {
	case *hash:
		return t.value(uint32(slot), cpu)
	case *lpm:
		return t.value(uint32(slot), cpu)
	}
	return t.lookup(cpu, key)
}

func differingQueues(a, b *fifo, yield func([]byte) bool) {
	for i := range max(a.count, b.count) {
		if i < a.count && i < b.count && string(a.at(i)) == string(b.at(i)) {
			continue
		}
		if !yield(binary.LittleEndian.AppendUint32(nil, uint32(i))) {
			return
		}
	}
}

// Queued returns the value at a place of a queue or a stack, counted from the oldest; false if there
// is none.
func (mp *Map) Queued(i int) (value []byte, ok bool) {
	q, isFifo := mp.queue.(*fifo)
	if !isFifo || i < 0 || i >= q.count {
		return nil, false
	}
	return slices.Clone(q.at(i)), true
}
