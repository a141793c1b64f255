package asm

import (
	"math"
	"strconv"
)

// access reads a C type such as (u32 *); sign is 'u' or 's'.
func (p *parser) access() (size Size, sign byte) {
	p.expect("(")
	switch w := p.word(); w {
	case "u8", "s8":
		size, sign = Byte, w[0]
	case "u16", "s16":
		size, sign = Half, w[0]
	case "u32", "s32":
		size, sign = Word, w[0]
	case "u64":
		size, sign = DWord, 'u'
	default:
		p.fail("expected u8, u16, u32, u64, s8, s16 or s32")
	}
	p.expect("*")
	p.expect(")")
	return size, sign
}

// unsigned is access that accepts no sign-extending type.
func (p *parser) unsigned() Size {
	at := p.pos
	size, sign := p.access()
	if sign == 's' {
		p.failAt(at, "only a load from memory can sign-extend")
	}
	return size
}

// place reads (r1 + 8).
func (p *parser) place() (Reg, int16) {
	p.expect("(")
	base, off := p.bare()
	p.expect(")")
	return base, off
}

// bare reads r1 + 8.
func (p *parser) bare() (Reg, int16) {
	r := p.register('r')
	return r.Reg, int16(p.plus(math.MinInt16, math.MaxInt16))
}

// plus reads a number after + or -, if there is one.
func (p *parser) plus(low, high int64) int64 {
	negative := p.accept("-")
	if !negative && !p.accept("+") {
		return 0
	}
	v, big, ok := p.tryNumber()
	switch {
	case !ok:
		p.fail("expected a number, found " + p.found())
		return 0
	case negative && big && v == math.MinInt64: // its own negative
	case big:
		p.fail("number does not fit 64 bits")
	case negative:
		v = -v
	}
	if v < low || v > high {
		p.fail("number is not between " + strconv.FormatInt(low, 10) + " and " + strconv.FormatInt(high, 10))
	}
	return v
}

// load reads what follows r1 = *.
func (p *parser) load(dst register) Insn {
	at := p.at
	size, sign := p.access()
	if p.accept("skb[") {
		if dst.Reg != R0 || sign == 's' || size == DWord {
			p.failAt(at, "a packet load is of type u8, u16 or u32 and goes to r0")
		}
		return p.packet(size)
	}
	if size == DWord || sign == 's' {
		p.wide(dst, at)
	}
	base, off := p.place()
	if sign == 's' {
		return LoadMemSX(dst.Reg, base, off, size)
	}
	return LoadMem(dst.Reg, base, off, size)
}

// packet reads what follows skb[.
func (p *parser) packet(size Size) Insn {
	var in Insn
	if r, ok := p.tryRegister(); ok {
		in = LoadInd(r.Reg, int32(p.plus(math.MinInt32, math.MaxInt32)), size)
	} else {
		in = LoadAbs(p.immediate(false), size)
	}
	p.expect("]")
	return in
}

// store reads what follows *.
func (p *parser) store() Insn {
	size := p.unsigned()
	base, off := p.place()
	p.expect("=")
	if src, ok := p.tryRegister(); ok {
		if size == DWord {
			p.wide(src, p.at)
		}
		return StoreMem(base, off, src.Reg, size)
	}
	return StoreImm(base, off, p.immediate(size != DWord), size)
}

// atomicSource reads the register whose width goes with an access.
func (p *parser) atomicSource(size Size) Reg {
	r := p.register(0)
	if size == DWord {
		p.wide(r, p.at)
	}
	return r.Reg
}

// lock reads what follows lock.
func (p *parser) lock() Insn {
	p.expect("*")
	size := p.atomicSize()
	base, off := p.place()
	for i, a := range atomicText {
		if a.operator != "" && p.accept(a.operator) {
			return Atomic(AtomicOp(i<<4), base, off, p.atomicSource(size), size)
		}
	}
	p.fail("expected +=, |=, &= or ^=, found " + p.found())
	return Insn{}
}

func (p *parser) atomicSize() Size {
	at := p.pos
	size := p.unsigned()
	if size != Word && size != DWord {
		p.failAt(at, "an atomic operation is of type u32 or u64")
	}
	return size
}

// storeRelease reads what follows store_release.
func (p *parser) storeRelease() Insn {
	p.expect("(")
	size := p.unsigned()
	base, off := p.place()
	p.expect(",")
	src := p.atomicSource(size)
	p.expect(")")
	return Atomic(StoreRelease, base, off, src, size)
}

// loadAcquire reads what follows load_acquire.
func (p *parser) loadAcquire(dst register) Insn {
	p.expect("(")
	size := p.unsigned()
	if size == DWord {
		p.wide(dst, p.at)
	}
	base, off := p.place()
	p.expect(")")
	return Atomic(LoadAcquire, dst.Reg, off, base, size)
}

// fetch reads the arguments of an atomic that returns the old value: ((u64 *)(r1 + 8), r2). CmpXchg
// has r0 before the source.
func (p *parser) fetch(dst register, op AtomicOp) Insn {
	p.expect("(")
	size := p.atomicSize()
	base, off := p.place()
	return p.fetchSource(dst, op, base, off, size)
}

// exchange reads the arguments of xchg_64 and its like: (r1 + 8, r2).
func (p *parser) exchange(dst register, op AtomicOp, size Size) Insn {
	p.expect("(")
	base, off := p.bare()
	return p.fetchSource(dst, op, base, off, size)
}

func (p *parser) fetchSource(dst register, op AtomicOp, base Reg, off int16, size Size) Insn {
	if size == DWord {
		p.wide(dst, p.at)
	}
	p.expect(",")
	src := p.register(dst.view)
	old := src.Reg
	if op == CmpXchg {
		old = src.Reg
		if old != R0 || dst.Reg != R0 {
			p.fail("cmpxchg compares with and leaves the old value in r0")
		}
		p.expect(",")
		src = p.register(dst.view)
	} else if dst.Reg != old {
		p.fail("the old value goes to the register it is exchanged with")
	}
	p.expect(")")
	return Atomic(op, base, off, src.Reg, size)
}
