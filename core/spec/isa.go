package spec

import (
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
)

// ISA is a set of instructions that kernels have since a version.
type ISA uint32

// The sets: what compilers call -mcpu=v1 to v4, and what came beside these. Of v4 an address space
// cast, which arenas take, is not.
const (
	ISAv1          ISA = iota
	ISAv2              // unsigned and signed "less than"
	ISAv3              // conditions on 32 bits
	ISAv4              // signed division, loads and moves that extend the sign, swaps of bytes
	ISAAtomic          // atomic instructions other than add
	ISAMayGoto         // loops that the kernel bounds
	ISALoadAcquire     // loads and stores with order
)

// isaNames is indexed by ISA.
var isaNames = [...]string{"v1", "v2", "v3", "v4", "atomic", "may_goto", "load_acquire"}

// String returns "v1" to "v4", "atomic", "may_goto" or "load_acquire".
func (i ISA) String() string {
	if int(i) < len(isaNames) {
		return isaNames[i]
	}
	return "instruction set " + strconv.FormatUint(uint64(i), 10)
}

// ISAs returns all sets, by number.
func ISAs() []ISA {
	all := make([]ISA, len(isaNames))
	for i := range all {
		all[i] = ISA(i)
	}
	return all
}

// Feature is the feature that kernels run the instructions.
func (i ISA) Feature() Feature { return Feature{Kind: FeatureISA, Number: uint32(i)} }

// Since returns the first version that has the instructions; zero when Oldest has them.
func (i ISA) Since() Version {
	var since Version
	for _, in := range i.Example() {
		if _, v := InsnSince(&in); v.Compare(since) > 0 {
			since = v
		}
	}
	return since
}

// Example returns a program of socket filters that uses the instructions; nil when there is no such set.
func (i ISA) Example() []asm.Insn {
	end := asm.Exit()
	end.Label = 1
	zero, exit := asm.Mov64Imm(asm.R0, 0), asm.Exit()
	stack := asm.StoreImm(asm.R10, -8, 0, asm.DWord)
	switch i {
	case ISAv1:
		return []asm.Insn{zero, exit}
	case ISAv2:
		return []asm.Insn{zero, asm.JumpImm(asm.Less, asm.R0, 1, 1), zero, end}
	case ISAv3:
		return []asm.Insn{zero, asm.JumpImm32(asm.Less, asm.R0, 1, 1), zero, end}
	case ISAv4:
		return []asm.Insn{asm.Mov64Imm(asm.R0, 7), asm.ALU64Imm(asm.SDiv, asm.R0, 2), asm.ByteSwap(asm.R0, asm.Word),
			asm.Mov64SX(asm.R0, asm.R0, asm.Byte), zero, exit}
	case ISAAtomic:
		return []asm.Insn{stack, zero, asm.Atomic(asm.Xchg, asm.R10, -8, asm.R0, asm.DWord), zero, exit}
	case ISAMayGoto:
		return []asm.Insn{zero, asm.MayGoto(1), zero, end}
	case ISALoadAcquire:
		return []asm.Insn{stack, zero, asm.Atomic(asm.LoadAcquire, asm.R0, -8, asm.R10, asm.DWord), zero, exit}
	}
	return nil
}

// isaOf returns the set that an instruction belongs to, of those that are younger than Oldest.
func isaOf(in *asm.Insn) (ISA, bool) {
	_, since := InsnSince(in)
	if since.Compare(Oldest) <= 0 || in.Op == asm.OpCall {
		return 0, false
	}
	kind, _ := InsnSince(in)
	i := slices.IndexFunc(ISAs(), func(i ISA) bool {
		return slices.ContainsFunc(i.Example(), func(e asm.Insn) bool {
			what, _ := InsnSince(&e)
			return what == kind
		})
	})
	return ISA(max(i, 0)), i >= 0
}
