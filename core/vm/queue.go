package vm

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
)

// queue is what a map without keys has: a queue, a stack, a bloom filter. Its methods return 0 or
// an error number.
type queue interface {
	push(value []byte, flags uint64) int
	pop(value []byte) int
	peek(value []byte) int
}

// fifo is a queue, and a stack.
type fifo struct {
	values []byte
	size   int // of a value
	max    int
	first  int // the oldest
	count  int
	lifo   bool // pop takes the newest
}

// newQueue makes a queue or a stack.
func newQueue(_ *Machine, s *spec.Map) (queue, error) {
	n := uint64(s.ValueSize) * uint64(s.MaxEntries)
	if n > defaultMemory {
		return nil, fmt.Errorf("%d entries of %d bytes are more than %d bytes", s.MaxEntries, s.ValueSize, defaultMemory)
	}
	return &fifo{values: make([]byte, n), size: int(s.ValueSize), max: int(s.MaxEntries), lifo: s.Type == spec.MapStack}, nil
}

// at returns the value of an index, counted from the oldest one.
func (q *fifo) at(i int) []byte { return q.values[(q.first+i)%q.max*q.size:][:q.size] }

func (q *fifo) push(value []byte, flags uint64) int {
	switch {
	case flags != Any && flags != Exist:
		return eINVAL
	case q.count == q.max && flags != Exist:
		return eBIG
	case q.count == q.max:
		q.first = (q.first + 1) % q.max
		q.count--
	}
	copy(q.at(q.count), value)
	q.count++
	return errnoNone
}

func (q *fifo) peek(value []byte) int {
	switch {
	case q.count == 0:
		clear(value)
		return eNOENT
	case q.lifo:
		copy(value, q.at(q.count-1))
	default:
		copy(value, q.at(0))
	}
	return errnoNone
}

func (q *fifo) pop(value []byte) int {
	if err := q.peek(value); err != errnoNone {
		return err
	}
	if !q.lifo {
		q.first = (q.first + 1) % q.max
	}
	q.count--
	return errnoNone
}

// unkeyed checks that a map has values without keys, and the size of a value.
func (mp *Map) unkeyed(verb string, value []byte) error {
	switch {
	case mp.queue == nil:
		return fmt.Errorf("%s map %q: type %v has no values without keys", verb, mp.spec.Name, mp.spec.Type)
	case len(value) != int(mp.spec.ValueSize):
		return fmt.Errorf("%s map %q: the value has %d bytes, not %d", verb, mp.spec.Name, len(value), mp.spec.ValueSize)
	}
	return nil
}

// Push adds a value to a queue, a stack or a bloom filter. With Exist a full queue or stack drops
// its oldest value.
func (mp *Map) Push(value []byte, flags uint64) error {
	if err := mp.unkeyed("push to", value); err != nil {
		return err
	}
	if err := asError(mp.queue.push(value, flags)); err != nil {
		return fmt.Errorf("push to map %q: %w", mp.spec.Name, err)
	}
	return nil
}

// Pop takes the next value from a queue or a stack. ok is false if there is none.
func (mp *Map) Pop() (value []byte, ok bool, err error) {
	value = make([]byte, mp.spec.ValueSize)
	if err := mp.unkeyed("pop from", value); err != nil {
		return nil, false, err
	}
	switch err := mp.queue.pop(value); err {
	case errnoNone:
		return value, true, nil
	case eNOENT:
		return nil, false, nil
	default:
		return nil, false, fmt.Errorf("pop from map %q: %w", mp.spec.Name, mapError(err))
	}
}

// Contains reports whether a value may be in a bloom filter.
func (mp *Map) Contains(value []byte) (bool, error) {
	if err := mp.unkeyed("look up in", value); err != nil {
		return false, err
	}
	b, ok := mp.queue.(*bloom)
	if !ok {
		return false, fmt.Errorf("look up in map %q: it is of type %v, not bloom_filter", mp.spec.Name, mp.spec.Type)
	}
	return b.peek(value) == errnoNone, nil
}
