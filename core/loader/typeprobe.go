package loader

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// typeFeatures finds what this kernel accepts of BTF, by loading a small blob for each feature that is asked for.
// What was learnt is kept.
func (k *Kernel) typeFeatures(wanted btf.Feature) btf.Feature {
	k.mu.Lock()
	defer k.mu.Unlock()
	for f := btf.Feature(1); f&btf.AllFeatures != 0; f <<= 1 {
		if wanted&f == 0 || k.probed&f != 0 {
			continue
		}
		k.probed |= f
		if loadsTypes(f.Probe(binary.NativeEndian)) {
			k.accepted |= f
		}
	}
	return k.accepted
}

// loadsTypes says whether the kernel accepts a blob.
func loadsTypes(b []byte) bool {
	fd, err := sys.LoadBTF(&sys.BTFLoad{BTF: sys.BytesPointer(b), Size: uint32(len(b))})
	if err != nil {
		return false
	}
	fd.Close()
	return true
}

// plainTypes writes types without what this kernel does not know. It is nil when the kernel knows all of it, so that
// the refusal has another reason.
func (l *load) plainTypes(raw []byte) (plain []byte, note spec.Note, err error) {
	t, err := btf.Parse(raw, btf.Options{})
	if err != nil {
		return nil, spec.Note{}, err
	}
	used := t.Features()
	lacks := used &^ l.kernel.typeFeatures(used)
	if lacks == 0 {
		return nil, spec.Note{}, nil
	}
	plain, replaced, err := t.Sanitise(btf.AllFeatures &^ lacks)
	return plain, spec.Note{
		Code: "L02",
		Text: fmt.Sprintf("the kernel lacks %v of BTF (Linux %s): %d types are written in a simpler way", lacks, lacks.Since(), len(replaced)),
	}, err
}
