package loader

import "github.com/bpfhost/bpfhost/core/spec"

// missing returns a *FeatureError for the first of the needs that the kernel is too old for, otherwise err.
func (k *Kernel) missing(needs []spec.Need, err error) error {
	for _, n := range needs {
		if k.before(n.Since) {
			return &FeatureError{Feature: n.What, MinKernel: n.Since.String(), Running: k.running().String(), Err: err}
		}
	}
	return err
}

// explainProgram finds what of a refused program the kernel is too old for. If the verifier stopped at an
// instruction, no other one counts: code that is never reached may be younger than the kernel.
func (k *Kernel) explainProgram(p *spec.Program, refused *VerifierError, err error) error {
	declared := *p
	if refused != nil && refused.Insn >= 0 {
		declared.Insns = p.Insns.Part(refused.Insn, refused.Insn+1)
	}
	return k.missing(declared.Needs(), err)
}
