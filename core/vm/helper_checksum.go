package vm

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/asm"
)

var checksumHelpers = []helper{
	{asm.HelperL3CsumReplace, l3Replace},
	{asm.HelperL4CsumReplace, l4Replace},
	{asm.HelperCsumDiff, csumDiff},
	{asm.HelperCsumUpdate, csumUpdate},
}

// fold returns the sum of the 16-bit halves, with the carries added.
func fold(x uint64) uint64 {
	for x > 0xffff {
		x = x&0xffff + x>>16
	}
	return x
}

// sum16 adds up bytes as numbers of 16 bits (RFC 1071).
func sum16(b []byte) uint64 {
	s := uint64(0)
	for ; len(b) >= 2; b = b[2:] {
		s += uint64(binary.LittleEndian.Uint16(b))
	}
	return fold(s)
}

// field returns the checksum at an offset into the packet, nil if there is none.
func field(m *Machine, off uint64) []byte {
	if off > 0xffff || off%2 != 0 {
		return nil
	}
	return within(m, m.packet.start, off, 2)
}

// replace changes a checksum as a number of size bytes changes, or, with size 0, by a difference.
func replace(b []byte, from, to, size uint64) uint64 {
	switch size {
	case 0:
		if from != 0 {
			return errno(eINVAL)
		}
		from, to = 0, fold(uint64(uint32(to)))
	case 2:
		from, to = from&0xffff, to&0xffff
	case 4:
		from, to = fold(uint64(uint32(from))), fold(uint64(uint32(to)))
	default:
		return errno(eINVAL)
	}
	old := uint64(^binary.LittleEndian.Uint16(b))
	binary.LittleEndian.PutUint16(b, ^uint16(fold(old+(^from&0xffff)+to)))
	return 0
}

func l3Replace(m *Machine, _, off, from, to, flags uint64) uint64 {
	const sizes = 0xf // BPF_F_HDR_FIELD_MASK
	if flags&^sizes != 0 {
		return errno(eINVAL)
	}
	b := field(m, uint64(uint32(off)))
	if b == nil {
		return errno(eFAULT)
	}
	return replace(b, from, to, flags)
}

// l4Replace knows of UDP that a checksum of 0 is none. Whether the change is in the pseudo header
// matters only where hardware completes checksums.
func l4Replace(m *Machine, _, off, from, to, flags uint64) uint64 {
	// BPF_F_HDR_FIELD_MASK, BPF_F_PSEUDO_HDR, BPF_F_MARK_MANGLED_0, BPF_F_MARK_ENFORCE, BPF_F_IPV6
	const sizes, pseudo, mangled, enforce, ipv6 = 0xf, 0x10, 0x20, 0x40, 0x80
	if flags&^(sizes|pseudo|mangled|enforce|ipv6) != 0 {
		return errno(eINVAL)
	}
	b := field(m, uint64(uint32(off)))
	if b == nil {
		return errno(eFAULT)
	}
	if flags&mangled != 0 && flags&enforce == 0 && b[0]|b[1] == 0 {
		return 0
	}
	if r := replace(b, from, to, flags&sizes); r != 0 {
		return r
	}
	if flags&mangled != 0 && b[0]|b[1] == 0 {
		b[0], b[1] = 0xff, 0xff
	}
	return 0
}

// csumDiff returns the sum that has to be added to a checksum when some bytes become others, in 16
// bits as kernels since 6.13 do.
func csumDiff(m *Machine, from, fromSize, to, toSize, seed uint64) uint64 {
	fromSize, toSize = uint64(uint32(fromSize)), uint64(uint32(toSize))
	if fromSize%4 != 0 || toSize%4 != 0 {
		return errno(eINVAL)
	}
	a, b := m.read(from, fromSize), m.read(to, toSize)
	if a == nil || b == nil {
		return 0
	}
	sum := uint64(uint32(seed)) + sum16(b)
	if fromSize > 0 {
		sum += ^sum16(a) & 0xffff
	}
	return fold(sum)
}

// csumUpdate finds that no hardware computed a checksum of the packet that it could add to.
func csumUpdate(*Machine, uint64, uint64, uint64, uint64, uint64) uint64 { return errno(eNOTSUPP) }
