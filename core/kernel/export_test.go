package kernel

import "github.com/bpfhost/bpfhost/core/btf"

// Probed returns the features of BTF that were tried.
func (k *Kernel) Probed() btf.Feature { return k.probed }
