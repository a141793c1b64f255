package spec

import (
	"testing"

	"github.com/bpfhost/bpfhost/abi"
)

// TestKindsABI holds the ABI's lists of the kernel's types against those of this package, in both
// directions: the same numbers under the same names, and none more.
func TestKindsABI(t *testing.T) {
	enums := map[string]abi.Enum{}
	for _, e := range abi.Enums() {
		enums[e.Name] = e
	}
	for _, tt := range []struct {
		enum string
		n    int // 0: TestHookFamiliesABI counts them
		name func(uint32) string
	}{
		{"attach_kind", 0, func(n uint32) string { return HookKind(n).String() }},
		{"prog_type", len(programTypeNames), func(n uint32) string { return ProgramType(n).String() }},
		{"map_type", len(mapTypeNames), func(n uint32) string { return MapType(n).String() }},
		{"attach_type", len(attachTypeNames), func(n uint32) string { return AttachType(n).String() }},
	} {
		values := enums[tt.enum].Values
		if len(values) == 0 || tt.n > 0 && len(values) != tt.n {
			t.Errorf("%s has %d values in the ABI and %d in core/spec", tt.enum, len(values), tt.n)
		}
		for i, v := range values {
			if tt.n > 0 && int(v.Num) != i {
				t.Errorf("%s: value %d of the ABI is %q", tt.enum, v.Num, v.Name)
			}
			if name := tt.name(uint32(v.Num)); name != v.Name {
				t.Errorf("%s %d is %q in the ABI and %q in core/spec", tt.enum, v.Num, v.Name, name)
			}
		}
	}
}
