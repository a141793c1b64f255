package asm

import (
	"math/bits"
	"strconv"
)

// RegSet is a set of registers: the bit of a register's number says that it is in.
type RegSet uint16

// Regs returns the set of some registers.
func Regs(regs ...Reg) RegSet {
	var s RegSet
	for _, r := range regs {
		s |= 1 << (r & 15)
	}
	return s
}

// Sets that the calling convention names (RFC 9669, section 2.1).
const (
	ArgRegs RegSet = 1<<R1 | 1<<R2 | 1<<R3 | 1<<R4 | 1<<R5 // arguments, lost by a call
	AllRegs RegSet = 1<<11 - 1                             // R0 to R10
)

// Has reports whether a register is in the set.
func (s RegSet) Has(r Reg) bool { return s>>(r&15)&1 != 0 }

// Len returns how many registers are in the set.
func (s RegSet) Len() int { return bits.OnesCount16(uint16(s)) }

// String returns the registers, e.g. "r0 r6".
func (s RegSet) String() string {
	var b []byte
	for r := range Reg(16) {
		if s.Has(r) {
			if b != nil {
				b = append(b, ' ')
			}
			b = strconv.AppendUint(append(b, 'r'), uint64(r), 10)
		}
	}
	return string(b)
}

// Reads returns the registers whose value the instruction needs whatever happens. Of a call these
// are the parameters of a helper that is known, and none of other calls; see MayRead. The frame
// pointer R10 counts.
func (i *Insn) Reads() RegSet {
	if i.Flags&Raw != 0 {
		return 0
	}
	dst, src := Regs(i.Dst), Regs(i.Src)
	switch formats[i.Op] {
	case FormatMovReg, FormatLoad, FormatLoadSX:
		return src
	case FormatMovImm, FormatLoad64, FormatExit, FormatJump, FormatJumpLong, FormatMayGoto, FormatUnknown:
		return 0
	case FormatAbs:
		return Regs(R6)
	case FormatInd:
		return Regs(R6) | src
	case FormatALUReg, FormatDivReg, FormatCondReg, FormatStoreReg:
		return dst | src
	case FormatAtomic:
		switch AtomicOp(i.Imm) {
		case LoadAcquire:
			return src
		case CmpXchg:
			return dst | src | Regs(R0)
		}
		return dst | src
	case FormatCall:
		if i.Src == 0 && i.Ref == RefNone {
			if n, ok := helperArgs(i.Imm); ok {
				return 1<<(n+1) - 2
			}
		}
		return 0
	}
	return dst // arithmetic with an immediate, conditions likewise, stores of an immediate, gotox, callx
}

// MayRead returns the registers whose value the instruction may use: of every call R1 to R5, of
// exit R0, and of an instruction that is not known all.
func (i *Insn) MayRead() RegSet {
	if i.Flags&Raw != 0 {
		return AllRegs
	}
	switch formats[i.Op] {
	case FormatUnknown:
		return AllRegs
	case FormatExit:
		return Regs(R0)
	case FormatCall, FormatCallReg:
		if i.Op == OpCall && i.Src == 0 && i.Ref == RefNone {
			if n, ok := helperArgs(i.Imm); ok && !helperInfos[i.Imm].Variadic {
				return 1<<(n+1) - 2
			}
		}
		return i.Reads() | ArgRegs
	}
	return i.Reads()
}

// Writes returns the registers that have another value afterwards. A call leaves a result in R0 and
// nothing that could be used in R1 to R5. Of an instruction that is not known it is none.
func (i *Insn) Writes() RegSet {
	if i.Flags&Raw != 0 {
		return 0
	}
	switch formats[i.Op] {
	case FormatAbs, FormatInd, FormatCall, FormatCallReg:
		return Regs(R0) | ArgRegs
	case FormatAtomic:
		switch a := AtomicOp(i.Imm); {
		case a == LoadAcquire:
			return Regs(i.Dst)
		case a == CmpXchg:
			return Regs(R0)
		case a != StoreRelease && a&Fetch != 0:
			return Regs(i.Src)
		}
		return 0
	}
	switch i.Op.Class() {
	case ClassALU, ClassALU64, ClassLd, ClassLdx:
		if formats[i.Op] != FormatUnknown {
			return Regs(i.Dst)
		}
	}
	return 0
}

// helperArgs returns how many arguments a helper takes at least.
func helperArgs(imm int64) (int, bool) {
	if imm <= 0 || imm >= int64(len(helperInfos)) {
		return 0, false
	}
	return len(helperInfos[imm].Args), true
}

// pure reports whether all that the instruction does is to set Dst: it can go when nothing
// reads it. Loads are not pure, for what a program may load is part of what the kernel checks.
func (i *Insn) pure() bool {
	if i.Flags&Raw != 0 {
		return false
	}
	switch formats[i.Op] {
	case FormatALUImm, FormatALUReg, FormatDivImm, FormatDivReg, FormatMovImm, FormatMovReg, FormatNeg, FormatEnd, FormatLoad64:
		return true
	}
	return false
}

// Dead reports whether the instruction can go when only the given registers are needed after it:
// all it does is to set another one.
func (i *Insn) Dead(after RegSet) bool {
	return i.pure() && i.Dst < R10 && !after.Has(i.Dst)
}
