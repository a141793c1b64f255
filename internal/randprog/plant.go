package randprog

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Plant is a mistake that a machine could make in one form of instruction. It is planted in programs:
// a machine without mistakes runs a planted program as one with the mistake runs the program.
type Plant struct {
	Name string

	// change returns what an instruction of a mistaken machine does, in correct ones; nil is the same.
	change func(p *planter, in asm.Insn) []asm.Insn
}

// Planted is a map that planted programs may have, with one value of 8 bytes that is 0 before each
// run.
const Planted = "planted"

// Plants returns all mistakes.
func Plants() []Plant {
	return slices.Concat(arithmeticPlants, comparePlants, memoryPlants, atomicPlants, callPlants)
}

// Apply returns the collection with the mistake planted in its programs, which share nothing with
// it, and whether that changed any.
func (m Plant) Apply(c *spec.Collection) (planted *spec.Collection, changed bool) {
	c = c.Clone()
	needsMap := false
	for _, p := range c.Programs {
		w := &planter{program: p, labels: p.NewLabel()}
		for _, in := range p.Insns.All() {
			here := w.after
			w.after = 0
			instead := m.change(w, in.Insn)
			if instead == nil {
				instead = []asm.Insn{in.Insn}
			} else {
				changed = true
			}
			w.add(in, instead, here)
		}
		joinLabels(w.code, w.same)
		p.Insns = spec.NewInsns(w.code...)
		needsMap = needsMap || w.counts
	}
	if needsMap {
		c.Maps = append(c.Maps, &spec.Map{Name: Planted, Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	}
	return c, changed
}

// planter rewrites a program.
type planter struct {
	program *spec.Program
	code    []spec.Insn
	labels  asm.Label   // the next new one
	after   asm.Label   // that the next instruction gets
	same    []sameLabel // labels of one place
	counts  bool        // the map Planted is used
}

// end returns a label after what an instruction is replaced by.
func (p *planter) end() asm.Label {
	if p.after == 0 {
		p.after = p.label()
	}
	return p.after
}

func (p *planter) label() asm.Label {
	p.labels++
	return p.labels - 1
}

// add appends what an instruction is replaced by, at a label if that is not 0.
func (p *planter) add(old spec.Insn, instead []asm.Insn, here asm.Label) {
	for i, in := range instead {
		n := spec.Insn{Insn: in}
		if i > 0 && in.Label == old.Label {
			n.Label = 0
		}
		if i == 0 {
			n.Func, n.Line, n.Core, n.Label = old.Func, old.Line, old.Core, old.Label
			if here != 0 && n.Label != 0 {
				p.same = append(p.same, sameLabel{here, n.Label})
			} else if here != 0 {
				n.Label = here
			}
		}
		p.code = append(p.code, n)
	}
}

// at puts a label at an instruction, not the first one of what another is replaced by.
func at(l asm.Label, in asm.Insn) asm.Insn {
	in.Label = l
	return in
}

// nothing is an instruction that does nothing.
func nothing() []asm.Insn { return []asm.Insn{asm.Mov64Reg(asm.R0, asm.R0)} }

// isALU reports whether an instruction is an arithmetic operation of a class.
func isALU(in asm.Insn, c asm.Class, op asm.ALUOp) bool {
	return in.Op.Class() == c && in.Op.ALU() == op&0xf0 && in.Off == int16(op&0x0f)
}

// isReg is isALU of an instruction with two registers.
func isReg(in asm.Insn, c asm.Class, op asm.ALUOp) bool { return isALU(in, c, op) && in.Op.Reg() }

// asOp plants one arithmetic operation for another one.
func asOp(name string, c asm.Class, op, instead asm.ALUOp) Plant {
	return Plant{name, func(_ *planter, in asm.Insn) []asm.Insn {
		if !isALU(in, c, op) || in.Dst == asm.R10 {
			return nil
		}
		in.Op, in.Off = in.Op&0x0f|asm.Op(instead&0xf0), int16(instead&0x0f)
		return []asm.Insn{in}
	}}
}

// wide plants the operation on 64 bits for that on 32.
func wide(name string, op asm.ALUOp) Plant {
	return Plant{name, func(_ *planter, in asm.Insn) []asm.Insn {
		if !isALU(in, asm.ClassALU, op) {
			return nil
		}
		in.Op = in.Op&^7 | asm.Op(asm.ClassALU64)
		return []asm.Insn{in}
	}}
}

// inCase plants dst = 0, or nothing, for an operation with two registers if a condition of the second
// one holds.
func inCase(name string, c asm.Class, op asm.ALUOp, jump func(src asm.Reg, to asm.Label) asm.Insn, zero bool) Plant {
	return Plant{name, func(p *planter, in asm.Insn) []asm.Insn {
		if !isReg(in, c, op) {
			return nil
		}
		end := p.end()
		if !zero {
			return []asm.Insn{jump(in.Src, end), in}
		}
		wrong, right := p.label(), p.label()
		return []asm.Insn{jump(in.Src, wrong), asm.Jump(right), at(wrong, asm.Mov64Imm(in.Dst, 0)), asm.Jump(end), at(right, in)}
	}}
}

func isZero(r asm.Reg, to asm.Label) asm.Insn   { return asm.JumpImm(asm.Equal, r, 0, to) }
func isZero32(r asm.Reg, to asm.Label) asm.Insn { return asm.JumpImm32(asm.Equal, r, 0, to) }
func above63(r asm.Reg, to asm.Label) asm.Insn  { return asm.JumpImm(asm.Greater, r, 63, to) }
func hasBit5(r asm.Reg, to asm.Label) asm.Insn  { return asm.JumpImm(asm.Set, r, 32, to) }
func isMinus1(r asm.Reg, to asm.Label) asm.Insn { return asm.JumpImm(asm.Equal, r, -1, to) }

var arithmeticPlants = []Plant{
	asOp("arithmetic shift of 64 bits as logical", asm.ClassALU64, asm.Arsh, asm.Rsh),
	asOp("arithmetic shift of 32 bits as logical", asm.ClassALU, asm.Arsh, asm.Rsh),
	asOp("signed division of 64 bits as unsigned", asm.ClassALU64, asm.SDiv, asm.Div),
	asOp("signed division of 32 bits as unsigned", asm.ClassALU, asm.SDiv, asm.Div),
	asOp("signed remainder of 64 bits as unsigned", asm.ClassALU64, asm.SMod, asm.Mod),
	asOp("signed remainder of 32 bits as unsigned", asm.ClassALU, asm.SMod, asm.Mod),
	wide("addition of 32 bits leaves the upper half", asm.Add),
	wide("multiplication of 32 bits leaves the upper half", asm.Mul),
	wide("move of 32 bits leaves the upper half", asm.Mov),
	wide("right shift of 32 bits takes 64", asm.Rsh),
	wide("negation of 32 bits leaves the upper half", asm.Neg),
	inCase("division by zero is the dividend", asm.ClassALU64, asm.Div, isZero, false),
	inCase("division of 32 bits by zero leaves the upper half", asm.ClassALU, asm.Div, isZero32, false),
	inCase("remainder by zero is zero", asm.ClassALU64, asm.Mod, isZero, true),
	inCase("remainder of 32 bits by zero leaves the upper half", asm.ClassALU, asm.Mod, isZero32, false),
	inCase("signed division by zero is the dividend", asm.ClassALU64, asm.SDiv, isZero, false),
	inCase("signed remainder by -1 is the dividend", asm.ClassALU64, asm.SMod, isMinus1, false),
	inCase("left shift by 64 or more is zero", asm.ClassALU64, asm.Lsh, above63, true),
	inCase("left shift of 32 bits by 32 or more is zero", asm.ClassALU, asm.Lsh, hasBit5, true),
	{"negation is complement", func(_ *planter, in asm.Insn) []asm.Insn {
		if !isALU(in, asm.ClassALU64, asm.Neg) {
			return nil
		}
		return []asm.Insn{asm.ALU64Imm(asm.Xor, in.Dst, -1)}
	}},
	{"sign extension of bytes as zero extension", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "movsx64 from 8" {
			return nil
		}
		return []asm.Insn{asm.Mov64Reg(in.Dst, in.Src), asm.ALU64Imm(asm.And, in.Dst, 0xff)}
	}},
	{"sign extension of 32 bits as zero extension", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "movsx64 from 32" {
			return nil
		}
		return []asm.Insn{asm.Mov32Reg(in.Dst, in.Src)}
	}},
	{"sign extension to 32 bits goes on to 64", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "movsx32 from 16" {
			return nil
		}
		return []asm.Insn{asm.Mov64SX(in.Dst, in.Src, asm.Half)}
	}},
	{"swap of 16 bits takes 32", func(_ *planter, in asm.Insn) []asm.Insn {
		if in.Op.Format() != asm.FormatEnd || in.Imm != 16 || FormOf(&in) == "le16" {
			return nil
		}
		in.Imm = 32
		return []asm.Insn{in}
	}},
	{"swap of 32 bits leaves the upper half", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "bswap32" {
			return nil
		}
		return []asm.Insn{asm.ByteSwap(in.Dst, asm.DWord)}
	}},
	{"conversion to little-endian does not cut", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "le16" && FormOf(&in) != "le32" {
			return nil
		}
		return nothing()
	}},
	{"constant of 64 bits is cut to 32", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "ld_imm64" {
			return nil
		}
		return []asm.Insn{asm.LoadImm64(in.Dst, int64(uint32(in.Imm)))}
	}},
	{"immediate of a move is not sign-extended", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "mov64 imm" || in.Imm >= 0 {
			return nil
		}
		return []asm.Insn{asm.Mov32Imm(in.Dst, int32(in.Imm))}
	}},
	{"immediate of and is not sign-extended", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "and64 imm" || in.Imm >= 0 {
			return nil
		}
		return []asm.Insn{asm.ALU32Imm(asm.And, in.Dst, int32(in.Imm))}
	}},
}

