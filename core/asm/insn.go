package asm

import "strconv"

// Reg is a register number. R10 is the read-only frame pointer; 11 to 15 do not
// exist but fit the encoding, so the codec keeps them.
type Reg uint8

// The registers of the eBPF machine (RFC 9669, section 2.1).
const (
	R0 Reg = iota
	R1
	R2
	R3
	R4
	R5
	R6
	R7
	R8
	R9
	R10
)

// Label names a place in one program: a number above zero, unique within it.
// Zero means that nothing jumps here.
type Label uint32

// Flags are marks on an instruction that are not part of its encoding.
type Flags uint8

// Raw marks an instruction whose words are kept exactly as they were read and
// never interpreted: an unknown opcode, or one half of a malformed 64-bit load.
const Raw Flags = 1 << 0

// RefKind says what an instruction refers to by name.
type RefKind uint8

// The kinds of reference. Numbers are shared with the guest ABI and never change.
const (
	RefNone     RefKind = iota
	RefLabel            // Insn.Target: target of a jump, a local call or a local function address
	RefFunc             // Insn.Symbol: a function of the same program
	RefMap              // Insn.Symbol: a map, loaded as a pointer to it
	RefMapValue         // Insn.Symbol: a map; Insn.Imm is the byte offset into its first value
	RefVar              // Insn.Symbol: a variable, loaded as its address; Insn.Imm is an extra byte offset
	RefKfunc            // Insn.Symbol: a kernel function that is called
	RefKsym             // Insn.Symbol: a kernel symbol, loaded as its address
	RefTable            // Insn.Symbol: a jump table of the same program, loaded as its address
)

// Insn is one instruction: a 64-bit load is one Insn although it fills two slots.
// Which fields matter depends on Op as in RFC 9669; the others are kept as they were read.
//
// A jump keeps no displacement: Target names where it goes and Off (Imm for gotol and local calls) is
// zero until AppendEncode computes it.
type Insn struct {
	Op     Op
	Dst    Reg
	Src    Reg // source register, or the pseudo source of a 64-bit load or a call
	Flags  Flags
	Off    int16
	Ref    RefKind // what the instruction refers to: by Target if it is RefLabel, otherwise by Symbol
	Label  Label   // this place, if something jumps to it
	Target Label   // the place that is referred to
	Imm    int64   // sign-extended 32 bits; all 64 for a 64-bit load
	Symbol string  // the name that is referred to
}

// SetTarget makes the instruction refer to a label, and to nothing else.
func (i *Insn) SetTarget(l Label) { i.Ref, i.Target, i.Symbol = RefLabel, l, "" }

// SetSymbol makes the instruction refer to a name, and to nothing else.
func (i *Insn) SetSymbol(k RefKind, name string) { i.Ref, i.Target, i.Symbol = k, 0, name }

// ClearRef makes the instruction refer to nothing.
func (i *Insn) ClearRef() { i.Ref, i.Target, i.Symbol = RefNone, 0, "" }

// Slots returns how many slots of 8 bytes the instruction fills: 2 for a 64-bit load, otherwise 1.
func (i Insn) Slots() int { return i.slots() }

// slots is Slots without copying the instruction.
func (i *Insn) slots() int {
	if i.Op == OpLoadImm64 && i.Flags&Raw == 0 {
		return 2
	}
	return 1
}

// Slots returns how many slots of 8 bytes the instructions fill.
func Slots(insns []Insn) Slot {
	n := 0
	for i := range insns {
		n += insns[i].slots()
	}
	return Slot(n)
}

// String returns what the reference is to: "map", "variable", …
func (k RefKind) String() string {
	switch k {
	case RefNone:
		return "nothing"
	case RefLabel:
		return "label"
	case RefFunc:
		return "function"
	case RefMap:
		return "map"
	case RefMapValue:
		return "value of map"
	case RefVar:
		return "variable"
	case RefKfunc:
		return "kernel function"
	case RefKsym:
		return "kernel symbol"
	case RefTable:
		return "jump table"
	}
	return "reference kind " + strconv.Itoa(int(k))
}
