package randprog

import (
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
)

var (
	aluNames = map[asm.ALUOp]string{
		asm.Add: "add", asm.Sub: "sub", asm.Mul: "mul", asm.Div: "div", asm.SDiv: "sdiv", asm.Or: "or", asm.And: "and", asm.Lsh: "lsh",
		asm.Rsh: "rsh", asm.Neg: "neg", asm.Mod: "mod", asm.SMod: "smod", asm.Xor: "xor", asm.Mov: "mov", asm.Arsh: "arsh",
	}
	jumpNames = map[asm.JumpOp]string{
		asm.Equal: "jeq", asm.Greater: "jgt", asm.GreaterEq: "jge", asm.Set: "jset", asm.NotEqual: "jne", asm.SGreater: "jsgt",
		asm.SGreaterEq: "jsge", asm.Less: "jlt", asm.LessEq: "jle", asm.SLess: "jslt", asm.SLessEq: "jsle",
	}
	atomicNames = map[asm.AtomicOp]string{
		asm.AtomicAdd: "add", asm.AtomicOr: "or", asm.AtomicAnd: "and", asm.AtomicXor: "xor", asm.AtomicAdd | asm.Fetch: "fetch_add",
		asm.AtomicOr | asm.Fetch: "fetch_or", asm.AtomicAnd | asm.Fetch: "fetch_and", asm.AtomicXor | asm.Fetch: "fetch_xor",
		asm.Xchg: "xchg", asm.CmpXchg: "cmpxchg", asm.LoadAcquire: "load_acquire", asm.StoreRelease: "store_release",
	}
)

// FormOf names the form of an instruction: its operation, width and kind of operand, as in
// "sdiv32 reg", "jset64 imm", "load16 sx" or "atomic64 fetch_add".
func FormOf(in *asm.Insn) string {
	switch in.Op.Format() {
	case asm.FormatEnd:
		return swapForm(in)
	case asm.FormatLoad64:
		if in.Ref == asm.RefNone {
			return "ld_imm64"
		}
		return "ld_imm64 of " + in.Ref.String()
	case asm.FormatLoad:
		return "load" + bits(in.Op.Size())
	case asm.FormatLoadSX:
		return "load" + bits(in.Op.Size()) + " sx"
	case asm.FormatStoreImm:
		return "store" + bits(in.Op.Size()) + " imm"
	case asm.FormatStoreReg:
		return "store" + bits(in.Op.Size()) + " reg"
	case asm.FormatAtomic:
		return "atomic" + bits(in.Op.Size()) + " " + atomicNames[asm.AtomicOp(in.Imm)]
	case asm.FormatAbs:
		return "ld_abs" + bits(in.Op.Size())
	case asm.FormatInd:
		return "ld_ind" + bits(in.Op.Size())
	}
	switch in.Op.Class() {
	case asm.ClassALU, asm.ClassALU64:
		return arithmeticForm(in)
	}
	return jumpForm(in)
}

func bits(s asm.Size) string { return strconv.Itoa(8 * s.Bytes()) }

// width is that of the class of an instruction.
func width(in *asm.Insn) string {
	if c := in.Op.Class(); c == asm.ClassALU || c == asm.ClassJmp32 {
		return "32"
	}
	return "64"
}

func operandKind(in *asm.Insn) string {
	if in.Op.Reg() {
		return " reg"
	}
	return " imm"
}

func swapForm(in *asm.Insn) string {
	name := "le"
	switch {
	case in.Op.Class() == asm.ClassALU64:
		name = "bswap"
	case in.Op.Reg():
		name = "be"
	}
	return name + strconv.Itoa(int(in.Imm))
}

func arithmeticForm(in *asm.Insn) string {
	op := in.Op.ALU()
	switch {
	case op == asm.Neg:
		return "neg" + width(in)
	case op == asm.Mov && in.Off != 0:
		return "movsx" + width(in) + " from " + strconv.Itoa(int(in.Off))
	case in.Off == 1:
		op |= 1
	}
	return aluNames[op] + width(in) + operandKind(in)
}

func jumpForm(in *asm.Insn) string {
	switch in.Op.Format() {
	case asm.FormatJump:
		return "goto"
	case asm.FormatJumpLong:
		return "gotol"
	case asm.FormatMayGoto:
		return "may_goto"
	case asm.FormatExit:
		return "exit"
	case asm.FormatCall:
		if in.Ref != asm.RefNone {
			return "call of a function"
		}
		return asm.Helper(in.Imm).String()
	}
	return jumpNames[in.Op.Jump()] + width(in) + operandKind(in)
}

