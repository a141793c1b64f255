package link

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
)

func TestTracepoint(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramTracepoint, AttachTo: "raw_syscalls/sys_enter"}, true, 0))
	fires(t, c, func(p *loader.Program) (Link, error) { return Tracepoint(p, TracepointOptions{}) })
}

// TestTracepointHiddenSys attaches where tracefs is not mounted.
func TestTracepointHiddenSys(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramTracepoint, AttachTo: "raw_syscalls/sys_enter"}, true, 0))
	if kerneltest.Hide(t, "/sys") {
		fires(t, c, func(p *loader.Program) (Link, error) { return Tracepoint(p, TracepointOptions{}) })
	}
}

func TestTracepointErrors(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramTracepoint}, true, 0))
	for target, want := range map[string]string{
		"raw_syscalls/nosuch": "this kernel has no such tracepoint",
		"../../../etc":        "is not category/name of a tracepoint",
		"sys_enter":           "is not category/name of a tracepoint",
		"":                    "is not category/name of a tracepoint",
	} {
		_, err := Attach(c.Program("count"), spec.Attach{Kind: spec.HookTracepoint, Target: target})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", target, err, want)
		}
	}
}
