package asm

// ALU64Imm builds dst op= imm on 64 bits; the immediate is sign-extended.
func ALU64Imm(op ALUOp, dst Reg, imm int32) Insn { return alu(ClassALU64, op, dst, 0, imm, false) }

// ALU64Reg builds dst op= src on 64 bits.
func ALU64Reg(op ALUOp, dst, src Reg) Insn { return alu(ClassALU64, op, dst, src, 0, true) }

// ALU32Imm builds dst op= imm on 32 bits; the upper half of dst becomes zero.
func ALU32Imm(op ALUOp, dst Reg, imm int32) Insn { return alu(ClassALU, op, dst, 0, imm, false) }

// ALU32Reg builds dst op= src on 32 bits; the upper half of dst becomes zero.
func ALU32Reg(op ALUOp, dst, src Reg) Insn { return alu(ClassALU, op, dst, src, 0, true) }

func alu(c Class, op ALUOp, dst, src Reg, imm int32, reg bool) Insn {
	in := Insn{Op: Op(c) | Op(op&0xf0), Dst: dst, Src: src, Off: int16(op & 0x0f), Imm: int64(imm)}
	if reg {
		in.Op |= SourceReg
	}
	return in
}

// Mov64Imm builds dst = imm; the immediate is sign-extended to 64 bits.
func Mov64Imm(dst Reg, imm int32) Insn { return ALU64Imm(Mov, dst, imm) }

// Mov64Reg builds dst = src.
func Mov64Reg(dst, src Reg) Insn { return ALU64Reg(Mov, dst, src) }

// Mov32Imm builds dst = imm on 32 bits; the upper half of dst becomes zero.
func Mov32Imm(dst Reg, imm int32) Insn { return ALU32Imm(Mov, dst, imm) }

// Mov32Reg builds dst = src on 32 bits; the upper half of dst becomes zero.
func Mov32Reg(dst, src Reg) Insn { return ALU32Reg(Mov, dst, src) }

// Mov64SX builds dst = src, sign-extended from Byte, Half or Word to 64 bits.
func Mov64SX(dst, src Reg, from Size) Insn {
	in := Mov64Reg(dst, src)
	in.Off = int16(8 * from.Bytes())
	return in
}

// Mov32SX builds dst = src, sign-extended from Byte or Half to 32 bits.
func Mov32SX(dst, src Reg, from Size) Insn {
	in := Mov32Reg(dst, src)
	in.Off = int16(8 * from.Bytes())
	return in
}

// AddrSpaceCast builds dst = src, converted between address spaces: 0 is the kernel's, 1 that of an
// arena.
func AddrSpaceCast(dst, src Reg, to, from uint16) Insn {
	in := Mov64Reg(dst, src)
	in.Off, in.Imm = castOff, int64(int32(uint32(to)<<16|uint32(from)))
	return in
}

// Neg64 builds dst = -dst.
func Neg64(dst Reg) Insn { return ALU64Imm(Neg, dst, 0) }

// Neg32 builds dst = -dst on 32 bits.
func Neg32(dst Reg) Insn { return ALU32Imm(Neg, dst, 0) }

// ToLE builds the conversion of dst from the machine's byte order to little-endian, of width Half,
// Word or DWord.
func ToLE(dst Reg, s Size) Insn { return ALU32Imm(End, dst, int32(8*s.Bytes())) }

// ToBE is ToLE for big-endian.
func ToBE(dst Reg, s Size) Insn {
	in := ToLE(dst, s)
	in.Op |= SourceReg
	return in
}

// ByteSwap builds the reversal of the low Half, Word or DWord of dst.
func ByteSwap(dst Reg, s Size) Insn { return ALU64Imm(End, dst, int32(8*s.Bytes())) }

// LoadMem builds dst = *(src + off).
func LoadMem(dst, src Reg, off int16, s Size) Insn {
	return Insn{Op: Op(ClassLdx) | Op(ModeMem) | Op(s), Dst: dst, Src: src, Off: off}
}

// LoadMemSX builds dst = *(src + off), sign-extended from Byte, Half or Word.
func LoadMemSX(dst, src Reg, off int16, s Size) Insn {
	return Insn{Op: Op(ClassLdx) | Op(ModeMemSX) | Op(s), Dst: dst, Src: src, Off: off}
}

// StoreMem builds *(dst + off) = src.
func StoreMem(dst Reg, off int16, src Reg, s Size) Insn {
	return Insn{Op: Op(ClassStx) | Op(ModeMem) | Op(s), Dst: dst, Src: src, Off: off}
}

// StoreImm builds *(dst + off) = imm.
func StoreImm(dst Reg, off int16, imm int32, s Size) Insn {
	return Insn{Op: Op(ClassSt) | Op(ModeMem) | Op(s), Dst: dst, Off: off, Imm: int64(imm)}
}

// LoadAbs builds r0 = packet bytes at imm, of Byte, Half or Word. R6 holds the context.
func LoadAbs(imm int32, s Size) Insn {
	return Insn{Op: Op(ClassLd) | Op(ModeAbs) | Op(s), Imm: int64(imm)}
}

