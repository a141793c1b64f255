package randprog

import "github.com/bpfhost/bpfhost/core/asm"

// area is memory that a part reads and writes: n bytes from an address in a register on, a multiple
// of 8.
type area struct {
	name   string // in forms
	base   asm.Reg
	off    int16
	n      int
	atomic bool // atomic operations are possible
}

// stack reads and writes the numbers of the stack.
func (g *generator) stack() { g.access(area{"stack", asm.R10, words, 64, true}) }

// callerStack reads and writes the word of a caller's stack that the function got.
func (g *generator) callerStack() { g.access(area{"a caller's stack", asm.R6, 0, 8, true}) }

// value reads and writes the value of an array at a fixed address.
func (g *generator) value() {
	p := g.reg()
	off := uint32(8 * g.IntN(4))
	g.add(asm.LoadMapValue(p, state, off))
	g.access(area{"a map value", p, 0, stateSize - int(off), true})
	g.renew(p)
}

// variableStack reads and writes the stack at an offset that the verifier does not know.
func (g *generator) variableStack() {
	p, i := g.offset(8)
	g.add(asm.Mov64Reg(p, asm.R10), asm.ALU64Imm(asm.Add, p, words), asm.ALU64Reg(asm.Add, p, i))
	g.access(area{"stack at a variable offset", p, 0, 8, false})
	g.renew(p)
}

// variableValue does the same to a map value.
func (g *generator) variableValue() {
	p, i := g.offset(stateSize / 8)
	g.add(asm.LoadMapValue(p, state, 0), asm.ALU64Reg(asm.Add, p, i))
	g.access(area{"a map value at a variable offset", p, 0, 8, true})
	g.renew(p)
}

// offset makes one register a multiple of 8 below 8*n, a power of two, and returns another one too.
func (g *generator) offset(n int) (other, i asm.Reg) {
	i = g.reg()
	other = g.reg(i)
	if g.IntN(2) == 0 {
		g.add(asm.ALU64Imm(asm.And, i, int32(n-1)), asm.ALU64Imm(asm.Lsh, i, 3))
	} else {
		g.add(asm.ALU32Imm(asm.And, i, int32(8*n-8)))
	}
	return other, i
}

// access makes a few reads and writes. No register that is the address changes.
func (g *generator) access(a area) {
	for range 1 + g.IntN(3) {
		size := sizes[g.IntN(4)]
		n := size.Bytes()
		off := a.off + int16(n*g.IntN(a.n/n))
		switch k := g.IntN(12); {
		case k < 3:
			g.add(asm.LoadMem(g.reg(a.base), a.base, off, size))
			g.tag("load from " + a.name)
		case k < 5:
			if size == asm.DWord {
				size = asm.Half
			}
			g.add(asm.LoadMemSX(g.reg(a.base), a.base, off, size))
			g.tag("load from " + a.name)
		case k < 7:
			g.add(asm.StoreMem(a.base, off, g.reg(a.base), size))
			g.tag("store to " + a.name)
		case k < 8:
			g.add(asm.StoreImm(a.base, off, g.imm(), size))
			g.tag("store to " + a.name)
		case a.atomic:
			g.atomic(a, off, size)
		}
	}
}

var atomicOps = []asm.AtomicOp{
	asm.AtomicAdd, asm.AtomicOr, asm.AtomicAnd, asm.AtomicXor, asm.AtomicAdd | asm.Fetch, asm.AtomicOr | asm.Fetch,
	asm.AtomicAnd | asm.Fetch, asm.AtomicXor | asm.Fetch, asm.Xchg, asm.CmpXchg,
}

// atomic makes an atomic operation at an offset that is a multiple of the size.
func (g *generator) atomic(a area, off int16, size asm.Size) {
	g.tag("atomic on " + a.name)
	switch g.IntN(8) {
	case 0:
		g.add(asm.Atomic(asm.LoadAcquire, g.reg(a.base), off, a.base, size))
		return
	case 1:
		g.add(asm.Atomic(asm.StoreRelease, a.base, off, g.reg(a.base), size))
		return
	}
	if size != asm.DWord {
		size, off = asm.Word, off&^3
	}
	op := atomicOps[g.IntN(len(atomicOps))]
	if op == asm.CmpXchg {
		if a.base == asm.R0 {
			op = asm.Xchg
		} else if g.IntN(2) == 0 { // or it is never equal
			g.add(asm.LoadMem(asm.R0, a.base, off, size))
		}
	}
	g.add(asm.Atomic(op, a.base, off, g.reg(a.base), size))
}