// asJump plants one condition for another one.
func asJump(name string, c asm.Class, op, instead asm.JumpOp) Plant {
	return Plant{name, func(_ *planter, in asm.Insn) []asm.Insn {
		switch in.Op.Format() {
		case asm.FormatCondImm, asm.FormatCondReg:
		default:
			return nil
		}
		if in.Op.Class() != c || in.Op.Jump() != op {
			return nil
		}
		in.Op = in.Op&0x0f | asm.Op(instead)
		return []asm.Insn{in}
	}}
}

var comparePlants = []Plant{
	asJump("signed comparison of 64 bits as unsigned", asm.ClassJmp, asm.SGreater, asm.Greater),
	asJump("signed comparison of 32 bits as unsigned", asm.ClassJmp32, asm.SLess, asm.Less),
	asJump("jset as jne", asm.ClassJmp, asm.Set, asm.NotEqual),
	asJump("jset of 32 bits is never so", asm.ClassJmp32, asm.Set, asm.Less),
	asJump("less or equal as less", asm.ClassJmp, asm.LessEq, asm.Less),
	asJump("greater or equal of 32 bits as greater", asm.ClassJmp32, asm.GreaterEq, asm.Greater),
	{"comparison of 32 bits takes 64", func(_ *planter, in asm.Insn) []asm.Insn {
		if in.Op.Class() != asm.ClassJmp32 || in.Op.Format() != asm.FormatCondReg {
			return nil
		}
		in.Op = in.Op&^7 | asm.Op(asm.ClassJmp)
		return []asm.Insn{in}
	}},
	{"may_goto always goes", func(_ *planter, in asm.Insn) []asm.Insn {
		if in.Op.Format() != asm.FormatMayGoto {
			return nil
		}
		return []asm.Insn{asm.Jump(in.Target)}
	}},
}

