package asm

// form groups opcodes whose fields mean the same. It says which fields matter, how an instruction
// is written as text, and which values of the selecting fields are known.
type form uint8

const (
	formUnknown form = iota

	// Forms of which some fields select a meaning, see known.
	formDivImm  // as formALUImm; off 1 makes it signed
	formDivReg  // as formALUReg; off 1 makes it signed
	formMovImm  // dst = imm; off could select, but nothing is defined
	formMovReg  // dst = src; off selects sign extension or an address space cast
	formEnd     // dst = be16 dst; imm is the width in bits
	formLoad64  // dst = imm ll; src selects what imm is
	formAtomic  // imm selects the operation
	formMayGoto // may_goto off; src selects the condition
	formCall    // call; src selects what imm is

	formALUImm   // dst op= imm
	formALUReg   // dst op= src
	formNeg      // dst = -dst
	formAbs      // r0 = *(u8 *)skb[imm]
	formInd      // r0 = *(u8 *)skb[src + imm]
	formLoad     // dst = *(u8 *)(src + off)
	formLoadSX   // dst = *(s8 *)(src + off)
	formStoreImm // *(u8 *)(dst + off) = imm
	formStoreReg // *(u8 *)(dst + off) = src
	formJump     // goto off
	formJumpLong // gotol imm
	formJumpReg  // gotox dst
	formCondImm  // if dst op imm goto off
	formCondReg  // if dst op src goto off
	formCallReg  // callx dst
	formExit     // exit
)

// forms is the form of every opcode.
var forms = makeForms()

func makeForms() (t [256]form) {
	for op := range t {
		switch o := Op(op); o.Class() {
		case ClassALU, ClassALU64:
			t[op] = arithmeticForm(o)
		case ClassJmp, ClassJmp32:
			t[op] = jumpForm(o)
		default:
			t[op] = memoryForm(o)
		}
	}
	return t
}

func arithmeticForm(o Op) form {
	imm, reg := formALUImm, formALUReg
	switch o.ALU() {
	case Div, Mod:
		imm, reg = formDivImm, formDivReg
	case Mov:
		imm, reg = formMovImm, formMovReg
	case Neg:
		imm, reg = formNeg, formUnknown
	case End:
		imm, reg = formEnd, formUnknown
		if o.Class() == ClassALU {
			reg = formEnd
		}
	case 0xe0, 0xf0:
		return formUnknown
	}
	if o.Reg() {
		return reg
	}
	return imm
}

func jumpForm(o Op) form {
	switch o {
	case OpJump:
		return formJump
	case OpJumpLong:
		return formJumpLong
	case OpJumpReg:
		return formJumpReg
	case OpMayGoto:
		return formMayGoto
	case OpCall:
		return formCall
	case OpCallReg:
		return formCallReg
	case OpExit:
		return formExit
	}
	switch j := o.Jump(); {
	case j == Always, j > SGreaterEq && j < Less, j > SLessEq:
		return formUnknown
	}
	if o.Reg() {
		return formCondReg
	}
	return formCondImm
}

func memoryForm(o Op) form {
	wide := o.Size() == DWord
	switch c, m := o.Class(), o.Mode(); {
	case o == OpLoadImm64:
		return formLoad64
	case c == ClassLd && m == ModeAbs && !wide:
		return formAbs
	case c == ClassLd && m == ModeInd && !wide:
		return formInd
	case c == ClassLdx && m == ModeMem:
		return formLoad
	case c == ClassLdx && m == ModeMemSX && !wide:
		return formLoadSX
	case c == ClassSt && m == ModeMem:
		return formStoreImm
	case c == ClassStx && m == ModeMem:
		return formStoreReg
	case c == ClassStx && m == ModeAtomic:
		return formAtomic
	}
	return formUnknown
}

// shapes says of every opcode how much of an instruction has to be looked at to decode or encode it.
var shapes = makeShapes()

const (
	shapeJump   = 1 << iota // it is known and has a distance in off
	shapeOff                // it is known if off is zero, and has no distance
	shapeFields             // its form says
)

func makeShapes() (t [256]uint8) {
	for op, f := range forms {
		switch {
		case f == formJump || f == formCondImm || f == formCondReg:
			t[op] = shapeJump
		case f >= formDivImm && f <= formMovReg:
			t[op] = shapeOff
		case f <= formCall || f == formJumpLong:
			t[op] = shapeFields
		}
	}
	return t
}

// known reports whether the fields that select among several meanings of an opcode have values
// with a meaning. Fields that have to be zero are not looked at.
func (f form) known(o Op, src Reg, off int16, imm int64) bool {
	return f > formCall || off == 0 && f-formDivImm <= formMovReg-formDivImm || f.selected(o, src, off, imm)
}

// selected is known for the forms that have such fields.
func (f form) selected(o Op, src Reg, off int16, imm int64) bool {
	switch f {
	case formUnknown:
		return false
	case formDivImm, formDivReg:
		return off == 0 || off == 1
	case formMovImm:
		return off == 0
	case formMovReg:
		if o.Class() == ClassALU {
			return off == 0 || off == 8 || off == 16
		}
		return off == 0 || off == 8 || off == 16 || off == 32 || off == castOff
	case formEnd:
		return imm == 16 || imm == 32 || imm == 64
	case formLoad64:
		return src <= PseudoMapIdxValue
	case formAtomic:
		return knownAtomic(AtomicOp(imm), o.Size())
	case formMayGoto:
		return src == 0
	case formCall:
		return src <= PseudoKfuncCall
	}
	return true
}

// castOff is the offset of a MOV that makes it an address space cast
// (BPF_ADDR_SPACE_CAST, kernel/bpf/verifier.c).
const castOff = 1

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

// distance says where a form keeps the distance to its target.
type distance uint8

const (
	distanceNone distance = iota
	distanceOff           // Insn.Off
	distanceImm           // low half of Insn.Imm
)

// distance returns where the form keeps the distance to the label it refers to; src is the
// instruction's source field.
func (f form) distance(src Reg) distance {
	switch f {
	case formJump, formMayGoto, formCondImm, formCondReg:
		return distanceOff
	case formJumpLong:
		return distanceImm
	case formCall:
		if src == PseudoCall {
			return distanceImm
		}
	case formLoad64:
		if src == PseudoFunc {
			return distanceImm
		}
	}
	return distanceNone
}
