package link

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestAnchor has the flags of the kernel's interface.
func TestAnchor(t *testing.T) {
	l := &perfEvent{}
	for name, tt := range map[string]struct {
		a     Anchor
		flags uint32
	}{
		"zero": {Anchor{}, 0}, "head": {Head(), 8}, "tail": {Tail(), 16},
		"before": {BeforeLink(l), 8 | 1<<13}, "after": {AfterLink(l), 16 | 1<<13},
	} {
		if tt.a.flags != tt.flags {
			t.Errorf("%s: flags %#x, want %#x", name, tt.a.flags, tt.flags)
		}
	}
	err := BeforeLink(l).apply(func(sys.LinkCreateMprog) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "not a link of the kernel") {
		t.Errorf("got %v", err)
	}
}

// TestAnchorOrder attaches programs of which the second only lets pass what the first counts.
func TestAnchorOrder(t *testing.T) {
	testenv.NeedKernel(t, "6.6", "TCX links")
	const next, drop = -1, 2
	tests := map[string]struct {
		anchor func(l Link) Anchor
		first  bool // the new program runs first, and drops
	}{
		"head":        {func(Link) Anchor { return Head() }, true},
		"tail":        {func(Link) Anchor { return Tail() }, false},
		"zero":        {func(Link) Anchor { return Anchor{} }, false},
		"before link": {BeforeLink, true},
		"after link":  {AfterLink, false},
	}
	n := newNet(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := load(t, counting(spec.Program{Type: spec.ProgramSchedCls}, false, next))
			o := TCXOptions{Interface: n.Iface(), Netns: n.Path()}
			l, err := TCX(c.Program("count"), o)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			other := load(t, counting(spec.Program{Type: spec.ProgramSchedCls}, false, drop))
			o.Anchor = tt.anchor(l)
			second, err := TCX(other.Program("count"), o)
			if err != nil {
				t.Fatal(err)
			}
			defer second.Close()
			send(t, n, 4)
			counts(t, other, 4)
			if tt.first {
				counts(t, c, 0)
			} else {
				counts(t, c, 4)
			}
		})
	}
}

// TestAnchorRevision attaches beside a program only while the list is as it was.
func TestAnchorRevision(t *testing.T) {
	testenv.NeedKernel(t, "6.6", "TCX links")
	n := newNet(t)
	c := load(t, counting(spec.Program{Type: spec.ProgramSchedCls}, false, -1))
	o := TCXOptions{Interface: n.Iface(), Netns: n.Path()}
	l, err := TCX(c.Program("count"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other := load(t, counting(spec.Program{Type: spec.ProgramSchedCls}, false, -1))
	o.Anchor = AfterProgram(c.Program("count")).AtRevision(1)
	if _, err := TCX(other.Program("count"), o); !errors.Is(err, syscall.ESTALE) || !strings.HasSuffix(err.Error(), "has changed since that revision") {
		t.Fatalf("an old revision: %v", err)
	}
	o.Anchor = AfterProgram(c.Program("count")).AtRevision(2)
	second, err := TCX(other.Program("count"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	send(t, n, 4)
	counts(t, other, 4)
}