var memoryPlants = []Plant{
	{"sign-extending load extends by zeros", func(_ *planter, in asm.Insn) []asm.Insn {
		if in.Op.Format() != asm.FormatLoadSX {
			return nil
		}
		return []asm.Insn{asm.LoadMem(in.Dst, in.Src, in.Off, in.Op.Size())}
	}},
	{"load of 32 bits extends the sign", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "load32" {
			return nil
		}
		return []asm.Insn{asm.LoadMemSX(in.Dst, in.Src, in.Off, asm.Word)}
	}},
	{"load of 16 bits takes 8", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "load16" {
			return nil
		}
		return []asm.Insn{asm.LoadMem(in.Dst, in.Src, in.Off, asm.Byte)}
	}},
	{"store of a byte takes 16 bits", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "store8 reg" || in.Off&1 != 0 {
			return nil
		}
		return []asm.Insn{asm.StoreMem(in.Dst, in.Off, in.Src, asm.Half)}
	}},
	{"stored immediate is not sign-extended", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "store64 imm" || in.Imm >= 0 {
			return nil
		}
		return []asm.Insn{asm.StoreImm(in.Dst, in.Off, int32(in.Imm), asm.Word), asm.StoreImm(in.Dst, in.Off+4, 0, asm.Word)}
	}},
	{"data_end is a byte early", func(p *planter, in asm.Insn) []asm.Insn {
		end := map[spec.ProgramType]int16{spec.ProgramXDP: xdpDataEnd, spec.ProgramSchedCls: skbDataEnd}[p.program.Type]
		if FormOf(&in) != "load32" || in.Src != asm.R6 || end == 0 || in.Off != end {
			return nil
		}
		return []asm.Insn{in, asm.ALU64Imm(asm.Add, in.Dst, -1)}
	}},
	{"packet loads are not in network order", func(_ *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "ld_abs16" && FormOf(&in) != "ld_ind16" {
			return nil
		}
		return []asm.Insn{in, asm.ByteSwap(asm.R0, asm.Half)}
	}},
	{"packet loads leave the register out", func(_ *planter, in asm.Insn) []asm.Insn {
		if in.Op.Format() != asm.FormatInd {
			return nil
		}
		return []asm.Insn{asm.LoadAbs(int32(in.Imm), in.Op.Size())}
	}},
}

