package link

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
)

func TestRawTracepoint(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramRawTracepoint, AttachTo: "sys_enter"}, true, 0))
	fires(t, c, func(p *loader.Program) (Link, error) { return RawTracepoint(p, RawTracepointOptions{}) })
}

// TestRawTracepointCookie asks for a cookie, which kernels before 6.10 do not know.
func TestRawTracepointCookie(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramRawTracepoint, AttachTo: "sys_enter"}, true, 0))
	l, err := RawTracepoint(c.Program("count"), RawTracepointOptions{Cookie: 7})
	if !kernel.New(kernel.Options{}).Before(spec.HookRawTracepoint.CookieSince()) {
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		return
	}
	if !errors.Is(err, loader.ErrNotSupported) || !strings.Contains(err.Error(), "cookies of raw_tracepoint links need Linux 6.10") {
		t.Errorf("got %v", err)
	}
}

func TestRawTracepointErrors(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramRawTracepoint}, true, 0))
	_, err := Attach(c.Program("count"), spec.Attach{Kind: spec.HookRawTracepoint, Target: "raw_syscalls/sys_enter"})
	if err == nil || !strings.Contains(err.Error(), "have no category before it") || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err = RawTracepoint(c.Program("count"), RawTracepointOptions{}); err == nil {
		t.Error("attached to nothing")
	}
}
