package btf

import (
	"sync"
	"sync/atomic"
)

// memo keeps what was worked out once. Readers take no lock, and what it keeps is not changed any
// more. Its zero value is empty.
type memo[E any] struct {
	table atomic.Pointer[memoTable[E]]
	lock  sync.Mutex // held to add
}

// memoTable finds by hash. There is always a free slot.
type memoTable[E any] struct {
	slots []atomic.Pointer[E] // their number is a power of two
	count int                 // guarded by the lock of the memo
}

// at returns what is in the slot of a hash, nil if that is free. Further ones of this hash follow it.
func (m *memoTable[E]) at(hash uint32) *E { return m.slots[hash&uint32(len(m.slots)-1)].Load() }

// put adds an element, for which the lock must be held.
func (m *memo[E]) put(e *E, hash func(*E) uint32) {
	t := m.table.Load()
	switch {
	case t == nil:
		t = &memoTable[E]{slots: make([]atomic.Pointer[E], 16)}
		m.table.Store(t)
	case 2*t.count >= len(t.slots):
		more := &memoTable[E]{slots: make([]atomic.Pointer[E], 4*len(t.slots)), count: t.count}
		for i := range t.slots {
			if old := t.slots[i].Load(); old != nil {
				more.free(hash(old)).Store(old)
			}
		}
		t = more
		m.table.Store(t)
	}
	t.free(hash(e)).Store(e)
	t.count++
}

// free returns the first free slot of a hash.
func (m *memoTable[E]) free(hash uint32) *atomic.Pointer[E] {
	for m.at(hash) != nil {
		hash++
	}
	return &m.slots[hash&uint32(len(m.slots)-1)]
}
