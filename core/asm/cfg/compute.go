package cfg

import (
	"math/bits"

	"github.com/bpfhost/bpfhost/core/asm"
)

// compute returns what arithmetic makes of two values (RFC 9669, section 4.1 and 4.2).
func compute(in *asm.Insn, x, y Value) Value {
	wide := in.Op.Class() == asm.ClassALU64
	f := in.Op.Format()
	if f == asm.FormatMovReg && in.Off == 0 && wide {
		return y
	}
	if x.Kind == ValueAddress && wide && y.Kind == ValueNumber && f != asm.FormatMovReg && f != asm.FormatMovImm {
		switch in.Op.ALU() {
		case asm.Add:
			return Value{Kind: ValueAddress, Base: x.Base, Bits: x.Bits + y.Bits}
		case asm.Sub:
			return Value{Kind: ValueAddress, Base: x.Base, Bits: x.Bits - y.Bits}
		}
	}
	needsX := f != asm.FormatMovReg && f != asm.FormatMovImm
	if !y.number() || needsX && !x.number() {
		return Value{Kind: ValueAny}
	}
	if (y.Kind == ValueFixed || needsX && x.Kind == ValueFixed) && !in.IsAddrSpaceCast() {
		return Value{Kind: ValueFixed}
	}
	n, ok := calculate(in, x.Bits, y.Bits, wide)
	if !ok {
		return Value{Kind: ValueAny}
	}
	return Value{Kind: ValueNumber, Bits: n}
}

// calculate does arithmetic with numbers. It is not ok for what depends on the machine.
func calculate(in *asm.Insn, x, y uint64, wide bool) (n uint64, ok bool) {
	switch in.Op.Format() {
	case asm.FormatEnd:
		return swap(in, x)
	case asm.FormatNeg:
		n = -x
	case asm.FormatMovReg:
		if in.IsAddrSpaceCast() {
			return 0, false
		}
		n = signExtend(y, uint(in.Off))
	case asm.FormatMovImm:
		n = y
	case asm.FormatDivImm, asm.FormatDivReg:
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

func logic(op asm.ALUOp, x, y uint64, wide bool) (uint64, bool) {
	mask := uint64(31)
	if wide {
		mask = 63
	} else {
		x, y = uint64(uint32(x)), uint64(uint32(y))
	}
	switch op {
	case asm.Add:
		return x + y, true
	case asm.Sub:
		return x - y, true
	case asm.Mul:
		return x * y, true
	case asm.Or:
		return x | y, true
	case asm.And:
		return x & y, true
	case asm.Xor:
		return x ^ y, true
	case asm.Lsh:
		return x << (y & mask), true
	case asm.Rsh:
		return x >> (y & mask), true
	case asm.Arsh:
		if !wide {
			return uint64(int32(x) >> (y & mask)), true
		}
		return uint64(int64(x) >> (y & mask)), true
	}
	return 0, false
}

// divide does division and modulo, signed if the offset says so. By zero the first returns zero and
// the second its dividend; the smallest number divided by -1 is itself, modulo -1 zero.
func divide(in *asm.Insn, x, y uint64, wide bool) uint64 {
	modulo := in.Op.ALU() == asm.Mod
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
func swap(in *asm.Insn, x uint64) (uint64, bool) {
	if in.Op.Class() != asm.ClassALU64 {
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
func compare(op asm.Op, x, y uint64) bool {
	if op.Class() == asm.ClassJmp32 { // sign-extended, so that signed comparison works; unsigned then does too
		x, y = uint64(int64(int32(x))), uint64(int64(int32(y)))
	}
	a, b := int64(x), int64(y)
	switch op.Jump() {
	case asm.Equal:
		return x == y
	case asm.NotEqual:
		return x != y
	case asm.Greater:
		return x > y
	case asm.GreaterEq:
		return x >= y
	case asm.Less:
		return x < y
	case asm.LessEq:
		return x <= y
	case asm.Set:
		return x&y != 0
	case asm.SGreater:
		return a > b
	case asm.SGreaterEq:
		return a >= b
	case asm.SLess:
		return a < b
	}
	return a <= b
}
