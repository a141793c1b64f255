package asm

import (
	"math"
	"strconv"
)

// operation reads an instruction without what follows it in braces.
func (p *parser) operation() Insn {
	if r, ok := p.tryRegister(); ok {
		return p.assignment(r)
	}
	if p.accept("*") {
		return p.store()
	}
	switch w := p.word(); w {
	case "if":
		return p.conditional()
	case "goto":
		return p.jumpTo(OpJump)
	case "gotol":
		return p.jumpTo(OpJumpLong)
	case "may_goto":
		return p.jumpTo(OpMayGoto)
	case "gotox":
		return GotoReg(p.register('r').Reg)
	case "call":
		return p.call()
	case "callx":
		return CallReg(p.register('r').Reg)
	case "exit":
		return Exit()
	case "lock":
		return atomics{p}.lock()
	case "store_release":
		return atomics{p}.storeRelease()
	case ".raw":
		return p.raw()
	case "":
		p.fail("expected an instruction, found " + p.found())
	default:
		p.fail("unknown instruction " + show(w))
	}
	return Insn{}
}

// raw reads a slot as one number.
func (p *parser) raw() Insn {
	v, _, ok := p.tryNumber()
	if !ok {
		p.fail("expected a number, found " + p.found())
	}
	w := word(v)
	return Insn{Op: w.op(), Dst: w.dst(), Src: w.src(), Off: w.off(), Imm: w.imm(), Flags: Raw}
}

// aluParse holds the assignment operators; none is the beginning of a later one.
var aluParse = []struct {
	text string
	op   ALUOp
}{
	{"+=", Add}, {"-=", Sub}, {"*=", Mul}, {"/=", Div}, {"s/=", SDiv}, {"%=", Mod}, {"s%=", SMod}, {"|=", Or},
	{"&=", And}, {"^=", Xor}, {"<<=", Lsh}, {">>=", Rsh}, {"s>>=", Arsh},
}

// class returns the arithmetic class of a register's view.
func (r register) class() Class {
	if r.view == 'w' {
		return ClassALU
	}
	return ClassALU64
}

// assignment reads what follows a register.
func (p *parser) assignment(dst register) Insn {
	for _, o := range aluParse {
		if !p.accept(o.text) {
			continue
		}
		if src, ok := p.tryRegister(); ok {
			p.sameView(dst, src)
			return alu(dst.class(), o.op, dst.Reg, src.Reg, 0, true)
		}
		return alu(dst.class(), o.op, dst.Reg, 0, p.immediate(dst.view == 'w'), false)
	}
	p.expect("=")
	return p.value(dst)
}

func (p *parser) sameView(a, b register) {
	if a.view != b.view {
		p.fail("both registers have to start with " + string(rune(a.view)))
	}
}

// immediate reads 32 bits. A number that is only right when it is not sign-extended is allowed when
// narrow.
func (p *parser) immediate(narrow bool) int32 {
	if narrow {
		return int32(p.number(math.MinInt32, math.MaxUint32))
	}
	return int32(p.number(math.MinInt32, math.MaxInt32))
}

// value reads the right side of an assignment to a register.
func (p *parser) value(dst register) Insn {
	if v, big, ok := p.tryNumber(); ok {
		at := p.at
		if p.accept("ll") || p.long {
			p.wide(dst, at)
			return LoadImm64(dst.Reg, v)
		}
		high := int64(math.MaxInt32)
		if dst.view == 'w' {
			high = math.MaxUint32
		}
		if big || v < math.MinInt32 || v > high {
			p.failAt(at, "number does not fit 32 bits; behind a longer one stands ll")
		}
		return alu(dst.class(), Mov, dst.Reg, 0, int32(v), false)
	}
	if src, ok := p.tryRegister(); ok {
		p.sameView(dst, src)
		return alu(dst.class(), Mov, dst.Reg, src.Reg, 0, true)
	}
	switch {
	case p.accept("-"):
		if src := p.register(dst.view); src != dst {
			p.fail("negation has to name the same register twice")
		}
		return alu(dst.class(), Neg, dst.Reg, 0, 0, false)
	case p.accept("("):
		return p.signExtended(dst)
	case p.accept("*"):
		return p.load(dst)
	}
	return p.rightSide(dst)
}

// wide demands a whole register.
func (p *parser) wide(dst register, at int) {
	if dst.view != 'r' {
		p.failAt(at, "this needs a register that starts with r")
	}
}

