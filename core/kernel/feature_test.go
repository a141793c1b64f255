package kernel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TestLack asks kernels that are said to be old, or built without something, what they lack and why.
func TestLack(t *testing.T) {
	needKernel(t)
	old := kernel.New(kernel.Options{Version: 5<<16 | 10<<8, Config: map[string]string{}})
	defer old.Close()
	none := spec.MapType(4711).Feature()
	if err := old.Has(none); err == nil || err.Error() != "this kernel has no map type 4711 maps" || !errors.Is(err, kernel.ErrNotSupported) {
		t.Errorf("%v", err)
	}
	now := kernel.New(kernel.Options{Config: map[string]string{}})
	defer now.Close()
	var option *kernel.OptionError
	for _, f := range spec.Features(spec.FeatureProgramType, spec.FeatureMapType) {
		if err := now.Has(f); errors.As(err, &option) && !strings.Contains(err.Error(), option.Option) {
			t.Errorf("%v: %v", f, err)
		}
	}
}
