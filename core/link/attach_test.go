package link

import (
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
)

func TestAttachRefusesUnknownKinds(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramRawTracepoint}, true, 0))
	for _, kind := range []spec.HookKind{spec.HookNone, 99} {
		var e *Error
		if _, err := Attach(c.Program("count"), spec.Attach{Kind: kind}); !errors.As(err, &e) || !errors.Is(err, loader.ErrNotSupported) {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
}

// TestAttachers has a function for each family of the table, and nothing else.
func TestAttachers(t *testing.T) {
	for _, f := range spec.HookFamilies() {
		if attachers[f.Kind] == nil {
			t.Errorf("nothing attaches to %s", f.Name)
		}
	}
	if len(attachers) != len(spec.HookFamilies()) {
		t.Errorf("%d functions for %d families", len(attachers), len(spec.HookFamilies()))
	}
}
