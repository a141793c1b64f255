package kernel

import (
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// Probed returns the features of BTF that were tried.
func (k *Kernel) Probed() btf.Feature {
	k.answers.mu.Lock()
	defer k.answers.mu.Unlock()
	tried := btf.Feature(0)
	for f := range k.answers.of {
		if f.Kind == spec.FeatureBTF {
			tried |= btf.Feature(f.Number)
		}
	}
	return tried
}
