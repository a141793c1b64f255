package vm

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/asm"
)

var dynptrHelpers = []helper{
	{asm.HelperDynptrFromMem, dynptrFromMem},
	{asm.HelperRingbufReserveDynptr, ringReserveDynptr},
	{asm.HelperRingbufSubmitDynptr, ringSubmitDynptr},
	{asm.HelperRingbufDiscardDynptr, ringDropDynptr},
	{asm.HelperDynptrRead, dynptrRead},
	{asm.HelperDynptrWrite, dynptrWrite},
	{asm.HelperDynptrData, dynptrData},
}

// dynptr is what a struct bpf_dynptr holds, which programs cannot read: the address of some bytes, and how
// many there are. Address 0 is a dynptr that holds nothing.
type dynptr struct{ addr, size uint64 }

// dynptrSize is sizeof(struct bpf_dynptr), maxDynptr the most bytes one may hold (DYNPTR_MAX_SIZE).
const dynptrSize, maxDynptr = 16, 1<<24 - 1

// getDynptr reads a dynptr, or ends the run.
func getDynptr(m *Machine, addr uint64) (d dynptr, ok bool) {
	b := m.read(addr, dynptrSize)
	if b == nil {
		return d, false
	}
	return dynptr{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}, true
}

// putDynptr writes a dynptr, or ends the run.
func putDynptr(m *Machine, addr uint64, d dynptr) bool {
	b := m.write(addr, dynptrSize)
	if b == nil {
		return false
	}
	binary.LittleEndian.PutUint64(b, d.addr)
	binary.LittleEndian.PutUint64(b[8:], d.size)
	return true
}

// holds reports whether n bytes at an offset are among those of the dynptr.
func (d dynptr) holds(off, n uint64) bool { return n <= d.size && off <= d.size-n }

func dynptrFromMem(m *Machine, data, size, flags, to, _ uint64) uint64 {
	size = uint64(uint32(size))
	d, result := dynptr{data, size}, uint64(0)
	switch {
	case size > maxDynptr:
		d, result = dynptr{}, errno(eBIG)
	case flags != 0:
		d, result = dynptr{}, errno(eINVAL)
	case m.write(data, size) == nil:
		return 0
	}
	putDynptr(m, to, d)
	return result
}

// ringReserveDynptr makes a dynptr of a new record, one that holds nothing if there is none.
func ringReserveDynptr(m *Machine, p, size, flags, to, _ uint64) uint64 {
	r := ring(m, asm.HelperRingbufReserveDynptr, p)
	if r == nil || m.write(to, dynptrSize) == nil {
		return 0
	}
	size = uint64(uint32(size))
	d, result := dynptr{}, errno(eINVAL)
	switch {
	case flags != 0:
	case size > maxDynptr:
		result = errno(eBIG)
	default:
		if at := r.reserve(size); at != 0 {
			d, result = dynptr{at, size}, 0
		}
	}
	putDynptr(m, to, d)
	return result
}

func ringSubmitDynptr(m *Machine, p, _, _, _, _ uint64) uint64 { return releaseDynptr(m, p, false) }

func ringDropDynptr(m *Machine, p, _, _, _, _ uint64) uint64 { return releaseDynptr(m, p, true) }

// releaseDynptr ends the reservation of a record, if the dynptr holds one, and leaves the dynptr empty.
func releaseDynptr(m *Machine, p uint64, discard bool) uint64 {
	d, ok := getDynptr(m, p)
	if !ok || d.addr == 0 {
		return 0
	}
	release(m, d.addr, discard)
	putDynptr(m, p, dynptr{})
	return 0
}

func dynptrRead(m *Machine, dst, n, p, off, flags uint64) uint64 {
	d, ok := getDynptr(m, p)
	n, off = uint64(uint32(n)), uint64(uint32(off))
	b := m.write(dst, n)
	switch {
	case !ok || b == nil:
		return 0
	case d.addr == 0 || flags != 0:
		return errno(eINVAL)
	case !d.holds(off, n):
		return errno(eBIG)
	}
	copy(b, m.read(d.addr+off, n))
	return 0
}

func dynptrWrite(m *Machine, p, off, src, n, flags uint64) uint64 {
	d, ok := getDynptr(m, p)
	n, off = uint64(uint32(n)), uint64(uint32(off))
	b := m.read(src, n)
	switch {
	case !ok || b == nil:
		return 0
	case d.addr == 0 || flags != 0:
		return errno(eINVAL)
	case !d.holds(off, n):
		return errno(eBIG)
	}
	copy(m.write(d.addr+off, n), b)
	return 0
}

// dynptrData returns the address of n bytes, 0 if there are not as many.
func dynptrData(m *Machine, p, off, n, _, _ uint64) uint64 {
	d, ok := getDynptr(m, p)
	n, off = uint64(uint32(n)), uint64(uint32(off))
	if !ok || d.addr == 0 || !d.holds(off, n) {
		return 0
	}
	return d.addr + off
}