// LoadInd builds r0 = packet bytes at src + imm, of Byte, Half or Word. R6 holds the context.
func LoadInd(src Reg, imm int32, s Size) Insn {
	return Insn{Op: Op(ClassLd) | Op(ModeInd) | Op(s), Src: src, Imm: int64(imm)}
}

// Atomic builds an atomic operation on *(dst + off) with src; LoadAcquire loads dst from
// *(src + off). The width is Word or DWord, for LoadAcquire and StoreRelease any.
func Atomic(op AtomicOp, dst Reg, off int16, src Reg, s Size) Insn {
	return Insn{Op: Op(ClassStx) | Op(ModeAtomic) | Op(s), Dst: dst, Src: src, Off: off, Imm: int64(op)}
}

// LoadImm64 builds dst = v.
func LoadImm64(dst Reg, v int64) Insn { return Insn{Op: OpLoadImm64, Dst: dst, Imm: v} }

// LoadMap builds dst = the map of that name.
func LoadMap(dst Reg, name string) Insn { return load(dst, PseudoMapFD, RefMap, name, 0) }

// LoadMapValue builds dst = the address of byte off in the first value of a map.
func LoadMapValue(dst Reg, name string, off uint32) Insn {
	return load(dst, PseudoMapValue, RefMapValue, name, off)
}

// LoadVar builds dst = the address of byte off of a variable.
func LoadVar(dst Reg, name string, off uint32) Insn {
	return load(dst, PseudoMapValue, RefVar, name, off)
}

// LoadFunc builds dst = the address of a function of the same program.
func LoadFunc(dst Reg, name string) Insn { return load(dst, PseudoFunc, RefFunc, name, 0) }

// LoadKsym builds dst = the address of a kernel symbol. Its pseudo source is 0; what resolves the
// name may make it PseudoBTFID.
func LoadKsym(dst Reg, name string) Insn { return load(dst, 0, RefKsym, name, 0) }

// LoadTable builds dst = the address of a jump table of the same program (Linux 6.19).
func LoadTable(dst Reg, name string) Insn { return load(dst, PseudoMapValue, RefTable, name, 0) }

func load(dst, pseudo Reg, k RefKind, name string, off uint32) Insn {
	return Insn{Op: OpLoadImm64, Dst: dst, Src: pseudo, Imm: int64(off), Ref: k, Symbol: name}
}

// Jump builds goto to.
func Jump(to Label) Insn { return jump(OpJump, 0, 0, 0, to) }

// JumpLong builds gotol to, whose displacement has 32 bits (Linux 6.6).
func JumpLong(to Label) Insn { return jump(OpJumpLong, 0, 0, 0, to) }

// JumpImm builds if dst op imm goto to, on 64 bits; the immediate is sign-extended.
func JumpImm(op JumpOp, dst Reg, imm int32, to Label) Insn {
	return jump(Op(ClassJmp)|Op(op), dst, 0, imm, to)
}

// JumpReg builds if dst op src goto to, on 64 bits.
func JumpReg(op JumpOp, dst, src Reg, to Label) Insn {
	return jump(Op(ClassJmp)|Op(op)|SourceReg, dst, src, 0, to)
}

// JumpImm32 builds if dst op imm goto to, on 32 bits.
func JumpImm32(op JumpOp, dst Reg, imm int32, to Label) Insn {
	return jump(Op(ClassJmp32)|Op(op), dst, 0, imm, to)
}

// JumpReg32 builds if dst op src goto to, on 32 bits.
func JumpReg32(op JumpOp, dst, src Reg, to Label) Insn {
	return jump(Op(ClassJmp32)|Op(op)|SourceReg, dst, src, 0, to)
}

// MayGoto builds may_goto to: the kernel decides when a loop has run long enough (Linux 6.9).
func MayGoto(to Label) Insn { return jump(OpMayGoto, 0, 0, 0, to) }

func jump(op Op, dst, src Reg, imm int32, to Label) Insn {
	return Insn{Op: op, Dst: dst, Src: src, Imm: int64(imm), Ref: RefLabel, Target: to}
}

// GotoReg builds gotox dst: a jump to the address in dst.
func GotoReg(dst Reg) Insn { return Insn{Op: OpJumpReg, Dst: dst} }

// Call builds the call of a kernel helper.
func Call(h Helper) Insn { return Insn{Op: OpCall, Imm: int64(h)} }

// CallFunc builds the call of a function of the same program by its name.
func CallFunc(name string) Insn {
	return Insn{Op: OpCall, Src: PseudoCall, Ref: RefFunc, Symbol: name}
}

// CallLabel builds the call of the function that starts at a label.
func CallLabel(to Label) Insn {
	return Insn{Op: OpCall, Src: PseudoCall, Ref: RefLabel, Target: to}
}

// CallKfunc builds the call of a kernel function by its name.
func CallKfunc(name string) Insn {
	return Insn{Op: OpCall, Src: PseudoKfuncCall, Ref: RefKfunc, Symbol: name}
}

// CallReg builds callx dst: the call of the address in dst.
func CallReg(dst Reg) Insn { return Insn{Op: OpCallReg, Dst: dst} }

// Exit builds exit: return R0.
func Exit() Insn { return Insn{Op: OpExit} }
