package link

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// bpffs makes a bpf file system that is mounted nowhere.
func bpffs(t *testing.T) string {
	t.Helper()
	fd, err := sys.Mount("bpf")
	kerneltest.Check(t, err)
	t.Cleanup(func() { fd.Close() })
	raw, err := fd.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	fd.Release()
	return fmt.Sprintf("/proc/self/fd/%d", raw)
}

// checkInfo compares what the kernel says about a link with the program and with the table of
// families.
func checkInfo(t *testing.T, l Link, p *loader.Program) {
	t.Helper()
	i, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	family := l.Kind().Family()
	if !slices.Contains(family.Links, i.Type) {
		t.Errorf("%s: a link of type %d, the table has %v", family.Name, i.Type, family.Links)
	}
	if err := l.Update(p); (err == nil) != family.Updatable {
		t.Errorf("%s: update: %v, the table says %v", family.Name, err, family.Updatable)
	}
	if i.ID == 0 || i.Program != want.ID {
		t.Errorf("info %+v, program %d", i, want.ID)
	}
	_, raw := l.(*rawTracepointLink) // of a program of type tp_btf in the family of tracing
	typed := !raw && slices.Contains([]spec.HookKind{spec.HookTCX, spec.HookCgroup, spec.HookTracing, spec.HookNetns}, l.Kind())
	if (i.AttachType == spec.AttachTypeNone) == typed || !typed && i.AttachType.String() != "none" {
		t.Errorf("%s: attach type %v", family.Name, i.AttachType)
	}
	if (l.Kind() == spec.HookXDP || l.Kind() == spec.HookTCX) && i.Interface == 0 {
		t.Errorf("no interface: %+v", i)
	}
}

