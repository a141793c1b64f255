package randprog

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Offsets of fields of contexts (include/uapi/linux/bpf.h).
const (
	xdpData, xdpDataEnd, xdpIfindex, xdpQueue = 0, 4, 12, 16
	skbLen, skbMark, skbProtocol, skbPriority = 0, 8, 16, 32
	skbIfindex, skbTCIndex, skbCB, skbClassid = 40, 44, 48, 72
	skbData, skbDataEnd                       = 76, 80
)

func hasDirectPacket(g *generator) bool {
	return g.context && (g.typ == spec.ProgramXDP || g.typ == spec.ProgramSchedCls)
}

func hasPacketLoads(g *generator) bool {
	return g.context && g.role == roleMain && (g.typ == spec.ProgramSchedCls || g.typ == spec.ProgramSocketFilter)
}

func hasPacketHelpers(g *generator) bool { return g.context && g.typ != spec.ProgramSyscall }

// packetParts are those that use context and packet.
type packetParts struct{ *generator }

// inPacket makes a part with context and packet.
func inPacket(part func(packetParts)) func(*generator) {
	return func(g *generator) { part(packetParts{g}) }
}

// contextFields reads and writes the context.
func (g packetParts) contextFields() {
	switch g.typ {
	case spec.ProgramSyscall:
		g.access(area{"the context", asm.R6, 0, contextSize, false})
	case spec.ProgramXDP:
		g.tag("field of xdp_md")
		if g.IntN(2) == 0 {
			g.packetLength(xdpData, xdpDataEnd)
			return
		}
		g.add(asm.LoadMem(g.reg(), asm.R6, []int16{xdpIfindex, xdpQueue}[g.IntN(2)], asm.Word))
	default:
		g.tag("field of __sk_buff")
		g.skbField()
	}
}

// packetLength computes it from the pointers.
func (g packetParts) packetLength(data, end int16) {
	d := g.reg()
	e := g.reg(d)
	g.add(asm.LoadMem(d, asm.R6, data, asm.Word), asm.LoadMem(e, asm.R6, end, asm.Word), asm.ALU64Reg(asm.Sub, e, d))
	g.renew(d)
}

func (g packetParts) skbField() {
	readable := []int16{skbLen, skbMark, skbPriority, skbCB, skbCB + 4, skbCB + 16}
	writable := []int16{skbCB, skbCB + 4, skbCB + 16}
	if g.typ == spec.ProgramSchedCls {
		readable = append(readable, skbProtocol, skbIfindex, skbTCIndex, skbClassid)
		writable = append(writable, skbMark, skbPriority) // of the last two the kernel keeps 16 bits
	}
	switch k := g.IntN(8); {
	case k < 3:
		g.add(asm.StoreMem(asm.R6, writable[g.IntN(len(writable))], g.reg(), asm.Word))
	case k < 6:
		g.add(asm.LoadMem(g.reg(), asm.R6, readable[g.IntN(len(readable))], asm.Word))
	case k < 7 && g.typ == spec.ProgramSchedCls:
		g.packetLength(skbData, skbDataEnd)
	default: // narrower than the field
		size := sizes[g.IntN(2)]
		g.add(asm.LoadMem(g.reg(), asm.R6, []int16{skbLen, skbMark}[g.IntN(2)], size))
		g.tag("narrow load of a field")
	}
}

// directPacket reads and writes the packet by pointers, checked against its end.
func (g packetParts) directPacket() {
	data, end := int16(xdpData), int16(xdpDataEnd)
	if g.typ == spec.ProgramSchedCls {
		data, end = skbData, skbDataEnd
	}
	p := g.reg()
	e := g.reg(p)
	last := g.reg(p, e)
	n := 8 * (1 + g.IntN(8))
	if g.IntN(2) == 0 {
		n = 34 + g.IntN(100)
	}
	g.add(asm.LoadMem(p, asm.R6, data, asm.Word), asm.LoadMem(e, asm.R6, end, asm.Word))
	name := "the packet"
	if g.IntN(3) == 0 {
		i := g.reg(p, e)
		g.add(asm.ALU64Imm(asm.And, i, 63), asm.ALU64Reg(asm.Add, p, i))
		name = "the packet at a variable offset"
	}
	g.add(asm.Mov64Reg(last, p), asm.ALU64Imm(asm.Add, last, int32(n)))
	out := g.label()
	g.checkEnd(last, e, out)
	g.renewNumbers(e, last)
	g.access(area{name, p, int16(n - n&^7), n &^ 7, false})
	if g.IntN(2) == 0 { // the last byte
		g.add(asm.LoadMem(g.reg(p), p, int16(n-1), asm.Byte))
	}
	join := g.label()
	g.always(join)
	g.here(out)
	g.renewNumbers(e, last)
	g.here(join)
	g.renew(p)
}

