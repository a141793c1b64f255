package loader

import "github.com/bpfhost/bpfhost/core/spec"

// explainProgram finds what of a refused program the kernel is too old for. If the verifier stopped at an
// instruction, no other one counts: code that is never reached may be younger than the kernel.
func explainProgram(k *Kernel, p *spec.Program, refused *VerifierError, err error) error {
	declared := *p
	if refused != nil && refused.Insn >= 0 {
		declared.Insns = p.Insns.Part(refused.Insn, refused.Insn+1)
	}
	return k.TooOld(declared.Requirements(), err)
}
