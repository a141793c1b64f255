package link

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

const xdpPass, xdpDrop = 2, 1

func xdpProgram(ret int32) *spec.Collection {
	return counting(spec.Program{Type: spec.ProgramXDP, AttachType: spec.AttachTypeXDP}, false, ret)
}

// send sends n packets to the near side.
func send(t *testing.T, n *testnet.Net, packets int) {
	t.Helper()
	sent, err := n.Traffic(context.Background(), testnet.Flow{UDP: packets})
	if err != nil || sent.UDP != packets {
		t.Fatalf("sent %d of %d, %v", sent.UDP, packets, err)
	}
}

func TestXDP(t *testing.T) {
	n := newNet(t)
	for name, flags := range map[string]XDPFlags{"generic": XDPGeneric, "driver": XDPDriver} {
		t.Run(name, func(t *testing.T) {
			c := load(t, xdpProgram(xdpPass))
			l, err := XDP(c.Program("count"), XDPOptions{Interface: n.Iface(), Netns: n.Path(), Flags: flags})
			if err != nil {
				t.Fatal(err)
			}
			send(t, n, 10)
			counts(t, c, 10)
			checkInfo(t, l, c.Program("count"))
			other := load(t, xdpProgram(xdpDrop))
			if err := l.Update(other.Program("count")); err != nil {
				t.Fatal(err)
			}
			send(t, n, 5)
			counts(t, other, 5)
			counts(t, c, 10)
			for range 2 {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
			send(t, n, 5)
			counts(t, other, 5)
		})
	}
}

func TestXDPOutlivesProgram(t *testing.T) {
	n := newNet(t)
	c := load(t, xdpProgram(xdpPass))
	l, err := XDP(c.Program("count"), XDPOptions{Interface: n.Iface(), Netns: n.Path(), Flags: XDPGeneric})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c.Program("count").Close()
	send(t, n, 3)
	counts(t, c, 3)
}

func TestXDPErrors(t *testing.T) {
	n := newNet(t)
	c := load(t, xdpProgram(xdpPass))
	p := c.Program("count")
	l, err := XDP(p, XDPOptions{Interface: n.Iface(), Netns: n.Path(), Flags: XDPGeneric})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, x := range []struct {
		name string
		o    XDPOptions
		want string
	}{
		{"busy", XDPOptions{Interface: n.Iface(), Netns: n.Path(), Flags: XDPGeneric}, "another XDP program is attached there"},
		{"no interface", XDPOptions{Interface: "nosuch0", Netns: n.Path()}, "no such interface"},
		{"no namespace", XDPOptions{Interface: "veth0", Netns: "/proc/self/ns/nosuch"}, "nosuch"},
		{"nothing", XDPOptions{}, "no interface was given"},
		{"long name", XDPOptions{Interface: strings.Repeat("x", 40)}, "invalid"},
	} {
		_, err := XDP(p, x.o)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.name, err, x.want)
			continue
		}
		if e.Program != "count" || e.Kind != spec.HookXDP {
			t.Errorf("%s: %+v", x.name, e)
		}
	}
	if _, err := TCX(p, TCXOptions{Interface: n.Iface(), Netns: n.Path()}); err == nil {
		t.Error("an XDP program was attached to traffic control")
	}
}