// TestLinkPin closes a link while it is pinned: its program stays until the file is gone.
func TestLinkPin(t *testing.T) {
	n := newNet(t)
	c := load(t, xdpProgram(xdpPass))
	l, err := XDP(c.Program("count"), XDPOptions{Interface: n.Iface(), Netns: n.Path(), Flags: XDPGeneric})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	path := bpffs(t) + "/link"
	if err := l.Pin(path); err != nil {
		t.Fatal(err)
	}
	if err := l.Pin(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("pinned twice: %v", err)
	}
	if err := l.Pin(t.TempDir() + "/link"); !errors.Is(err, kernel.ErrNotMounted) || errors.Is(err, kernel.ErrPermission) {
		t.Errorf("pinned where there is no bpf file system: %v", err)
	}
	l.Close()
	send(t, n, 3)
	counts(t, c, 3)
	for range 2 {
		if err := l.Unpin(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
	o := XDPOptions{Interface: n.Iface(), Netns: n.Path(), Flags: XDPGeneric}
	again, err := XDP(c.Program("count"), o)
	for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); again, err = XDP(c.Program("count"), o) {
		time.Sleep(time.Millisecond) // the kernel detaches some time after the last reference is gone
	}
	if err != nil {
		t.Fatalf("the program is still attached: %v", err)
	}
	again.Close()
}

// TestUnpinOther leaves what somebody put in the place of a pin.
func TestUnpinOther(t *testing.T) {
	n := newNet(t)
	c := load(t, xdpProgram(xdpPass))
	l, err := XDP(c.Program("count"), XDPOptions{Interface: n.Iface(), Netns: n.Path(), Flags: XDPGeneric})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	path := bpffs(t) + "/link"
	if err := l.Pin(path); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := l.Unpin(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("what another made is gone: %v", err)
	}
}

// TestLinkDetach detaches a program while its link stays open.
func TestLinkDetach(t *testing.T) {
	n := newNet(t)
	c := load(t, xdpProgram(xdpPass))
	l, err := XDP(c.Program("count"), XDPOptions{Interface: n.Iface(), Netns: n.Path(), Flags: XDPGeneric})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Detach(); err != nil {
		t.Fatal(err)
	}
	send(t, n, 3)
	counts(t, c, 0)
	if i, err := l.Info(); err != nil || i.Interface != 0 {
		t.Errorf("info %+v, %v", i, err)
	}
	c = load(t, counting(spec.Program{Type: spec.ProgramRawTracepoint, AttachTo: "sys_enter"}, true, 0))
	if l, err = RawTracepoint(c.Program("count"), RawTracepointOptions{}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Detach(); !errors.Is(err, loader.ErrNotSupported) {
		t.Errorf("detach: %v", err)
	}
}

// TestLinkExplain says what the kernel's answer to an update means, and keeps it.
func TestLinkExplain(t *testing.T) {
	xdp, raw := &kernelLink{kind: spec.HookXDP}, &kernelLink{kind: spec.HookRawTracepoint}
	for _, tt := range []struct {
		l        *kernelLink
		err      sys.Errno
		sentinel error
		want     string
	}{
		{xdp, sys.EOPNOTSUPP, loader.ErrNotSupported, "not supported for xdp hooks: operation not supported (EOPNOTSUPP)"},
		{raw, sys.EINVAL, loader.ErrNotSupported, "not supported for raw_tracepoint hooks: invalid argument (EINVAL)"},
		{xdp, sys.EINVAL, nil, "invalid argument (EINVAL); the program must have the type and the attach type of the one before"},
		{xdp, sys.ENOLINK, nil, "link has been severed (ENOLINK); the program was detached, or what it was attached to is gone"},
		{xdp, sys.EPERM, loader.ErrPermission, "permission denied: " + kernel.Denied("CAP_BPF")},
		{xdp, sys.EBUSY, nil, "device or resource busy (EBUSY)"},
	} {
		err := tt.l.explain(tt.err)
		if err.Error() != tt.want || !errors.Is(err, tt.err) || tt.sentinel != nil && !errors.Is(err, tt.sentinel) ||
			errors.Is(err, loader.ErrNotSupported) != (tt.sentinel == loader.ErrNotSupported) {
			t.Errorf("%v: %v, want %s", tt.err, err, tt.want)
		}
	}
}

// TestUpdateRefused updates links by what they cannot take.
func TestUpdateRefused(t *testing.T) {
	n := newNet(t)
	c, other := load(t, xdpProgram(xdpPass)), load(t, counting(spec.Program{Type: spec.ProgramSchedCls}, false, 0))
	l, err := XDP(c.Program("count"), XDPOptions{Interface: n.Iface(), Netns: n.Path(), Flags: XDPGeneric})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Update(other.Program("count")); !errors.Is(err, sys.EINVAL) || !strings.Contains(err.Error(), "must have the type") {
		t.Errorf("another type: %v", err)
	}
	if err := l.Update(c.Program("nosuch")); err == nil || !strings.Contains(err.Error(), `no program "nosuch" was loaded`) {
		t.Errorf("no program: %v", err)
	}
	if err := l.Detach(); err != nil {
		t.Fatal(err)
	}
	if err := l.Update(c.Program("count")); !errors.Is(err, sys.ENOLINK) || !strings.Contains(err.Error(), "was detached") {
		t.Errorf("detached: %v", err)
	}
}

// TestUnlinked is what an attachment without a link refuses.
func TestUnlinked(t *testing.T) {
	e := &perfEvent{unlinked: unlinked{spec.HookKprobe, "function f", "perf events before Linux 5.15"}}
	_, info := e.Info()
	for want, err := range map[string]error{
		"update link to function f: not supported for kprobe hooks":                 e.Update(nil),
		"pin link to function f: not supported: perf events before Linux 5.15":      e.Pin("/x"),
		"unpin link to function f: not supported: perf events before Linux 5.15":    e.Unpin(),
		"describe link to function f: not supported: perf events before Linux 5.15": info,
	} {
		if !errors.Is(err, loader.ErrNotSupported) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
