package vm

import "github.com/bpfhost/bpfhost/core/asm"

var perCPUHelpers = []helper{
	{asm.HelperPerCPUPtr, perCPUPtr},
	{asm.HelperThisCPUPtr, thisCPUPtr},
}

// perCPUPtr returns what a CPU has of an object. The objects of an input are there once for all CPUs.
func perCPUPtr(m *Machine, p, cpu, _, _, _ uint64) uint64 {
	if uint64(uint32(cpu)) >= uint64(m.options.CPUs) {
		return 0
	}
	return p
}

func thisCPUPtr(_ *Machine, p, _, _, _, _ uint64) uint64 { return p }
