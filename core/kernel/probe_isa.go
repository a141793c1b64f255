package kernel

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// isaLevel is a set of instructions.
type isaLevel struct {
	name string
	code []asm.Insn // a program that uses them
}

// since returns the first version that has the instructions.
func (l isaLevel) since() spec.Version {
	var since spec.Version
	for i := range l.code {
		if _, v := spec.InsnSince(&l.code[i]); v.Compare(since) > 0 {
			since = v
		}
	}
	return since
}

// isaLevels are what compilers call -mcpu=v1 to v4, and what came beside these.
var isaLevels = []isaLevel{
	{"v1", []asm.Insn{asm.Mov64Imm(asm.R0, 0), asm.Exit()}},
	{"v2", jumping(asm.JumpImm(asm.Less, asm.R0, 1, 1))},
	{"v3", jumping(asm.JumpImm32(asm.Less, asm.R0, 1, 1))},
	{"v4", []asm.Insn{asm.Mov64Imm(asm.R0, 7), asm.ALU64Imm(asm.SDiv, asm.R0, 2), asm.ByteSwap(asm.R0, asm.Word),
		asm.Mov64SX(asm.R0, asm.R0, asm.Byte), asm.Mov64Imm(asm.R0, 0), asm.Exit()}},
	{"atomic", onStack(asm.Atomic(asm.Xchg, asm.R10, -8, asm.R0, asm.DWord))},
	{"may_goto", jumping(asm.MayGoto(1))},
	{"load_acquire", onStack(asm.Atomic(asm.LoadAcquire, asm.R0, -8, asm.R10, asm.DWord))},
}

// jumping is a program with a jump over an instruction to label 1.
func jumping(in asm.Insn) []asm.Insn {
	end := asm.Exit()
	end.Label = 1
	return []asm.Insn{asm.Mov64Imm(asm.R0, 0), in, asm.Mov64Imm(asm.R0, 0), end}
}

// onStack is a program with an instruction that reads or writes the first word of the stack, and R0.
func onStack(in asm.Insn) []asm.Insn {
	return []asm.Insn{asm.StoreImm(asm.R10, -8, 0, asm.DWord), asm.Mov64Imm(asm.R0, 0), in, asm.Mov64Imm(asm.R0, 0), asm.Exit()}
}

// ISALevels returns the sets of instructions that Has can be asked for: "v1" to "v4", which compilers
// know as -mcpu, and others.
func ISALevels() []Feature {
	all := make([]Feature, len(isaLevels))
	for i := range all {
		all[i] = Feature{Kind: FeatureISA, Number: uint32(i)}
	}
	return all
}

// askISA loads a program of the level.
func askISA(level int) error {
	if level >= len(isaLevels) {
		return errUnknown
	}
	return programProbe{}.load(spec.ProgramSocketFilter, encode(isaLevels[level].code...))
}
