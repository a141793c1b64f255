package link

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

// The kernel waits for all CPUs when an XDP program comes or goes, so these are milliseconds.

func BenchmarkXDP(b *testing.B) {
	n := newNet(b)
	c := load(b, xdpProgram(xdpPass))
	b.ReportAllocs()
	for b.Loop() {
		l, err := XDP(c.Program("count"), XDPOptions{Interface: n.Iface(), Netns: n.Path(), Flags: XDPGeneric})
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}

func BenchmarkUpdate(b *testing.B) {
	n := newNet(b)
	c, other := load(b, xdpProgram(xdpPass)), load(b, xdpProgram(xdpDrop))
	l, err := XDP(c.Program("count"), XDPOptions{Interface: n.Iface(), Netns: n.Path(), Flags: XDPGeneric})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Update(other.Program("count")); err != nil {
			b.Fatal(err)
		}
		c, other = other, c
	}
}

func BenchmarkCgroup(b *testing.B) {
	dir := newCgroup(b)
	c := load(b, counting(spec.Program{Type: spec.ProgramCgroupSock}, false, 1))
	b.ReportAllocs()
	for b.Loop() {
		l, err := Cgroup(c.Program("count"), CgroupOptions{Path: dir})
		if err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}
