package asm

import "math/bits"

// compute returns what arithmetic makes of two values (RFC 9669, section 4.1 and 4.2).
func compute(in *Insn, x, y Value) Value {
	wide := in.Op.Class() == ClassALU64
	f := forms[in.Op]
	if f == formMovReg && in.Off == 0 && wide {
		return y
	}
	if x.Kind == ValueAddress && wide && y.Kind == ValueNumber && f != formMovReg && f != formMovImm {
		switch in.Op.ALU() {
		case Add:
			return Value{Kind: ValueAddress, Base: x.Base, Bits: x.Bits + y.Bits}
		case Sub:
			return Value{Kind: ValueAddress, Base: x.Base, Bits: x.Bits - y.Bits}
		}
	}
	needsX := f != formMovReg && f != formMovImm
	if y.Kind != ValueNumber || needsX && x.Kind != ValueNumber {
		return Value{Kind: ValueAny}
	}
	n, ok := calculate(in, x.Bits, y.Bits, wide)
	if !ok {
		return Value{Kind: ValueAny}
	}
	return Value{Kind: ValueNumber, Bits: n}
}

// calculate does arithmetic with numbers. It is not ok for what depends on the machine.
func calculate(in *Insn, x, y uint64, wide bool) (n uint64, ok bool) {
	switch forms[in.Op] {
	case formEnd:
		return swap(in, x)
	case formNeg:
		n = -x
	case formMovReg:
		if in.Off == castOff && wide {
			return 0, false
		}
		n = signExtend(y, uint(in.Off))
	case formMovImm:
		n = y
	case formDivImm, formDivReg:
		n = divide(in, x, y, wide)
	default:
		n, ok = logic(in.Op.ALU(), x, y, wide)
		if !ok {
			return 0, false
		}
	}
	if !wide {
		n = uint64(uint32(n))
	}
	return n, true
}

// signExtend extends the lowest bits of a number, 0 meaning all.
func signExtend(v uint64, width uint) uint64 {
	if width == 0 || width > 63 {
		return v
	}
	return uint64(int64(v<<(64-width)) >> (64 - width))
}

func logic(op ALUOp, x, y uint64, wide bool) (uint64, bool) {
	mask := uint64(31)
	if wide {
		mask = 63
	} else {
		x, y = uint64(uint32(x)), uint64(uint32(y))
	}
	switch op {
	case Add:
		return x + y, true
	case Sub:
		return x - y, true
	case Mul:
		return x * y, true
	case Or:
		return x | y, true
	case And:
		return x & y, true
	case Xor:
		return x ^ y, true
	case Lsh:
		return x << (y & mask), true
	case Rsh:
		return x >> (y & mask), true
	case Arsh:
		if !wide {
			return uint64(int32(x) >> (y & mask)), true
		}
		return uint64(int64(x) >> (y & mask)), true
	}
	return 0, false
}

// divide does division and modulo, signed if the offset says so. By zero the first gives zero and the
// second what was there; the smallest number divided by -1 gives itself, modulo -1 zero.
func divide(in *Insn, x, y uint64, wide bool) uint64 {
	modulo := in.Op.ALU() == Mod
	if !wide {
		x, y = uint64(uint32(x)), uint64(uint32(y))
	}
	if y == 0 {
		if modulo {
			return x
		}
		return 0
	}
	if in.Off == 0 {
		if modulo {
			return x % y
		}
		return x / y
	}
	a, b := int64(x), int64(y)
	if !wide {
		a, b = int64(int32(x)), int64(int32(y))
	}
	if modulo {
		return uint64(a % b)
	}
	return uint64(a / b)
}

// swap does byte swaps. Conversions between the byte order of the machine and another are not done.
func swap(in *Insn, x uint64) (uint64, bool) {
	if in.Op.Class() != ClassALU64 {
		return 0, false
	}
	switch in.Imm {
	case 16:
		return uint64(bits.ReverseBytes16(uint16(x))), true
	case 32:
		return uint64(bits.ReverseBytes32(uint32(x))), true
	}
	return bits.ReverseBytes64(x), true
}

// compare evaluates the condition of a jump.
func compare(op Op, x, y uint64) bool {
	if op.Class() == ClassJmp32 { // sign-extended, so that signed comparison works; unsigned then does too
		x, y = uint64(int64(int32(x))), uint64(int64(int32(y)))
	}
	a, b := int64(x), int64(y)
	switch op.Jump() {
	case Equal:
		return x == y
	case NotEqual:
		return x != y
	case Greater:
		return x > y
	case GreaterEq:
		return x >= y
	case Less:
		return x < y
	case LessEq:
		return x <= y
	case Set:
		return x&y != 0
	case SGreater:
		return a > b
	case SGreaterEq:
		return a >= b
	case SLess:
		return a < b
	}
	return a <= b
}
