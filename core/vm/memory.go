package vm

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/vm/wasm"
)

// base is the address of the first byte of memory: NULL and what is near it are below.
const base = wasm.Base

// redzone is how many bytes that belong to nothing follow every region.
const redzone = 64

// The shadow of memory has a byte for each 8 bytes: how many of them, from the first on, belong to
// an object. Those of read-only objects have shadowReadOnly added.
const (
	shadowFull     = 8
	shadowCount    = 0x0f
	shadowReadOnly = 0x20
)

// memory is what programs can address: bytes[i] is at address base + i. Once allocated, no address
// changes, but bytes may be another slice after an allocation.
type memory struct {
	// linear is what translated programs see, whose addresses are indices in it: the state of a run, bytes,
	// and the shadow of all addresses up to the capacity of bytes, those below base included.
	linear  []byte
	bytes   []byte
	shadow  []byte       // of bytes
	regions []region     // by address
	limit   uint64       // bytes
	moved   func() error // called when linear is another slice; nil is nothing
}

// region is a part of memory with one purpose; what of it belongs to an object the shadow says.
type region struct {
	start, end uint64 // addresses
	outside    FaultKind
	name       string // the map's
}

// alloc adds a region of n bytes, zero and not yet part of any object, at a multiple of 8.
func (m *memory) alloc(n uint64, outside FaultKind, name string) (addr uint64, err error) {
	start := uint64(len(m.bytes))
	if n > m.limit || start+n+redzone > m.limit {
		return 0, fmt.Errorf("memory: %d more bytes than the %d in use are above the limit of %d",
			n, start, m.limit)
	}
	end := (start + n + redzone + 7) &^ 7
	if end > uint64(cap(m.bytes)) {
		if err := m.reserve(max(2*uint64(cap(m.bytes)), end)); err != nil {
			return 0, fmt.Errorf("memory: %w", err)
		}
	}
	m.bytes, m.shadow = m.bytes[:end], m.shadow[:end/8]
	m.regions = append(m.regions, region{base + start, base + end, outside, name})
	return base + start, nil
}

// pageSize is what linear is a multiple of (a page of WebAssembly).
const pageSize = 64 << 10

// reserve makes the capacity n bytes or a little more.
func (m *memory) reserve(n uint64) error {
	n = min(n, m.limit+pageSize)
	size := (base + n + (base+n)/8 + pageSize - 1) &^ (pageSize - 1)
	n = (size*8/9 - base) &^ 63
	old := m.bytes
	linear := make([]byte, size)
	copy(linear, m.linear[:min(base, len(m.linear))])
	bytes, shadow := linear[base:base+n:base+n], linear[base+n+base/8:]
	copy(bytes, old)
	copy(shadow, m.shadow)
	m.linear, m.bytes, m.shadow = linear, bytes[:len(old)], shadow[:len(m.shadow)]
	if m.moved != nil {
		return m.moved()
	}
	return nil
}

// shadowStart returns the index in linear of the shadow byte of address 0.
func (m *memory) shadowStart() uint64 { return base + uint64(cap(m.bytes)) }

// own makes n bytes at a multiple of 8 part of an object.
func (m *memory) own(addr, n uint64, readOnly bool) {
	full, flag := n/8, byte(0)
	if readOnly {
		flag = shadowReadOnly
	}
	s := m.shadow[(addr-base)/8:]
	for i := range s[:full] {
		s[i] = shadowFull | flag
	}
	if rest := n % 8; rest != 0 {
		s[full] = byte(rest) | flag
	}
}

// disown makes the n bytes at a multiple of 8 part of nothing.
func (m *memory) disown(addr, n uint64) {
	clear(m.shadow[(addr-base)/8:][:(n+7)/8])
}

// owned reports whether all n bytes belong to objects, which programs may write to if asked.
func (m *memory) owned(addr, n uint64, write bool) bool {
	off, size := addr-base, uint64(len(m.bytes))
	if off > size || n > size-off {
		return false
	}
	for n > 0 {
		within := off & 7
		take := min(8-within, n)
		s := m.shadow[off>>3]
		if write && s >= shadowReadOnly || uint64(s&shadowCount) < within+take {
			return false
		}
		off += take
		n -= take
	}
	return true
}

// at returns n bytes without looking at what they belong to. They must exist.
func (m *memory) at(addr, n uint64) []byte {
	off := addr - base
	return m.bytes[off : off+n : off+n]
}

// regionOf returns the region of an address, or nil.
func (m *memory) regionOf(addr uint64) *region {
	i, _ := slices.BinarySearchFunc(m.regions, addr, func(r region, a uint64) int {
		if r.end <= a {
			return -1
		}
		return 1
	})
	if i < len(m.regions) && m.regions[i].start <= addr {
		return &m.regions[i]
	}
	return nil
}
