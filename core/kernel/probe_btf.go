package kernel

import (
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// TypeFeatures returns what of the wanted features this kernel accepts of BTF, see Has. A kernel that refuses
// everything, for want of CAP_BPF for instance, accepts none.
func (k *Kernel) TypeFeatures(wanted btf.Feature) btf.Feature {
	accepted := btf.Feature(0)
	for f := btf.Feature(1); f&btf.AllFeatures != 0; f <<= 1 {
		if wanted&f != 0 && k.Has(spec.BTFFeature(f)) == nil {
			accepted |= f
		}
	}
	return accepted
}

// loadTypes asks the kernel to take the bytes of a BTF object.
func loadTypes(b []byte) error {
	fd, err := sys.LoadBTF(&sys.BTFLoad{BTF: sys.BytesPointer(b), Size: uint32(len(b))})
	if err == nil {
		fd.Close()
	}
	return err
}
