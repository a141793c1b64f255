package vm

import (
	"encoding/binary"
	"math/bits"
)

// maxFrames is how many functions may be active at once (MAX_CALL_FRAMES, bpf_verifier.h).
const maxFrames = 8

// frameSize is the stack of a function in bytes; a frame has as much again below it that belongs to
// nothing.
const frameSize, frameStride = 512, 1024

// maxMayGoto is how often a run may pass a may_goto (BPF_MAX_LOOPS, bpf_verifier.h).
const maxMayGoto = 8 << 20

// maxTailCalls is how many tail calls a run may make (MAX_TAIL_CALL_CNT, include/linux/bpf.h).
const maxTailCalls = 33

// frame is what a called function has to leave as it was.
type frame struct {
	saved [5]uint64 // R6 to R10
	ret   int       // where to go on; -1 ends exec
}

// push makes a frame for a function that returns to ret. It reports whether there was one left.
func (m *Machine) push(ret int) bool {
	if m.depth == maxFrames {
		return false
	}
	f := &m.frames[m.depth]
	copy(f.saved[:], m.regs[6:11])
	f.ret = ret
	m.depth++
	m.regs[10] = m.stackTop - uint64(m.depth-1)*frameStride
	return true
}

// exec runs from pc until the function that is called there returns, or m.fault is set.
func (m *Machine) exec(pc int) {
	if !m.push(-1) {
		m.stop(m.pc, Fault{Kind: FaultDepth})
		return
	}
	var (
		le      = binary.LittleEndian
		code    = m.code
		r       = &m.regs
		mem     = m.mem.bytes // the shadow is not here too: it would take registers from arithmetic
		addr, n uint64
	)
	for {
		in := &code[pc]
		pc++
	again:
		d := in.dst & 15
		v := r[in.src&15] + in.imm
		switch in.op {
		case opMov64:
			r[d] = v
		case opAdd64:
			r[d] += v
		case opSub64:
			r[d] -= v
		case opMul64:
			r[d] *= v
		case opDiv64:
			r[d] = div64(r[d], v)
		case opSDiv64:
			r[d] = sdiv64(r[d], v)
		case opMod64:
			r[d] = mod64(r[d], v)
		case opSMod64:
			r[d] = smod64(r[d], v)
		case opOr64:
			r[d] |= v
		case opAnd64:
			r[d] &= v
		case opXor64:
			r[d] ^= v
		case opLsh64:
			r[d] <<= v & 63
		case opRsh64:
			r[d] >>= v & 63
		case opArsh64:
			r[d] = uint64(int64(r[d]) >> (v & 63))
		case opNeg64:
			r[d] = -r[d]

		case opMov32:
			r[d] = uint64(uint32(v))
		case opAdd32:
			r[d] = uint64(uint32(r[d]) + uint32(v))
		case opSub32:
			r[d] = uint64(uint32(r[d]) - uint32(v))
		case opMul32:
			r[d] = uint64(uint32(r[d]) * uint32(v))
		case opDiv32:
			r[d] = div64(uint64(uint32(r[d])), uint64(uint32(v)))
		case opSDiv32:
			r[d] = sdiv32(r[d], v)
		case opMod32:
			r[d] = mod64(uint64(uint32(r[d])), uint64(uint32(v)))
		case opSMod32:
			r[d] = smod32(r[d], v)
		case opOr32:
			r[d] = uint64(uint32(r[d]) | uint32(v))
		case opAnd32:
			r[d] = uint64(uint32(r[d]) & uint32(v))
		case opXor32:
			r[d] = uint64(uint32(r[d]) ^ uint32(v))
		case opLsh32:
			r[d] = uint64(uint32(r[d]) << (v & 31))
		case opRsh32:
			r[d] = uint64(uint32(r[d]) >> (v & 31))
		case opArsh32:
			r[d] = uint64(uint32(int32(r[d]) >> (v & 31)))
		case opNeg32:
			r[d] = uint64(-uint32(r[d]))

		case opMovS8:
			r[d] = uint64(int8(v))
		case opMovS16:
			r[d] = uint64(int16(v))
		case opMovS32:
			r[d] = uint64(int32(v))
		case opMov32S8:
			r[d] = uint64(uint32(int8(v)))
		case opMov32S16:
			r[d] = uint64(uint32(int16(v)))
		case opZero16:
			r[d] = uint64(uint16(r[d]))
		case opSwap16:
			r[d] = uint64(bits.ReverseBytes16(uint16(r[d])))
		case opSwap32:
			r[d] = uint64(bits.ReverseBytes32(uint32(r[d])))
		case opSwap64:
			r[d] = bits.ReverseBytes64(r[d])

		case opLoad8:
			addr = v - base
			if g, shadow := addr>>3, m.mem.shadow; g >= uint64(len(shadow)) || uint64(shadow[g]&shadowCount) < addr&7+1 {
				if n = 1; !m.access(v, n, false) {
					goto badRead
				}
			}
			r[d] = uint64(mem[addr])
		case opLoad16:
			addr = v - base
			if g, shadow := addr>>3, m.mem.shadow; g >= uint64(len(shadow)) || uint64(shadow[g]&shadowCount) < addr&7+2 {
				if n = 2; !m.access(v, n, false) {
					goto badRead
				}
			}
			r[d] = uint64(le.Uint16(mem[addr:]))
		case opLoad32:
			addr = v - base
			if g, shadow := addr>>3, m.mem.shadow; g >= uint64(len(shadow)) || uint64(shadow[g]&shadowCount) < addr&7+4 {
				if n = 4; !m.access(v, n, false) {
					goto badRead
				}
			}
			r[d] = uint64(le.Uint32(mem[addr:]))
		case opLoad64:
			addr = v - base
			if g, shadow := addr>>3, m.mem.shadow; g >= uint64(len(shadow)) || uint64(shadow[g]&shadowCount) < addr&7+8 {
				if n = 8; !m.access(v, n, false) {
					goto badRead
				}
			}
			r[d] = le.Uint64(mem[addr:])
		case opLoadS8:
			if n = 1; !m.access(v, n, false) {
				goto badRead
			}
			r[d] = uint64(int8(mem[v-base]))
		case opLoadS16:
			if n = 2; !m.access(v, n, false) {
				goto badRead
			}
			r[d] = uint64(int16(le.Uint16(mem[v-base:])))
		case opLoadS32:
			if n = 4; !m.access(v, n, false) {
				goto badRead
			}
			r[d] = uint64(int32(le.Uint32(mem[v-base:])))

		case opStore8:
			addr = r[d] + uint64(int64(in.off)) - base
			if g, shadow := addr>>3, m.mem.shadow; g >= uint64(len(shadow)) || shadow[g]-byte(addr&7+1) > shadowFull {
				if n = 1; !m.access(addr+base, n, true) {
					goto badWrite
				}
			}
			mem[addr] = byte(v)
		case opStore16:
			addr = r[d] + uint64(int64(in.off)) - base
			if g, shadow := addr>>3, m.mem.shadow; g >= uint64(len(shadow)) || shadow[g]-byte(addr&7+2) > shadowFull {
				if n = 2; !m.access(addr+base, n, true) {
					goto badWrite
				}
			}
			le.PutUint16(mem[addr:], uint16(v))
		case opStore32:
			addr = r[d] + uint64(int64(in.off)) - base
			if g, shadow := addr>>3, m.mem.shadow; g >= uint64(len(shadow)) || shadow[g]-byte(addr&7+4) > shadowFull {
				if n = 4; !m.access(addr+base, n, true) {
					goto badWrite
				}
			}
			le.PutUint32(mem[addr:], uint32(v))
		case opStore64:
			addr = r[d] + uint64(int64(in.off)) - base
			if g, shadow := addr>>3, m.mem.shadow; g >= uint64(len(shadow)) || shadow[g]-byte(addr&7+8) > shadowFull {
				if n = 8; !m.access(addr+base, n, true) {
					goto badWrite
				}
			}
			le.PutUint64(mem[addr:], v)
		case opAtomic:
			m.pc = pc - 1
			if m.atomic(in); m.fault != nil {
				return
			}

		case opGoto:
			goto jump
		case opEqual64:
			if r[d] == v {
				goto jump
			}
		case opNotEqual64:
			if r[d] != v {
				goto jump
			}
		case opGreater64:
			if r[d] > v {
				goto jump
			}
		case opGreaterEq64:
			if r[d] >= v {
				goto jump
			}
		case opLess64:
			if r[d] < v {
				goto jump
			}
		case opLessEq64:
			if r[d] <= v {
				goto jump
			}
		case opSGreater64:
			if int64(r[d]) > int64(v) {
				goto jump
			}
		case opSGreaterEq64:
			if int64(r[d]) >= int64(v) {
				goto jump
			}
		case opSLess64:
			if int64(r[d]) < int64(v) {
				goto jump
			}
		case opSLessEq64:
			if int64(r[d]) <= int64(v) {
				goto jump
			}
		case opSet64:
			if r[d]&v != 0 {
				goto jump
			}
		case opEqual32:
			if uint32(r[d]) == uint32(v) {
				goto jump
			}
		case opNotEqual32:
			if uint32(r[d]) != uint32(v) {
				goto jump
			}
		case opGreater32:
			if uint32(r[d]) > uint32(v) {
				goto jump
			}
		case opGreaterEq32:
			if uint32(r[d]) >= uint32(v) {
				goto jump
			}
		case opLess32:
			if uint32(r[d]) < uint32(v) {
				goto jump
			}
		case opLessEq32:
			if uint32(r[d]) <= uint32(v) {
				goto jump
			}
		case opSGreater32:
			if int32(r[d]) > int32(v) {
				goto jump
			}
		case opSGreaterEq32:
			if int32(r[d]) >= int32(v) {
				goto jump
			}
		case opSLess32:
			if int32(r[d]) < int32(v) {
				goto jump
			}
		case opSLessEq32:
			if int32(r[d]) <= int32(v) {
				goto jump
			}
		case opSet32:
			if uint32(r[d])&uint32(v) != 0 {
				goto jump
			}
		case opMayGoto:
			if m.mayGoto--; m.mayGoto < 0 {
				goto jump
			}
		case opGotoReg:
			t, ok := m.gotox(pc-1, r[d])
			if !ok {
				return
			}
			pc = t

		case opHelper:
			m.pc = pc - 1
			r[0] = helpers[in.off].call(m, r[1], r[2], r[3], r[4], r[5])
			if m.fault != nil {
				return
			}
			mem = m.mem.bytes
		case opCall:
			if !m.push(pc) {
				m.stop(pc-1, Fault{Kind: FaultDepth})
				return
			}
			if m.fuel--; m.fuel < 0 {
				m.stop(pc-1, Fault{Kind: FaultFuel})
				return
			}
			pc = int(in.off)
		case opTailCall:
			m.pc = pc - 1
			t := m.tailCall(r[2], r[3])
			switch {
			case m.fault != nil:
				return
			case t < 0:
				r[0] = errno(eINVAL)
			default:
				pc = t
			}
		case opPacket:
			if m.loadPacket(in, v) {
				continue
			}
			r[0] = 0
			goto exit
		case opExit:
			goto exit
		case opTraced:
			in = m.tracer.at(pc - 1)
			goto again
		default: // opPoison
			m.stop(pc-1, Fault{Kind: FaultRelocated, Detail: m.programAt(pc - 1).poisonAt(pc - 1)})
			return
		}
		continue
	jump:
		if int(in.off) < pc {
			if m.fuel--; m.fuel < 0 {
				m.stop(pc-1, Fault{Kind: FaultFuel})
				return
			}
		}
		pc = int(in.off)
		continue
	badRead:
		if in.op >= opLoad8 && in.op <= opLoadS32 && m.readsZero(pc-1, in.imm+r[in.src&15], n) {
			r[d] = 0
			continue
		}
		m.faultAccess(pc-1, in.imm+r[in.src&15], n, false)
		return
	exit:
		m.depth--
		f := &m.frames[m.depth]
		copy(r[6:11], f.saved[:])
		if f.ret < 0 {
			return
		}
		pc = f.ret
	}
badWrite:
	m.faultAccess(pc-1, addr+base, n, true)
}

// access reports whether a program may read or write n bytes. A packet may begin and end anywhere,
// which the shadow cannot say.
func (m *Machine) access(addr, n uint64, write bool) bool {
	return m.mem.owned(addr, n, write) ||
		addr >= m.packet.meta && addr < m.packet.end && n <= m.packet.end-addr
}

// call runs a function of the program as a callback and returns its R0.
func (m *Machine) call(pc int, a, b, c, d uint64) uint64 {
	at := m.pc
	if m.fuel--; m.fuel < 0 {
		m.stop(at, Fault{Kind: FaultFuel})
		return 0
	}
	m.regs[1], m.regs[2], m.regs[3], m.regs[4] = a, b, c, d
	m.exec(pc)
	m.pc = at
	return m.regs[0]
}
