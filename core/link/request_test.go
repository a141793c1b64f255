package link

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// TestExplain says since when there is what a kernel of version 5.10 refuses, and nothing of the
// kind where the kernel is new enough or the answer is about something else.
func TestExplain(t *testing.T) {
	const v510, v612 = 5<<16 | 10<<8, 6<<16 | 12<<8
	cookie := request{kind: spec.HookRawTracepoint, target: "tracepoint x", cookie: true}
	plain := request{kind: spec.HookRawTracepoint, target: "tracepoint x"}
	for name, tt := range map[string]struct {
		r         request
		version   uint32
		err       error
		since     string // "" is no *kernel.FeatureError
		supported bool
	}{
		"cookie":         {cookie, v510, sys.EINVAL, "6.10", false},
		"cookie known":   {cookie, v612, sys.EINVAL, "", true},
		"no cookie":      {plain, v510, sys.EINVAL, "", true},
		"another answer": {cookie, v510, sys.ENOENT, "", true},
		"family":         {request{kind: spec.HookTCX}, v510, sys.EINVAL, "6.6", false},
		"unsupported":    {plain, v612, sys.EOPNOTSUPP, "", false},
	} {
		e := tt.r.explainOn(kernel.New(kernel.Options{Version: tt.version}), "p", tt.err)
		var old *kernel.FeatureError
		if errors.As(e, &old) != (tt.since != "") || old != nil && old.MinKernel != tt.since {
			t.Errorf("%s: %v, want since %q", name, e, tt.since)
		}
		if errors.Is(e, kernel.ErrNotSupported) == tt.supported {
			t.Errorf("%s: %v, supported %v", name, e, tt.supported)
		}
		if !errors.Is(e, tt.err) {
			t.Errorf("%s: %v does not wrap %v", name, e, tt.err)
		}
	}
}

// TestRequestCapabilities names what attaching takes as the plan does: what the type of the program
// takes, and another network namespace.
func TestRequestCapabilities(t *testing.T) {
	xdp := load(t, counting(spec.Program{Type: spec.ProgramXDP}, false, 2)).Program("count")
	raw := load(t, counting(spec.Program{Type: spec.ProgramRawTracepoint, AttachTo: "sys_enter"}, true, 0)).Program("count")
	for _, tt := range []struct {
		r    request
		want string
	}{
		{request{program: xdp, kind: spec.HookXDP}, "CAP_BPF CAP_NET_ADMIN"},
		{request{program: xdp, kind: spec.HookXDP, netns: "/proc/1/ns/net"}, "CAP_BPF CAP_NET_ADMIN CAP_SYS_ADMIN"},
		{request{program: raw, kind: spec.HookRawTracepoint}, "CAP_BPF CAP_PERFMON"},
		{request{kind: spec.HookStructOps}, "CAP_BPF CAP_PERFMON"},
	} {
		if got := strings.Join(tt.r.capabilities(), " "); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.r.kind, got, tt.want)
		}
	}
}

// TestMissingProgram attaches what was not loaded.
func TestMissingProgram(t *testing.T) {
	c := load(t, counting(spec.Program{Type: spec.ProgramXDP}, false, 2))
	if _, err := XDP(c.Program("cuont"), XDPOptions{Interface: "lo"}); err == nil || !strings.HasSuffix(err.Error(), `no program "cuont" was loaded, did you mean "count"?`) {
		t.Error(err)
	}
}
