package link

import (
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
)

func TestKprobeTarget(t *testing.T) {
	for s, want := range map[string]KprobeOptions{
		"do_unlinkat":      {Function: "do_unlinkat"},
		"do_unlinkat+16":   {Function: "do_unlinkat", Offset: 16},
		"do_unlinkat+0x10": {Function: "do_unlinkat", Offset: 16},
	} {
		if got, err := kprobeTarget(s); err != nil || got != want {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	if _, err := kprobeTarget("f+x"); err == nil {
		t.Error("a bad offset was accepted")
	}
}

func TestAttachRefusesUnknownKinds(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramRawTracepoint}, true, 0))
	for _, kind := range []spec.AttachKind{spec.AttachNone, 99} {
		var e *Error
		if _, err := Attach(c.Program("count"), spec.Attach{Kind: kind}); !errors.As(err, &e) || !errors.Is(err, loader.ErrNotSupported) {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
}
