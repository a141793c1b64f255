package link

import (
	"context"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

func TestTCX(t *testing.T) {
	testenv.NeedKernel(t, "6.6", "TCX links")
	n := newNet(t)
	for name, attach := range map[string]spec.AttachType{"named": spec.AttachTypeTCXIngress, "plain": 0} {
		t.Run(name, func(t *testing.T) {
			c := load(t, counting(spec.Program{Type: spec.ProgramSchedCls, AttachType: attach}, false, -1))
			first, err := TCX(c.Program("count"), TCXOptions{Interface: n.Iface(), Netns: n.Path()})
			if err != nil {
				t.Fatal(err)
			}
			defer first.Close()
			checkInfo(t, first, c.Program("count"))
			second := load(t, counting(spec.Program{Type: spec.ProgramSchedCls, AttachType: attach}, false, -1))
			l, err := TCX(second.Program("count"), TCXOptions{Interface: n.Iface(), Netns: n.Path(), Anchor: Head()})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			send(t, n, 4)
			counts(t, c, 4)
			counts(t, second, 4)
		})
	}
}

func TestTCXEgress(t *testing.T) {
	testenv.NeedKernel(t, "6.6", "TCX links")
	n := newNet(t)
	c := load(t, counting(spec.Program{Type: spec.ProgramSchedCls}, false, -1))
	l, err := TCX(c.Program("count"), TCXOptions{Interface: n.Iface(), Netns: n.Path(), Direction: Egress})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if i, err := l.Info(); err != nil || i.AttachType != spec.AttachTypeTCXEgress {
		t.Errorf("info %+v, %v", i, err)
	}
	sent, err := n.Traffic(context.Background(), testnet.Flow{ICMP: 4})
	if err != nil || sent.ICMP != 4 {
		t.Fatalf("sent %d, %v", sent.ICMP, err)
	}
	counts(t, c, 4) // the answers
}
