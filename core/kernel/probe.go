package kernel

import (
	"encoding/binary"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// TypeFeatures returns what this kernel accepts of BTF. It loads a small BTF object for each feature that is
// asked for, once; the result may have features that were asked for earlier. A kernel that refuses everything,
// for want of CAP_BPF for instance, accepts none.
func (k *Kernel) TypeFeatures(wanted btf.Feature) btf.Feature {
	k.mu.Lock()
	defer k.mu.Unlock()
	for f := btf.Feature(1); f&btf.AllFeatures != 0; f <<= 1 {
		if wanted&f == 0 || k.probed&f != 0 {
			continue
		}
		err := loadTypes(f.Probe(binary.NativeEndian))
		if Exhausted(err) {
			continue // it says nothing, so that it is tried again
		}
		k.probed |= f
		if err == nil {
			k.accepted |= f
		}
	}
	return k.accepted
}

// loadTypes asks the kernel to take the bytes of a BTF object.
func loadTypes(b []byte) error {
	fd, err := sys.LoadBTF(&sys.BTFLoad{BTF: sys.BytesPointer(b), Size: uint32(len(b))})
	if err == nil {
		fd.Close()
	}
	return err
}
