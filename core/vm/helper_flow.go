package vm

import "github.com/bpfhost/bpfhost/core/asm"

var flowHelpers = []helper{{asm.HelperLoop, loop}}

// maxLoop is how many rounds bpf_loop takes (BPF_MAX_LOOPS).
const maxLoop = 8 << 20

// loop calls a function with 0, 1, 2 … until it returns 1.
func loop(m *Machine, rounds, f, ctx, flags, _ uint64) uint64 {
	pc, ok := m.callee(f)
	rounds = uint64(uint32(rounds))
	switch {
	case !ok:
		return 0
	case flags != 0:
		return errno(eINVAL)
	case rounds > maxLoop:
		return errno(eBIG)
	}
	for i := range rounds {
		if r := m.call(pc, i, ctx, 0, 0); r != 0 || m.fault != nil {
			return i + 1
		}
	}
	return rounds
}
