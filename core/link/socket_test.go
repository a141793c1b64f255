package link

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

// socketFilter counts packets and returns how many bytes a socket is to keep.
func socketFilter(keep int32) *spec.Collection {
	return counting(spec.Program{Type: spec.ProgramSocketFilter}, false, keep)
}

// ping sends 4 packets, which are answered.
func ping(t *testing.T, n *testnet.Net) {
	t.Helper()
	sent, err := n.Traffic(context.Background(), testnet.Flow{ICMP: 4})
	if err != nil || sent.ICMP != 4 {
		t.Fatalf("sent %d, %v", sent.ICMP, err)
	}
}

// TestSocket attaches filters that keep packets and that do not: both see the packets of both directions.
func TestSocket(t *testing.T) {
	n := newNet(t)
	c, other := load(t, socketFilter(0)), load(t, socketFilter(-1))
	first, err := Socket(c.Program("count"), SocketOptions{Interface: n.Iface(), Netns: n.Path()})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	l, err := Attach(other.Program("count"), spec.Attach{Kind: spec.HookSocket, Target: n.Iface(), Netns: n.Path()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if want := "packet socket on interface " + n.Iface() + " in " + n.Path(); l.Target() != want || l.Kind() != spec.HookSocket {
		t.Errorf("%v: %s, want %s", l.Kind(), l.Target(), want)
	}
	ping(t, n)
	counts(t, c, 8)
	counts(t, other, 8)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	ping(t, n)
	counts(t, c, 16)
	counts(t, other, 8)
}

// TestSocketUpdate exchanges the program.
func TestSocketUpdate(t *testing.T) {
	n := newNet(t)
	c, next := load(t, socketFilter(0)), load(t, socketFilter(0))
	l, err := Socket(c.Program("count"), SocketOptions{Interface: n.Iface(), Netns: n.Path()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Update(next.Program("count")); err != nil {
		t.Fatal(err)
	}
	ping(t, n)
	counts(t, next, 8)
	counts(t, c, 0)
	xdp := load(t, xdpProgram(xdpPass))
	if err := l.Update(xdp.Program("count")); !errors.Is(err, sys.EINVAL) || !strings.Contains(err.Error(), "must be a socket filter") {
		t.Errorf("another type: %v", err)
	}
	if err := l.Detach(); err != nil {
		t.Fatal(err)
	}
	if err := l.Update(c.Program("count")); !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), "was detached") {
		t.Errorf("detached: %v", err)
	}
	if _, err := l.Info(); !errors.Is(err, loader.ErrNotSupported) {
		t.Errorf("info: %v", err)
	}
}

// TestSocketRefused says what is wrong with a target.
func TestSocketRefused(t *testing.T) {
	n := newNet(t)
	c, xdp := load(t, socketFilter(0)), load(t, xdpProgram(xdpPass))
	for _, tt := range []struct {
		p    *loader.Program
		o    SocketOptions
		want string
	}{
		{c.Program("count"), SocketOptions{Interface: "nosuch", Netns: n.Path()}, "no such interface in that network namespace"},
		{c.Program("count"), SocketOptions{}, "no interface was given"},
		{c.Program("count"), SocketOptions{Interface: "lo", Netns: "/nosuch"}, "open network namespace /nosuch"},
		{xdp.Program("count"), SocketOptions{Interface: n.Iface(), Netns: n.Path()}, "a program of type xdp cannot be attached there"},
	} {
		l, err := Socket(tt.p, tt.o)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %s", tt.o, err, tt.want)
		}
	}
}
