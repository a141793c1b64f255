package asm

import "math"

// swaps holds the byte order conversions.
var swaps = map[string]Insn{
	"le16": ToLE(0, Half), "le32": ToLE(0, Word), "le64": ToLE(0, DWord),
	"be16": ToBE(0, Half), "be32": ToBE(0, Word), "be64": ToBE(0, DWord),
	"bswap16": ByteSwap(0, Half), "bswap32": ByteSwap(0, Word), "bswap64": ByteSwap(0, DWord),
}

// fetches holds the atomics whose arguments name a type, in LLVM's and in the kernel's spelling.
var fetches = map[string]AtomicOp{
	"atomic_fetch_add": AtomicAdd | Fetch, "atomic64_fetch_add": AtomicAdd | Fetch,
	"atomic_fetch_or": AtomicOr | Fetch, "atomic64_fetch_or": AtomicOr | Fetch,
	"atomic_fetch_and": AtomicAnd | Fetch, "atomic64_fetch_and": AtomicAnd | Fetch,
	"atomic_fetch_xor": AtomicXor | Fetch, "atomic64_fetch_xor": AtomicXor | Fetch,
	"atomic_xchg": Xchg, "atomic64_xchg": Xchg,
	"atomic_cmpxchg": CmpXchg, "atomic64_cmpxchg": CmpXchg,
}

// rightSide reads the right side of an assignment that starts with a word.
func (p *parser) rightSide(dst register) Insn {
	at := p.pos
	name := p.word()
	if name == "" {
		p.fail("expected a value, found " + p.found())
	}
	if in, ok := swaps[name]; ok {
		if src := p.register('r'); src != dst {
			p.fail("a byte order conversion has to name the same register twice")
		}
		in.Dst = dst.Reg
		return in
	}
	if op, ok := fetches[name]; ok {
		return atomics{p}.fetch(dst, op)
	}
	switch name {
	case "xchg_64":
		return atomics{p}.exchange(dst, Xchg, DWord)
	case "xchg32_32":
		return atomics{p}.exchange(dst, Xchg, Word)
	case "cmpxchg_64":
		return atomics{p}.exchange(dst, CmpXchg, DWord)
	case "cmpxchg32_32":
		return atomics{p}.exchange(dst, CmpXchg, Word)
	case "load_acquire":
		return atomics{p}.loadAcquire(dst)
	case "addr_space_cast":
		return p.cast(dst)
	}
	p.wide(dst, at)
	if in, ok := p.named(dst.Reg, name); ok {
		return in
	}
	p.failAt(at, "expected a value, found "+show(name))
	return Insn{}
}

// cast reads the arguments of addr_space_cast.
func (p *parser) cast(dst register) Insn {
	p.wide(dst, p.at)
	p.expect("(")
	src := p.register('r')
	p.expect(",")
	to := p.number(0, math.MaxUint16)
	p.expect(",")
	from := p.number(0, math.MaxUint16)
	p.expect(")")
	return AddrSpaceCast(dst.Reg, src.Reg, uint16(to), uint16(from))
}

// expectLong reads ll, which may be missing after an opcode.
func (p *parser) expectLong() {
	if !p.accept("ll") && !p.long {
		p.expect("ll")
	}
}

// named reads a 64-bit load of something with a name, such as map[x] + 8 ll, after its first word.
func (p *parser) named(dst Reg, first string) (Insn, bool) {
	for k, t := range refText {
		if t.word == "" || t.word[:len(t.word)-1] != first || !p.accept("[") {
			continue
		}
		in := Insn{Op: OpLoadImm64, Dst: dst, Src: t.src, Ref: RefKind(k)}
		if in.Ref == RefLabel {
			in.SetTarget(p.reference())
			p.expect("]")
		} else {
			in.Symbol = p.bracketed()
		}
		in.Imm = p.plus(math.MinInt64, math.MaxInt64)
		p.expectLong()
		return in, true
	}
	for src, t := range numberText {
		if t.word == "" || t.word[:len(t.word)-1] != first || !p.accept("(") {
			continue
		}
		in := Insn{Op: OpLoadImm64, Dst: dst, Src: Reg(src), Imm: p.number(0, math.MaxInt32)}
		p.expect(")")
		if t.offset {
			in.Imm |= p.plus(0, math.MaxUint32) << 32
		}
		p.expectLong()
		return in, true
	}
	return Insn{}, false
}
