package kernel_test

import (
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// TestTypeFeatures holds what this kernel accepts of BTF against since when kernels are said to accept it.
func TestTypeFeatures(t *testing.T) {
	needKernel(t)
	k := kernel.New(kernel.Options{})
	defer k.Close()
	accepted := k.TypeFeatures(btf.AllFeatures)
	for f := btf.Feature(1); f&btf.AllFeatures != 0; f <<= 1 {
		var since spec.Version
		if n, err := fmt.Sscanf(f.Since(), "%d.%d", &since.Major, &since.Minor); n != 2 {
			t.Fatalf("%v: since %q: %v", f, f.Since(), err)
		}
		if got, want := accepted&f != 0, !k.Before(since); got != want {
			t.Errorf("%v: accepted is %v on %v, and said to be there since %v", f, got, k.Running(), since)
		}
	}
	if again := k.TypeFeatures(btf.AllFeatures); again != accepted || k.Probed() != btf.AllFeatures {
		t.Errorf("%v, then %v", accepted, again)
	}
}

// TestTypeFeaturesWithoutDescriptors holds that a want of descriptors is not taken for an answer.
func TestTypeFeaturesWithoutDescriptors(t *testing.T) {
	needKernel(t)
	k := kernel.New(kernel.Options{})
	defer k.Close()
	sys.Inject(func() sys.Errno { return sys.EMFILE })
	none := k.TypeFeatures(btf.AllFeatures)
	sys.Inject(nil)
	if none != 0 || k.Probed() != 0 {
		t.Errorf("accepted %v, tried %v", none, k.Probed())
	}
	if k.TypeFeatures(btf.AllFeatures) == 0 {
		t.Error("nothing is accepted")
	}
}
