package kernel

import "github.com/bpfhost/bpfhost/core/spec"

// TooOld returns a *FeatureError, which wraps err, for the first of the needs that the running kernel
// is known to be too old for. If there is none, it returns err as it is.
func (k *Kernel) TooOld(needs []spec.Requirement, err error) error {
	for _, n := range needs {
		if k.Before(n.Since) {
			return &FeatureError{Feature: n.What, MinKernel: n.Since.String(), Running: k.Running().String(), Err: err}
		}
	}
	return err
}
