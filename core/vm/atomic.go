package vm

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/asm"
)

// atomic runs an atomic operation. One program runs at a time, so a plain access is one.
func (m *Machine) atomic(in *insn) {
	r, op := &m.regs, asm.AtomicOp(int32(in.imm))
	n := uint64(in.size)
	if op == asm.LoadAcquire {
		addr := r[in.src&15] + uint64(int64(in.off))
		if !m.access(addr, n, false) {
			m.faultAccess(m.pc, addr, n, false)
			return
		}
		r[in.dst&15] = getUint(m.mem.at(addr, n))
		return
	}
	addr := r[in.dst&15] + uint64(int64(in.off))
	if !m.access(addr, n, true) {
		m.faultAccess(m.pc, addr, n, true)
		return
	}
	b := m.mem.at(addr, n)
	old, v := getUint(b), r[in.src&15]
	switch op {
	case asm.StoreRelease, asm.Xchg:
	case asm.CmpXchg:
		same := old == r[0]
		if n == 4 {
			same = uint32(old) == uint32(r[0])
		}
		if !same {
			v = old
		}
	default:
		v = combine(op&^asm.Fetch, old, v)
	}
	putUint(b, v)
	switch {
	case op == asm.CmpXchg:
		r[0] = old
	case op&asm.Fetch != 0: // Xchg too
		r[in.src&15] = old
	}
}

func combine(op asm.AtomicOp, a, b uint64) uint64 {
	switch op {
	case asm.AtomicOr:
		return a | b
	case asm.AtomicAnd:
		return a & b
	case asm.AtomicXor:
		return a ^ b
	}
	return a + b
}

// getUint reads a number of 1, 2, 4 or 8 bytes.
func getUint(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// putUint writes the low bytes of a number into 1, 2, 4 or 8 bytes.
func putUint(b []byte, v uint64) {
	switch len(b) {
	case 1:
		b[0] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	default:
		binary.LittleEndian.PutUint64(b, v)
	}
}
