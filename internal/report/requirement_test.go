package report

import (
	"encoding/json"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

// TestEmpty holds that lists without entries are lists in JSON, not null.
func TestEmpty(t *testing.T) {
	b, err := json.Marshal([]any{Notes(nil), CheckErrors(nil), NewRequirements(spec.Requirements{Kernel: spec.Oldest})})
	if want := `[[],[],{"kernel":"5.10","capabilities":[],"btf":false,"causes":[],"optional":[]}]`; err != nil || string(b) != want {
		t.Errorf("got %s, %v, want %s", b, err, want)
	}
}