// Forms returns all forms that cases are made of, sorted. Each is made now and then.
func Forms() []string {
	var insns []asm.Insn
	for _, op := range aluOps {
		insns = append(insns, asm.ALU64Imm(op, 0, 1), asm.ALU32Imm(op, 0, 1), asm.ALU64Reg(op, 0, 0), asm.ALU32Reg(op, 0, 0))
	}
	for _, op := range jumpOps {
		insns = append(insns, asm.JumpImm(op, 0, 0, 1), asm.JumpImm32(op, 0, 0, 1), asm.JumpReg(op, 0, 0, 1), asm.JumpReg32(op, 0, 0, 1))
	}
	for i, s := range sizes {
		insns = append(insns, asm.LoadMem(0, 0, 0, s), asm.StoreMem(0, 0, 0, s), asm.StoreImm(0, 0, 0, s),
			asm.Atomic(asm.LoadAcquire, 0, 0, 0, s), asm.Atomic(asm.StoreRelease, 0, 0, 0, s))
		if i > 0 {
			insns = append(insns, asm.ToLE(0, s), asm.ToBE(0, s), asm.ByteSwap(0, s))
		}
		if i < 3 {
			insns = append(insns, asm.Mov64SX(0, 0, s), asm.LoadMemSX(0, 0, 0, s), asm.LoadAbs(0, s), asm.LoadInd(0, 0, s))
		}
		if i < 2 {
			insns = append(insns, asm.Mov32SX(0, 0, s))
		}
	}
	for _, op := range atomicOps {
		insns = append(insns, asm.Atomic(op, 0, 0, 0, asm.Word), asm.Atomic(op, 0, 0, 0, asm.DWord))
	}
	insns = append(insns, asm.Neg64(0), asm.Neg32(0), asm.Jump(1), asm.JumpLong(1), asm.MayGoto(1), asm.Exit(), asm.CallFunc("f"),
		asm.LoadImm64(0, 0), asm.LoadMap(0, "m"), asm.LoadMapValue(0, "m", 0), asm.LoadFunc(0, "f"))
	for _, h := range helperForms {
		insns = append(insns, asm.Call(h))
	}
	forms := slices.Concat(areaForms(), mapForms(), otherForms)
	for i := range insns {
		forms = append(forms, FormOf(&insns[i]))
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

var helperForms = []asm.Helper{
	asm.HelperTailCall, asm.HelperLoop, asm.HelperXDPAdjustHead, asm.HelperXDPAdjustTail, asm.HelperXDPAdjustMeta, asm.HelperXDPGetBuffLen,
	asm.HelperXDPLoadBytes, asm.HelperXDPStoreBytes, asm.HelperSkbLoadBytes, asm.HelperSkbStoreBytes, asm.HelperSkbPullData,
	asm.HelperMapLookupElem, asm.HelperMapLookupPerCPUElem, asm.HelperMapUpdateElem, asm.HelperMapDeleteElem, asm.HelperForEachMapElem,
	asm.HelperMapPushElem, asm.HelperMapPopElem, asm.HelperMapPeekElem, asm.HelperRingbufReserve, asm.HelperRingbufSubmit,
	asm.HelperRingbufDiscard, asm.HelperRingbufOutput, asm.HelperRingbufQuery,
}

var otherForms = []string{
	"bounded loop", "loop with may_goto", "callback may end the loop", "local call with numbers",
	"local call with a pointer", "local call with the context", "tail call", "tail call of a local function", "field of xdp_md",
	tooManyRounds, "field of __sk_buff", "narrow load of a field", "load of packet bytes",
}

func areaForms() []string {
	var forms []string
	for _, a := range []struct {
		name   string
		atomic bool
	}{
		{"stack", true}, {"a caller's stack", true}, {"a map value", true}, {"stack at a variable offset", false},
		{"a map value at a variable offset", true}, {"the context", false}, {"a record", true}, {"the packet", false},
		{"the packet at a variable offset", false},
	} {
		forms = append(forms, "load from "+a.name, "store to "+a.name)
		if a.atomic {
			forms = append(forms, "atomic on "+a.name)
		}
	}
	return forms
}

func mapForms() []string {
	var forms []string
	add := func(h asm.Helper, maps ...string) {
		for _, m := range maps {
			forms = append(forms, h.String()+" of "+m)
		}
	}
	add(asm.HelperForEachMapElem, eachMaps...)
	add(asm.HelperMapLookupPerCPUElem, "percpu_array", "percpu_hash", "lru_percpu")
	for _, h := range []asm.Helper{asm.HelperMapLookupElem, asm.HelperMapUpdateElem, asm.HelperMapDeleteElem} {
		add(h, append(slices.Clone(eachMaps), "lpm")...)
	}
	for _, h := range []asm.Helper{asm.HelperMapPushElem, asm.HelperMapPopElem, asm.HelperMapPeekElem} {
		add(h, "queue", "stack")
	}
	for _, h := range []asm.Helper{asm.HelperRingbufReserve, asm.HelperRingbufSubmit, asm.HelperRingbufDiscard, asm.HelperRingbufOutput, asm.HelperRingbufQuery} {
		add(h, rings)
	}
	return forms
}
