package asm

// atomics reads atomic instructions, in the forms of the kernel and of llvm-objdump.
type atomics struct{ *parser }

// source reads the register whose width goes with an access.
func (p atomics) source(size Size) Reg {
	r := p.register(0)
	if size == DWord {
		p.wide(r, p.at)
	}
	return r.Reg
}

// lock reads what follows lock.
func (p atomics) lock() Insn {
	p.expect("*")
	size := p.size()
	base, off := p.place()
	for i, a := range atomicText {
		if a.operator != "" && p.accept(a.operator) {
			return Atomic(AtomicOp(i<<4), base, off, p.source(size), size)
		}
	}
	p.fail("expected +=, |=, &= or ^=, found " + p.found())
	return Insn{}
}

func (p atomics) size() Size {
	at := p.pos
	size := p.unsigned()
	if size != Word && size != DWord {
		p.failAt(at, "an atomic operation is of type u32 or u64")
	}
	return size
}

// storeRelease reads what follows store_release.
func (p atomics) storeRelease() Insn {
	p.expect("(")
	size := p.unsigned()
	base, off := p.place()
	p.expect(",")
	src := p.source(size)
	p.expect(")")
	return Atomic(StoreRelease, base, off, src, size)
}

// loadAcquire reads what follows load_acquire.
func (p atomics) loadAcquire(dst register) Insn {
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
func (p atomics) fetch(dst register, op AtomicOp) Insn {
	p.expect("(")
	size := p.size()
	base, off := p.place()
	return p.fetchSource(dst, op, base, off, size)
}

// exchange reads the arguments of xchg_64 and its like: (r1 + 8, r2).
func (p atomics) exchange(dst register, op AtomicOp, size Size) Insn {
	p.expect("(")
	base, off := p.bare()
	return p.fetchSource(dst, op, base, off, size)
}

func (p atomics) fetchSource(dst register, op AtomicOp, base Reg, off int16, size Size) Insn {
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
