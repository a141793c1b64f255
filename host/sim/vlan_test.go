package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
)

// TestVLAN sends packets with and without a tag through tcx: a program sees the tag beside the packet, and what
// it leaves there is in the packet again at the end.
func TestVLAN(t *testing.T) {
	const keep, pop, push = "r0 = 0\nexit", "call bpf_skb_vlan_pop\nr0 = 0\nexit", "r2 = 0xa888\nr3 = 7\ncall bpf_skb_vlan_push\nr0 = 0\nexit"
	const look = "r0 = 2\nr2 = *(u32 *)(r1 + 0)\nif r2 != 60 goto out\nr2 = *(u32 *)(r1 + 20)\nif r2 != 1 goto out\nr2 = *(u32 *)(r1 + 24)\nif r2 != 0x2005 goto out\n" +
		"r2 = *(u32 *)(r1 + 28)\nif r2 != 0x81 goto out\nr2 = *(u32 *)(r1 + 16)\nif r2 != 8 goto out\nr0 = 0\nout:\nexit"
	plain := frame(60)
	tagged := slices.Insert(frame(60), 12, 0x81, 0, 0x20, 5)
	for _, tt := range []struct {
		name, first, second string
		packet              []byte
		want                string
	}{
		{"a tag stays", keep, keep, tagged, "passed 64 81002005 0800"},
		{"it is beside the packet", look, look, tagged, "passed 64 81002005 0800"},
		{"it is popped", pop, keep, tagged, "passed 60 08000e0f 1011"},
		{"one is pushed", push, keep, plain, "passed 64 88a80007 0800"},
		{"pushed and popped", push, pop, plain, "passed 60 08000e0f 1011"},
		{"two", push, keep, tagged, "passed 68 88a80007 8100"},
	} {
		var got string
		b := New(Options{Packets: &packets{{Data: tt.packet}}, Outcome: func(o Outcome) {
			got = fmt.Sprintf("%v %d %x %x", o.Verdict, len(o.Packet.Data), o.Packet.Data[12:16], o.Packet.Data[16:18])
		}})
		for i, text := range []string{tt.first, tt.second} {
			if i == 0 { // the next program is asked
				text = strings.Replace(text, "r0 = 0\n", "r0 = -1\n", 1)
			}
			p := programOf(t, fmt.Sprint("p", i), spec.ProgramSchedCls, text)
			p.AttachType = spec.AttachTypeTCXIngress
			attach(t, b, p, spec.Attach{Program: p.Name, Kind: spec.HookTCX, Target: "e"})
		}
		if err := steps(b); err != nil {
			t.Fatal(err)
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestClones sends copies of a packet.
func TestClones(t *testing.T) {
	var got []string
	b := New(Options{Packets: &packets{{Data: frame(60)}}, Outcome: func(o Outcome) {
		got = append(got, fmt.Sprintf("%v %d %s %s", o.Verdict, len(o.Packet.Data), o.Reason, o.To))
	}})
	p := programOf(t, "p", spec.ProgramSchedCls, "r6 = r1\nr2 = 2\nr3 = 0\ncall bpf_clone_redirect\nr1 = r6\nr2 = 0x81\nr3 = 5\ncall bpf_skb_vlan_push\nr1 = r6\nr2 = 9\nr3 = 1\ncall bpf_clone_redirect\nr0 = 2\nexit")
	p.AttachType = spec.AttachTypeTCXIngress
	attach(t, b, p, spec.Attach{Program: "p", Kind: spec.HookTCX, Target: "e"})
	if err := steps(b); err != nil {
		t.Fatal(err)
	}
	want := []string{"redirected 60 a copy of p e", "redirected 64 a copy of p if9", "dropped 64 TCX_DROP of p "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