// onAtomic plants something for an atomic operation.
func onAtomic(name string, op asm.AtomicOp, change func(in asm.Insn) []asm.Insn) Plant {
	return Plant{name, func(_ *planter, in asm.Insn) []asm.Insn {
		if in.Op.Format() != asm.FormatAtomic || asm.AtomicOp(in.Imm) != op {
			return nil
		}
		return change(in)
	}}
}

// load is the load of what an atomic operation is on.
func load(dst asm.Reg, in asm.Insn) asm.Insn { return asm.LoadMem(dst, in.Dst, in.Off, in.Op.Size()) }

var atomicPlants = []Plant{
	onAtomic("fetching addition leaves the register", asm.AtomicAdd|asm.Fetch, func(in asm.Insn) []asm.Insn {
		in.Imm = int64(asm.AtomicAdd)
		return []asm.Insn{in}
	}),
	onAtomic("fetching or returns the new value", asm.AtomicOr|asm.Fetch, func(in asm.Insn) []asm.Insn {
		return []asm.Insn{in, load(in.Src, in)}
	}),
	onAtomic("fetching and of 32 bits extends the sign", asm.AtomicAnd|asm.Fetch, func(in asm.Insn) []asm.Insn {
		if in.Op.Size() != asm.Word {
			return nil
		}
		return []asm.Insn{in, asm.Mov64SX(in.Src, in.Src, asm.Word)}
	}),
	onAtomic("atomic xor as or", asm.AtomicXor, func(in asm.Insn) []asm.Insn {
		in.Imm = int64(asm.AtomicOr)
		return []asm.Insn{in}
	}),
	onAtomic("atomic addition of 32 bits takes 64", asm.AtomicAdd, func(in asm.Insn) []asm.Insn {
		if in.Op.Size() != asm.Word || in.Off&7 != 0 {
			return nil
		}
		in.Op = in.Op&^0x18 | asm.Op(asm.DWord)
		return []asm.Insn{in}
	}),
	onAtomic("exchange does not store", asm.Xchg, func(in asm.Insn) []asm.Insn { return []asm.Insn{load(in.Src, in)} }),
	onAtomic("compare and exchange always stores", asm.CmpXchg, func(in asm.Insn) []asm.Insn {
		return []asm.Insn{load(asm.R0, in), asm.StoreMem(in.Dst, in.Off, in.Src, in.Op.Size())}
	}),
	onAtomic("compare and exchange never stores", asm.CmpXchg, func(in asm.Insn) []asm.Insn { return []asm.Insn{load(asm.R0, in)} }),
	onAtomic("compare and exchange leaves R0", asm.CmpXchg, func(in asm.Insn) []asm.Insn {
		return []asm.Insn{asm.StoreMem(in.Dst, in.Off, in.Src, in.Op.Size())}
	}),
	onAtomic("acquiring load extends the sign", asm.LoadAcquire, func(in asm.Insn) []asm.Insn {
		if in.Op.Size() == asm.DWord {
			return nil
		}
		return []asm.Insn{asm.LoadMemSX(in.Dst, in.Src, in.Off, in.Op.Size())}
	}),
	onAtomic("releasing store does not store", asm.StoreRelease, func(asm.Insn) []asm.Insn { return nothing() }),
}

