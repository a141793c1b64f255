package vm

import (
	"fmt"
	"slices"
)

// base is the address of the first byte of memory: NULL and what is near it are below.
const base = 1 << 16

// redzone is how many bytes that belong to nothing follow every region.
const redzone = 64

// The shadow of memory has a byte for each 8 bytes: how many of them, from the first on, belong to
// an object. Those of read-only objects have shadowReadOnly added.
const (
	shadowFull     = 8
	shadowCount    = 0x0f
	shadowReadOnly = 0x20
)

// memory is what programs can address: bytes[i] is at address base + i. Once allocated, nothing
// moves, but bytes may be another slice after an allocation.
type memory struct {
	bytes   []byte
	shadow  []byte
	regions []region // by address
	limit   uint64   // bytes
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
	m.bytes = extend(m.bytes, end)
	m.shadow = extend(m.shadow, end/8)
	m.regions = append(m.regions, region{base + start, base + end, outside, name})
	return base + start, nil
}

// extend returns b with n bytes, the new ones zero.
func extend(b []byte, n uint64) []byte {
	old := len(b)
	b = slices.Grow(b, int(n)-old)[:n]
	clear(b[old:])
	return b
}

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
