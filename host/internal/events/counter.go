package events

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/host/backend"
)

// Counter is a u64 in an array map, in which a program counts.
type Counter struct {
	m     backend.Map
	key   [4]byte
	value []byte
}

// NewCounter makes a counter of an entry of a map: an array, per CPU or not, of values of 8 bytes.
func NewCounter(m backend.Map, key uint32) *Counter {
	c := &Counter{m: m, value: make([]byte, m.ValueBufferSize())}
	binary.NativeEndian.PutUint32(c.key[:], key)
	return c
}

// read returns the count, of all CPUs together.
func (c *Counter) read() (uint64, error) {
	if err := c.m.Lookup(c.key[:], c.value); err != nil {
		return 0, err
	}
	sum := uint64(0)
	for b := c.value; len(b) >= 8; b = b[8:] {
		sum += binary.NativeEndian.Uint64(b)
	}
	return sum, nil
}
