package loader

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

func TestAttachTarget(t *testing.T) {
	k := NewKernel()
	defer k.Close()
	if _, err := k.Types(); err != nil {
		testenv.Skip(t, testenv.Kernel, "its types: "+err.Error())
	}
	l := newSession(k)
	missing := `kernel module "no_such": it is not loaded`
	if k.Before(spec.Version{Major: 5, Minor: 11}) {
		missing = "modules have no types before Linux 5.11"
	}
	for _, c := range []struct {
		p   spec.Program
		id  bool
		err string
	}{
		{spec.Program{Type: spec.ProgramXDP, AttachTo: "eth0"}, false, ""},
		{spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceRawTp, AttachTo: "sched_process_exec"}, true, ""},
		{spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceFentry, AttachTo: "do_sys_openat2"}, true, ""},
		{spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceRawTp, AttachTo: "no_such"}, false, `tracepoint "no_such"`},
		{spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceFexit, AttachTo: "no_such"}, false, `kernel function "no_such"`},
		{spec.Program{Type: spec.ProgramLSM, AttachType: spec.AttachTypeLSMMac, AttachTo: "no_such"}, false, `LSM hook "no_such"`},
		{spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceFentry, AttachTo: "vmlinux:do_sys_openat2"}, true, ""},
		{spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceFentry, AttachTo: "no_such:do_sys_openat2"}, false, missing},
		{spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceFentry, AttachTo: "../btf/vmlinux:do_sys_openat2"}, false, "that is not a module"},
		{spec.Program{Type: spec.ProgramTracing, AttachType: spec.AttachTypeTraceRawTp}, false, "does not say which tracepoint"},
		{spec.Program{Type: spec.ProgramExt, AttachTo: "f"}, false, "ext programs"},
	} {
		target, err := l.attachTarget(&c.p)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%v %q: %v, want %q", c.p.Type, c.p.AttachTo, err, c.err)
		}
		if err != nil && c.p.AttachTo != "" && !errors.Is(err, ErrNotSupported) {
			t.Errorf("%v %q: %v is not about support", c.p.Type, c.p.AttachTo, err)
		}
		if (target.ID != 0) != c.id || target.Module != "" {
			t.Errorf("%v %q: %+v", c.p.Type, c.p.AttachTo, target)
		}
	}
}
