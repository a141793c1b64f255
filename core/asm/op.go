package asm

// Op is the opcode byte of an instruction: the class in its low three bits, and above them either
// operation and source (arithmetic and jumps) or mode and size (loads and stores).
type Op uint8

// Class returns the low three bits.
func (o Op) Class() Class { return Class(o & 0x07) }

// Size returns the width of a load or store.
func (o Op) Size() Size { return Size(o & 0x18) }

// Mode returns the addressing mode of a load or store.
func (o Op) Mode() Mode { return Mode(o & 0xe0) }

// ALU returns the operation of an arithmetic instruction, without the signed variants that the
// offset selects.
func (o Op) ALU() ALUOp { return ALUOp(o & 0xf0) }

// Jump returns the condition of a jump.
func (o Op) Jump() JumpOp { return JumpOp(o & 0xf0) }

// Reg reports whether an arithmetic instruction or a jump takes its second operand from a register.
func (o Op) Reg() bool { return o&SourceReg != 0 }

// Class is a group of instructions (RFC 9669, section 3.1).
type Class uint8

// The classes.
const (
	ClassLd    Class = 0x00 // 64-bit immediates, packet loads
	ClassLdx   Class = 0x01 // loads
	ClassSt    Class = 0x02 // stores of an immediate
	ClassStx   Class = 0x03 // stores of a register, atomics
	ClassALU   Class = 0x04 // 32-bit arithmetic
	ClassJmp   Class = 0x05 // 64-bit comparisons, calls, exit
	ClassJmp32 Class = 0x06 // 32-bit comparisons, long jump
	ClassALU64 Class = 0x07 // 64-bit arithmetic
)

// SourceReg is the bit of arithmetic and jump opcodes that takes the second operand from a register.
const SourceReg Op = 0x08

// Size is the width of a memory access, as in the opcode.
type Size uint8

// The widths.
const (
	Word  Size = 0x00 // 4 bytes
	Half  Size = 0x08 // 2 bytes
	Byte  Size = 0x10 // 1 byte
	DWord Size = 0x18 // 8 bytes
)

// Bytes returns the width in bytes.
func (s Size) Bytes() int {
	switch s {
	case Byte:
		return 1
	case Half:
		return 2
	case Word:
		return 4
	}
	return 8
}

// Mode is an addressing mode (RFC 9669, section 5).
type Mode uint8

// The modes.
const (
	ModeImm    Mode = 0x00 // 64-bit immediate
	ModeAbs    Mode = 0x20 // packet load at a fixed offset
	ModeInd    Mode = 0x40 // packet load at a register's offset
	ModeMem    Mode = 0x60 // memory
	ModeMemSX  Mode = 0x80 // sign-extending load
	ModeAtomic Mode = 0xc0 // atomic operations, selected by Insn.Imm
)

// ALUOp is an arithmetic operation. SDiv and SMod are Div and Mod whose offset field is 1.
type ALUOp uint8

// The arithmetic operations.
const (
	Add  ALUOp = 0x00
	Sub  ALUOp = 0x10
	Mul  ALUOp = 0x20
	Div  ALUOp = 0x30
	SDiv ALUOp = 0x31
	Or   ALUOp = 0x40
	And  ALUOp = 0x50
	Lsh  ALUOp = 0x60
	Rsh  ALUOp = 0x70
	Neg  ALUOp = 0x80
	Mod  ALUOp = 0x90
	SMod ALUOp = 0x91
	Xor  ALUOp = 0xa0
	Mov  ALUOp = 0xb0
	Arsh ALUOp = 0xc0
	End  ALUOp = 0xd0 // byte order conversions and swaps
)

// JumpOp is the condition of a jump.
type JumpOp uint8

// The conditions.
const (
	Always     JumpOp = 0x00
	Equal      JumpOp = 0x10
	Greater    JumpOp = 0x20 // unsigned
	GreaterEq  JumpOp = 0x30 // unsigned
	Set        JumpOp = 0x40 // dst & src is not zero
	NotEqual   JumpOp = 0x50
	SGreater   JumpOp = 0x60 // signed
	SGreaterEq JumpOp = 0x70 // signed
	Less       JumpOp = 0xa0 // unsigned
	LessEq     JumpOp = 0xb0 // unsigned
	SLess      JumpOp = 0xc0 // signed
	SLessEq    JumpOp = 0xd0 // signed
)

// AtomicOp is an atomic operation: the immediate of an instruction in ModeAtomic.
type AtomicOp int32

// The atomic operations. Those with Fetch leave the old value in the source register, CmpXchg in R0.
const (
	AtomicAdd    AtomicOp = 0x00
	AtomicOr     AtomicOp = 0x40
	AtomicAnd    AtomicOp = 0x50
	AtomicXor    AtomicOp = 0xa0
	Fetch        AtomicOp = 0x01 // or it to one of the above
	Xchg         AtomicOp = 0xe1
	CmpXchg      AtomicOp = 0xf1
	LoadAcquire  AtomicOp = 0x100 // dst = *(src + off)
	StoreRelease AtomicOp = 0x110 // *(dst + off) = src
)

// Opcodes that stand alone.
const (
	OpLoadImm64 Op = 0x18 // two slots; Insn.Src is one of the Pseudo sources
	OpJump      Op = 0x05 // goto, 16-bit displacement
	OpJumpLong  Op = 0x06 // gotol, 32-bit displacement
	OpJumpReg   Op = 0x0d // gotox, target in dst
	OpMayGoto   Op = 0xe5
	OpCall      Op = 0x85 // helper, local function or kernel function, as Insn.Src says
	OpCallReg   Op = 0x8d // callx, target in dst
	OpExit      Op = 0x95
)

// The pseudo sources of a 64-bit load (Insn.Src of OpLoadImm64): what its immediate is
// (BPF_PSEUDO_…, include/uapi/linux/bpf.h).
const (
	PseudoMapFD       Reg = 1 // descriptor of a map
	PseudoMapValue    Reg = 2 // low half a map's descriptor, high half an offset into its first value
	PseudoBTFID       Reg = 3 // BTF id of a kernel variable; high half the descriptor of its BTF
	PseudoFunc        Reg = 4 // displacement to a function of the same program
	PseudoMapIdx      Reg = 5 // index into bpf_attr.fd_array
	PseudoMapIdxValue Reg = 6 // as PseudoMapValue, by index
)

// The pseudo sources of a call (Insn.Src of OpCall); zero calls a helper.
const (
	PseudoCall      Reg = 1 // function of the same program
	PseudoKfuncCall Reg = 2 // kernel function: immediate its BTF id, offset an index into fd_array
)
