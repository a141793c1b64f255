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