// signExtended reads (s8)r2 after the first parenthesis.
func (p *parser) signExtended(dst register) Insn {
	bits := int16(0)
	at := p.pos
	switch p.word() {
	case "s8":
		bits = 8
	case "s16":
		bits = 16
	case "s32":
		bits = 32
	}
	if bits == 0 || bits == 32 && dst.view == 'w' {
		p.failAt(at, "expected s8, s16 or, with registers that start with r, s32")
	}
	p.expect(")")
	in := alu(dst.class(), Mov, dst.Reg, p.register(dst.view).Reg, 0, true)
	in.Off = bits
	return in
}

// jumpParse holds the comparison operators; none is the beginning of a later one.
var jumpParse = []struct {
	text string
	op   JumpOp
}{
	{"==", Equal}, {"!=", NotEqual}, {"s>=", SGreaterEq}, {"s<=", SLessEq}, {"s>", SGreater}, {"s<", SLess},
	{">=", GreaterEq}, {"<=", LessEq}, {">", Greater}, {"<", Less}, {"&", Set},
}

// conditional reads what follows if.
func (p *parser) conditional() Insn {
	dst := p.register(0)
	class := ClassJmp
	if dst.view == 'w' {
		class = ClassJmp32
	}
	for _, o := range jumpParse {
		if !p.accept(o.text) {
			continue
		}
		in := Insn{Op: Op(class) | Op(o.op), Dst: dst.Reg}
		if src, ok := p.tryRegister(); ok {
			p.sameView(dst, src)
			in.Op |= SourceReg
			in.Src = src.Reg
		} else {
			in.Imm = int64(p.immediate(dst.view == 'w'))
		}
		p.expect("goto")
		in.SetTarget(p.reference())
		return in
	}
	p.fail("expected a comparison, found " + p.found())
	return Insn{}
}

func (p *parser) jumpTo(op Op) Insn { return Insn{Op: op, Ref: RefLabel, Target: p.reference()} }

// reference reads a label, or a displacement, for which it returns 0.
func (p *parser) reference() Label {
	if p.err != nil || p.relative(true) {
		return 0
	}
	if p.end() {
		p.fail("expected a label, found the end of the line")
		return 0
	}
	at := p.at
	key := p.symbolKey()
	if key == (symbolKey{}) {
		p.fail("expected a label, found " + p.found())
		return 0
	}
	return Label(p.symbol(key, at) + 1)
}

// relative reads +5 or pc+5 if it comes next, and the place that llvm-objdump writes after it.
// Without bare, pc has to be there.
func (p *parser) relative(bare bool) bool {
	p.skip()
	start := p.pos
	if p.word() == "pc" && p.pos < len(p.line) && (p.line[p.pos] == '+' || p.line[p.pos] == '-') {
		bare = true
	} else {
		p.pos = start
	}
	if !bare {
		return false
	}
	by, big, ok := p.tryLiteral()
	if !ok {
		p.pos = start
		return false
	}
	if big || by < math.MinInt32 || by > math.MaxInt32 {
		p.failAt(start, "displacement does not fit 32 bits")
	}
	p.target = target{set: true, at: start, by: by}
	if p.accept("<") {
		for p.pos < len(p.line) && p.line[p.pos] != '>' {
			p.pos++
		}
		p.expect(">")
	}
	return true
}

// call reads what follows call.
func (p *parser) call() Insn {
	local := Insn{Op: OpCall, Src: PseudoCall}
	if p.relative(false) {
		return local
	}
	if v, big, ok := p.tryLiteral(); ok {
		if big || v != int64(int32(v)) {
			p.fail("number of a helper does not fit 32 bits")
		}
		return Call(Helper(v))
	}
	switch {
	case p.accept("kfunc["):
		return CallKfunc(p.bracketed())
	case p.accept("kfunc("):
		in := Insn{Op: OpCall, Src: PseudoKfuncCall, Imm: int64(p.immediate(false))}
		p.expect(")")
		return in
	case p.accept("func["):
		return CallFunc(p.bracketed())
	}
	at := p.pos
	name, quoted := p.name("what is called")
	if n, ok := labelNumber(name); ok && !quoted {
		local.SetTarget(Label(p.symbol(symbolKey{number: n}, at) + 1))
		return local
	}
	if !quoted && p.pos < len(p.line) && p.line[p.pos] == '#' {
		return p.numberedHelper(name)
	}
	p.calls = append(p.calls, bareCall{len(p.listing.Insns), name})
	return CallFunc(name)
}

// numberedHelper reads the number after the name of a helper, which the kernel calls unknown if it
// has none for it.
func (p *parser) numberedHelper(name string) Insn {
	at := p.at
	p.pos++
	n := p.immediate(false)
	if h, ok := ParseHelper(name); (!ok || h != Helper(n)) && name != "unknown" {
		p.failAt(at, show(name)+" is not helper "+strconv.Itoa(int(n)))
	}
	return Call(Helper(n))
}
