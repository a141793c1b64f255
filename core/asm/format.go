package asm

// Format groups opcodes whose fields mean the same. It says which fields matter, how an instruction
// is written as text, and which values of the selecting fields are known.
type Format uint8

// The formats of instructions (RFC 9669, sections 4 and 5, and what Linux added since).
const (
	FormatUnknown Format = iota

	// Formats of which some fields select a meaning, see known.
	FormatDivImm  // as FormatALUImm; off 1 makes it signed
	FormatDivReg  // as FormatALUReg; off 1 makes it signed
	FormatMovImm  // dst = imm; off could select, but nothing is defined
	FormatMovReg  // dst = src; off selects sign extension or an address space cast
	FormatEnd     // dst = be16 dst; imm is the width in bits
	FormatLoad64  // dst = imm ll; src selects what imm is
	FormatAtomic  // imm selects the operation
	FormatMayGoto // may_goto off; src selects the condition
	FormatCall    // call; src selects what imm is

	FormatALUImm   // dst op= imm
	FormatALUReg   // dst op= src
	FormatNeg      // dst = -dst
	FormatAbs      // r0 = *(u8 *)skb[imm]
	FormatInd      // r0 = *(u8 *)skb[src + imm]
	FormatLoad     // dst = *(u8 *)(src + off)
	FormatLoadSX   // dst = *(s8 *)(src + off)
	FormatStoreImm // *(u8 *)(dst + off) = imm
	FormatStoreReg // *(u8 *)(dst + off) = src
	FormatJump     // goto off
	FormatJumpLong // gotol imm
	FormatJumpReg  // gotox dst
	FormatCondImm  // if dst op imm goto off
	FormatCondReg  // if dst op src goto off
	FormatCallReg  // callx dst
	FormatExit     // exit
)

// formats is the format of every opcode.
var formats = makeFormats()

// Format returns the format of the opcode, FormatUnknown if it is not known.
func (o Op) Format() Format { return formats[o] }

func makeFormats() (t [256]Format) {
	for op := range t {
		switch o := Op(op); o.Class() {
		case ClassALU, ClassALU64:
			t[op] = arithmeticFormat(o)
		case ClassJmp, ClassJmp32:
			t[op] = jumpFormat(o)
		default:
			t[op] = memoryFormat(o)
		}
	}
	return t
}

func arithmeticFormat(o Op) Format {
	imm, reg := FormatALUImm, FormatALUReg
	switch o.ALU() {
	case Div, Mod:
		imm, reg = FormatDivImm, FormatDivReg
	case Mov:
		imm, reg = FormatMovImm, FormatMovReg
	case Neg:
		imm, reg = FormatNeg, FormatUnknown
	case End:
		imm, reg = FormatEnd, FormatUnknown
		if o.Class() == ClassALU {
			reg = FormatEnd
		}
	case 0xe0, 0xf0:
		return FormatUnknown
	}
	if o.Reg() {
		return reg
	}
	return imm
}

func jumpFormat(o Op) Format {
	switch o {
	case OpJump:
		return FormatJump
	case OpJumpLong:
		return FormatJumpLong
	case OpJumpReg:
		return FormatJumpReg
	case OpMayGoto:
		return FormatMayGoto
	case OpCall:
		return FormatCall
	case OpCallReg:
		return FormatCallReg
	case OpExit:
		return FormatExit
	}
	switch j := o.Jump(); {
	case j == Always, j > SGreaterEq && j < Less, j > SLessEq:
		return FormatUnknown
	}
	if o.Reg() {
		return FormatCondReg
	}
	return FormatCondImm
}

func memoryFormat(o Op) Format {
	wide := o.Size() == DWord
	switch c, m := o.Class(), o.Mode(); {
	case o == OpLoadImm64:
		return FormatLoad64
	case c == ClassLd && m == ModeAbs && !wide:
		return FormatAbs
	case c == ClassLd && m == ModeInd && !wide:
		return FormatInd
	case c == ClassLdx && m == ModeMem:
		return FormatLoad
	case c == ClassLdx && m == ModeMemSX && !wide:
		return FormatLoadSX
	case c == ClassSt && m == ModeMem:
		return FormatStoreImm
	case c == ClassStx && m == ModeMem:
		return FormatStoreReg
	case c == ClassStx && m == ModeAtomic:
		return FormatAtomic
	}
	return FormatUnknown
}

