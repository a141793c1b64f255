package link

import (
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

// TestFeatures says what an older kernel may lack: a request with a cookie asks for more.
func TestFeatures(t *testing.T) {
	links := feature{"raw_tracepoint links", spec.Version{}}
	for cookie, want := range map[bool][]feature{
		false: {links},
		true:  {links, {"cookies of raw_tracepoint links", spec.Version{Major: 6, Minor: 10}}},
	} {
		if got := (request{kind: spec.HookRawTracepoint, cookie: cookie}).features(); !slices.Equal(got, want) {
			t.Errorf("cookie %v: %v, want %v", cookie, got, want)
		}
	}
}