// checkEnd jumps to out if what ends at last does not fit before end, and now and then if it just
// fits.
func (g packetParts) checkEnd(last, end asm.Reg, out asm.Label) {
	ops := []struct {
		op   asm.JumpOp
		swap bool // end op last
		fits bool // the condition holds if it fits
	}{
		{asm.Greater, false, false}, {asm.GreaterEq, false, false}, {asm.Less, true, false}, {asm.LessEq, true, false},
		{asm.LessEq, false, true}, {asm.Less, false, true}, {asm.GreaterEq, true, true}, {asm.Greater, true, true},
	}
	c := ops[g.IntN(len(ops))]
	a, b := last, end
	if c.swap {
		a, b = end, last
	}
	if !c.fits {
		g.add(asm.JumpReg(c.op, a, b, out))
		return
	}
	ok := g.label()
	g.add(asm.JumpReg(c.op, a, b, ok))
	g.always(out)
	g.here(ok)
}

// packetLoad reads the packet by LD_ABS or LD_IND, which ends the program if it is too short.
func (g packetParts) packetLoad() {
	size := sizes[g.IntN(3)]
	off := int32(g.IntN(30))
	if g.IntN(20) == 0 {
		off = int32(g.IntN(200))
	}
	if g.typ == spec.ProgramSchedCls && g.IntN(4) == 0 { // SKF_NET_OFF, SKF_LL_OFF
		off += []int32{-0x100000, -0x200000}[g.IntN(2)]
	}
	if g.IntN(2) == 0 {
		g.add(asm.LoadAbs(off, size))
	} else {
		i := g.reg()
		g.add(asm.ALU64Imm(asm.And, i, 7), asm.LoadInd(i, off, size))
	}
	g.tag("load of packet bytes")
	g.renew(scratch...)
}

// packetHelper reads, writes or moves the packet by helpers.
func (g packetParts) packetHelper() {
	mapParts(g).putValue()
	switch {
	case g.typ != spec.ProgramXDP:
		g.skbHelper()
		return
	case g.IntN(3) > 0:
		h := []asm.Helper{asm.HelperXDPAdjustHead, asm.HelperXDPAdjustTail, asm.HelperXDPAdjustMeta, asm.HelperXDPGetBuffLen}[g.IntN(4)]
		g.add(asm.Mov64Reg(asm.R1, asm.R6), asm.Mov64Imm(asm.R2, int32(g.IntN(64)-32)))
		if h == asm.HelperXDPAdjustMeta {
			g.add(asm.Mov64Imm(asm.R2, int32(-4*g.IntN(8))))
		}
		g.add(asm.Call(h))
	default:
		g.bytesHelper(asm.HelperXDPLoadBytes, asm.HelperXDPStoreBytes)
		return
	}
	g.renew(scratch...)
}

// bytesHelper copies bytes between packet and stack: both helpers take context, offset, pointer and
// size.
func (g packetParts) bytesHelper(load, store asm.Helper) {
	g.add(asm.Mov64Reg(asm.R1, asm.R6), asm.Mov64Imm(asm.R2, int32(g.IntN(60))))
	g.at(asm.R3, valueAt)
	g.add(asm.Mov64Imm(asm.R4, int32(1+g.IntN(entrySize))), asm.Mov64Imm(asm.R5, 0))
	g.add(asm.Call([]asm.Helper{load, store}[g.IntN(2)]))
	g.renew(scratch...)
	g.add(asm.LoadMem(g.reg(asm.R0), asm.R10, valueAt, asm.DWord))
}

func (g packetParts) skbHelper() {
	if g.typ == spec.ProgramSocketFilter {
		g.bytesHelper(asm.HelperSkbLoadBytes, asm.HelperSkbLoadBytes)
		return
	}
	if g.IntN(4) == 0 {
		g.add(asm.Mov64Reg(asm.R1, asm.R6), asm.Mov64Imm(asm.R2, int32(g.IntN(60))), asm.Call(asm.HelperSkbPullData))
		g.renew(scratch...)
		return
	}
	g.bytesHelper(asm.HelperSkbLoadBytes, asm.HelperSkbStoreBytes)
}