// codecFlags says of every opcode which fields of an instruction have to be looked at to decode or
// encode it.
var codecFlags = makeCodecFlags()

const (
	flagJump   = 1 << iota // it is known and has a displacement in off
	flagOff                // it is known if off is zero, and has no displacement
	flagFields             // its format says
)

func makeCodecFlags() (t [256]uint8) {
	for op, f := range formats {
		switch {
		case f == FormatJump || f == FormatCondImm || f == FormatCondReg:
			t[op] = flagJump
		case f >= FormatDivImm && f <= FormatMovReg:
			t[op] = flagOff
		case f <= FormatCall || f == FormatJumpLong:
			t[op] = flagFields
		}
	}
	return t
}

// known reports whether the fields that select among several meanings of an opcode have values
// with a meaning. Fields that have to be zero are not looked at.
func (f Format) known(o Op, src Reg, off int16, imm int64) bool {
	return f > FormatCall || off == 0 && f-FormatDivImm <= FormatMovReg-FormatDivImm || f.selected(o, src, off, imm)
}

// selected is known for the formats that have such fields.
func (f Format) selected(o Op, src Reg, off int16, imm int64) bool {
	switch f {
	case FormatUnknown:
		return false
	case FormatDivImm, FormatDivReg:
		return off == 0 || off == 1
	case FormatMovImm:
		return off == 0
	case FormatMovReg:
		if o.Class() == ClassALU {
			return off == 0 || off == 8 || off == 16
		}
		return off == 0 || off == 8 || off == 16 || off == 32 || off == castOff
	case FormatEnd:
		return imm == 16 || imm == 32 || imm == 64
	case FormatLoad64:
		return src <= PseudoMapIdxValue
	case FormatAtomic:
		return knownAtomic(AtomicOp(imm), o.Size())
	case FormatMayGoto:
		return src == 0
	case FormatCall:
		return src <= PseudoKfuncCall
	}
	return true
}

// castOff is the offset of a MOV that makes it an address space cast
// (BPF_ADDR_SPACE_CAST, kernel/bpf/verifier.c).
const castOff = 1

// IsAddrSpaceCast reports whether the instruction converts a pointer between address spaces.
func (i *Insn) IsAddrSpaceCast() bool {
	return i.Off == castOff && i.Op == Op(ClassALU64)|Op(Mov)|SourceReg
}

func knownAtomic(a AtomicOp, s Size) bool {
	switch a {
	case LoadAcquire, StoreRelease:
		return true
	case Xchg, CmpXchg:
		return s == Word || s == DWord
	}
	switch a &^ Fetch {
	case AtomicAdd, AtomicOr, AtomicAnd, AtomicXor:
		return s == Word || s == DWord
	}
	return false
}

// displacement is the field in which a format keeps the displacement to its target.
type displacement uint8

const (
	displacementNone displacement = iota
	displacementOff               // Insn.Off
	displacementImm               // low half of Insn.Imm
)

// displacement returns where the format keeps the displacement to the label it refers to; src is
// the source field of the instruction.
func (f Format) displacement(src Reg) displacement {
	switch f {
	case FormatJump, FormatMayGoto, FormatCondImm, FormatCondReg:
		return displacementOff
	case FormatJumpLong:
		return displacementImm
	case FormatCall:
		if src == PseudoCall {
			return displacementImm
		}
	case FormatLoad64:
		if src == PseudoFunc {
			return displacementImm
		}
	}
	return displacementNone
}

// Displacement returns how many slots lie between the next instruction and what the instruction
// leads to, if it is a jump, a local call or the load of a function's address. Of an instruction that
// refers to a label it means nothing. It is also ok of one that is Raw, except for a 64-bit load.
func (i *Insn) Displacement() (slots int64, ok bool) {
	switch formats[i.Op].displacement(i.Src) {
	case displacementOff:
		return int64(i.Off), true
	case displacementImm:
		return int64(int32(i.Imm)), i.Flags&Raw == 0 || i.Op != OpLoadImm64
	}
	return 0, false
}
