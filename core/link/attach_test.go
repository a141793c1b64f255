package link

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// TestAttachOtherNames: what has another name than the one that was judged is not attached to.
func TestAttachOtherNames(t *testing.T) {
	n, dir := newNet(t), newCgroup(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	xdp := load(t, xdpProgram(xdpPass)).Program("count")
	cgroup := load(t, counting(spec.Program{Type: spec.ProgramCgroupSock, AttachType: spec.AttachTypeCgroupInetSockCreate}, false, 1)).Program("count")
	for _, tt := range []struct {
		attach func() (Link, error)
		want   string
	}{
		{func() (Link, error) { return XDP(xdp, XDPOptions{Interface: n.Iface() + ":x", Netns: n.Path()}) }, `interface "veth0:x": this is another name of "veth0"; use that`},
		{func() (Link, error) {
			return Attach(xdp, spec.Attach{Kind: spec.HookXDP, Target: n.Iface() + ":x", Netns: n.Path()})
		}, `"veth0:x" is not the name of an interface`},
		{func() (Link, error) { return Attach(cgroup, spec.Attach{Kind: spec.HookCgroup, Target: link}) }, "this is another name of \"" + dir + "\"; use that"},
		{func() (Link, error) {
			return Attach(cgroup, spec.Attach{Kind: spec.HookCgroup, Target: "/proc/self/root" + dir})
		}, "this is another name of \"" + dir + "\"; use that"},
	} {
		l, err := tt.attach()
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
	l, err := Attach(cgroup, spec.Attach{Kind: spec.HookCgroup, Target: dir})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