// onHelper plants something for the call of a helper.
func onHelper(name string, h asm.Helper, change func(in asm.Insn) []asm.Insn) Plant {
	return Plant{name, func(_ *planter, in asm.Insn) []asm.Insn {
		if in.Op.Format() != asm.FormatCall || in.Ref != asm.RefNone || asm.Helper(in.Imm) != h {
			return nil
		}
		return change(in)
	}}
}

// onCall plants an instruction after each call of a function.
func onCall(name string, after asm.Insn) Plant {
	return Plant{name, func(_ *planter, in asm.Insn) []asm.Insn {
		if in.Op.Format() != asm.FormatCall || in.Ref == asm.RefNone {
			return nil
		}
		return []asm.Insn{in, after}
	}}
}

var callPlants = []Plant{
	onCall("a call does not save R7", asm.Mov64Imm(asm.R7, 0x7777)),
	onCall("a call does not save R9", asm.Mov64Imm(asm.R9, 0x9999)),
	onCall("a call returns nothing", asm.Mov64Imm(asm.R0, 0)),
	onHelper("bpf_loop calls once less", asm.HelperLoop, func(in asm.Insn) []asm.Insn {
		return []asm.Insn{asm.ALU64Imm(asm.Sub, asm.R1, 1), in}
	}),
	{"a callback cannot end its loop", func(p *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != "and64 imm" || in.Dst != asm.R0 || in.Imm != 1 {
			return nil
		}
		return []asm.Insn{asm.Mov64Imm(asm.R0, 0)}
	}},
	{"a tail call less than 33", func(p *planter, in asm.Insn) []asm.Insn {
		if FormOf(&in) != asm.HelperTailCall.String() {
			return nil
		}
		p.counts = true
		return []asm.Insn{
			asm.LoadMapValue(asm.R4, Planted, 0), asm.LoadMem(asm.R5, asm.R4, 0, asm.DWord), asm.ALU64Imm(asm.Add, asm.R5, 1),
			asm.StoreMem(asm.R4, 0, asm.R5, asm.DWord), asm.JumpImm(asm.Greater, asm.R5, 32, p.end()), in,
		}
	}},
	onHelper("updates of maps have no flags", asm.HelperMapUpdateElem, func(in asm.Insn) []asm.Insn {
		return []asm.Insn{asm.Mov64Imm(asm.R4, 0), in}
	}),
	onHelper("deletes always return 0", asm.HelperMapDeleteElem, func(in asm.Insn) []asm.Insn {
		return []asm.Insn{in, asm.Mov64Imm(asm.R0, 0)}
	}),
	onHelper("peeking takes the value", asm.HelperMapPeekElem, func(in asm.Insn) []asm.Insn {
		return []asm.Insn{asm.Call(asm.HelperMapPopElem)}
	}),
	onHelper("discarded records are submitted", asm.HelperRingbufDiscard, func(in asm.Insn) []asm.Insn {
		return []asm.Insn{asm.Call(asm.HelperRingbufSubmit)}
	}),
}
