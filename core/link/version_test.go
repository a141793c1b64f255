package link

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

func TestIsOlder(t *testing.T) {
	for _, c := range []struct {
		running, than spec.Version
		older         bool
	}{
		{spec.Version{Major: 5, Minor: 10}, spec.Version{Major: 6, Minor: 6}, true},
		{spec.Version{Major: 6, Minor: 6}, spec.Version{Major: 6, Minor: 6}, false},
		{spec.Version{Major: 7}, spec.Version{Major: 6, Minor: 10}, false},
		{spec.Version{}, spec.Version{Major: 6, Minor: 6}, false}, // unknown
		{spec.Version{Major: 5, Minor: 10}, spec.Version{}, false},
	} {
		if got := isOlder(c.running, c.than); got != c.older {
			t.Errorf("%s before %s: %v", c.running, c.than, got)
		}
	}
}
