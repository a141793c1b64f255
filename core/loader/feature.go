package loader

import (
	"errors"

	"github.com/bpfhost/bpfhost/core/spec"
)

// tooOld returns a *FeatureError when the kernel is older than since, otherwise err.
func (k *Kernel) tooOld(feature string, since spec.Version, err error) error {
	if !k.before(since) {
		return err
	}
	return &FeatureError{Feature: feature, MinKernel: since.String(), Running: k.running().String(), Err: err}
}

// explainProgram finds what of a refused program the kernel is too old for. If the verifier stopped at an
// instruction, no other one counts: code that is never reached may be younger than the kernel.
func (k *Kernel) explainProgram(p *spec.Program, refused *VerifierError, err error) error {
	declared := *p
	if refused != nil && refused.Insn >= 0 {
		declared.Insns = p.Insns.Part(refused.Insn, refused.Insn+1)
	}
	for _, n := range declared.Needs() {
		if e := k.tooOld(n.What, n.Since, err); errors.Is(e, ErrNotSupported) {
			return e
		}
	}
	return err
}
