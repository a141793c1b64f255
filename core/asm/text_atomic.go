package asm

// atomicText holds the operators and the names of the arithmetic atomics by AtomicOp>>4.
var atomicText = [16]struct{ operator, name string }{
	AtomicAdd >> 4: {"+=", "add"},
	AtomicOr >> 4:  {"|=", "or"},
	AtomicAnd >> 4: {"&=", "and"},
	AtomicXor >> 4: {"^=", "xor"},
}

func appendAtomic(dst []byte, in *Insn) []byte {
	s := in.Op.Size()
	view, suffix := byte('w'), "32_32("
	if s == DWord {
		view, suffix = 'r', "_64("
	}
	switch a := AtomicOp(in.Imm); a {
	case LoadAcquire:
		dst = append(appendReg(dst, view, in.Dst), " = load_acquire("...)
		return append(appendPlace(appendType(dst, 'u', s), in.Src, in.Off), ')')
	case StoreRelease:
		dst = append(dst, "store_release("...)
		dst = appendPlace(appendType(dst, 'u', s), in.Dst, in.Off)
	case Xchg:
		dst = append(appendReg(dst, view, in.Src), " = xchg"...)
		dst = appendBare(append(dst, suffix...), in.Dst, in.Off)
	case CmpXchg:
		dst = append(appendReg(dst, view, R0), " = cmpxchg"...)
		dst = appendBare(append(dst, suffix...), in.Dst, in.Off)
		dst = appendReg(append(dst, ", "...), view, R0)
	default:
		if a&Fetch == 0 {
			dst = appendPlace(appendType(append(dst, "lock *"...), 'u', s), in.Dst, in.Off)
			dst = append(append(dst, ' '), atomicText[a>>4].operator...)
			return appendReg(append(dst, ' '), view, in.Src)
		}
		dst = append(appendReg(dst, view, in.Src), " = atomic_fetch_"...)
		dst = append(append(dst, atomicText[a>>4].name...), '(')
		dst = appendPlace(appendType(dst, 'u', s), in.Dst, in.Off)
	}
	return append(appendReg(append(dst, ", "...), view, in.Src), ')')
}

// appendBare appends "r1 + 8".
func appendBare(dst []byte, base Reg, off int16) []byte {
	return appendPlus(appendReg(dst, 'r', base), int64(off))
}
