package vm_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestCloneRedirect compares the copies, which have the packet as it was when they were made.
func TestCloneRedirect(t *testing.T) {
	const clone = "r1 = r6\nr2 = %d\nr3 = %d\ncall bpf_clone_redirect\n"
	const cut = "r1 = r6\nr2 = 14\nr3 = 0\ncall bpf_skb_change_tail\n"
	f := fmt.Sprintf
	for _, tt := range []struct {
		text string
		ret  int64
		want string
	}{
		{f(clone, 3, 0) + "exit", 0, "to 3: 60 bytes"},
		{f(clone, 3, 0) + cut + f(clone, 4, 1) + "exit", 0, "to 3: 60 bytes, into 4: 14 bytes"},
		{f(clone, 3, 2) + "exit", -22, ""},
		{f(clone, 0, 0) + "exit", -22, ""},
		{"r7 = 65\nL1:\n" + f(clone, 3, 0) + "r7 += -1\nif r7 != 0 goto L1\nexit", -12, ""},
	} {
		m := machine(t, spec.ProgramSchedCls, "r6 = r1\n"+tt.text)
		for range 2 {
			packet := numbered(frame(17, 1), 14)
			r := run(t, m, vm.Input{Packet: packet})
			got := ""
			for i, c := range r.Clones {
				if !bytes.Equal(c.Packet, packet[:len(c.Packet)]) {
					t.Errorf("copy %d is %x", i, c.Packet)
				}
				got += fmt.Sprintf(", %s %d: %d bytes", map[bool]string{true: "into", false: "to"}[c.Ingress], c.Interface, len(c.Packet))
			}
			if int64(r.Return) != tt.ret || got != "" && tt.ret == 0 && got[2:] != tt.want {
				t.Errorf("%d %s, want %d %s", int64(r.Return), got, tt.ret, tt.want)
			}
		}
	}
}

// mtuCases are arguments of bpf_check_mtu on a packet of 60 bytes and an interface of 1500: the result, and the
// MTU that is stored.
var mtuCases = []struct {
	given, diff, flags int
	ret                int32
	mtu                uint32
}{
	{0, 0, 0, 0, 1500}, {0, 1454, 0, 0, 1500}, {0, 1455, 0, 1, 1500}, {0, -100, 0, 0, 1500},
	{1500, 0, 0, 0, 1500}, {1501, 0, 0, 1, 1500}, {1501, -1, 0, 0, 1500}, {0, 0, 2, -22, 0}, {7, 0, 2, -22, 7},
}

func mtuProgram(given, diff, flags int) string {
	return fmt.Sprintf("*(u32 *)(r10 - 4) = %d\nr6 = r1\nr2 = 0\nr3 = r10\nr3 += -4\nr4 = %d\nr5 = %d\ncall bpf_check_mtu\n", given, diff, flags) +
		"r1 = *(u32 *)(r10 - 4)\nr1 <<= 8\nr0 &= 0xff\nr0 |= r1\nexit"
}

func TestCheckMTU(t *testing.T) {
	for _, typ := range []spec.ProgramType{spec.ProgramSchedCls, spec.ProgramXDP} {
		for _, tt := range mtuCases {
			m := machine(t, typ, mtuProgram(tt.given, tt.diff, tt.flags))
			r := run(t, m, vm.Input{Packet: frame(17, 1)})
			if int8(r.Return) != int8(tt.ret) || uint32(r.Return)>>8 != tt.mtu {
				t.Errorf("%v %+v: %d, MTU %d", typ, tt, int8(r.Return), uint32(r.Return)>>8)
			}
		}
	}
	m, err := vm.New(collection(t, spec.ProgramXDP, mtuProgram(0, 37, 0)), vm.Options{Routes: []vm.Route{
		{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Interface: 2}, {Prefix: netip.MustParsePrefix("10.0.0.0/8"), Interface: 1, MTU: 82},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r := run(t, m, vm.Input{Packet: frame(17, 1)}); r.Return != 82<<8|1 {
		t.Errorf("with a route: %#x", r.Return)
	}
}

// TestCheckMTUAgrees holds that these are what a kernel returns: the loopback interface, on which packets of test
// runs are, has an MTU of its own.
func TestCheckMTUAgrees(t *testing.T) {
	testenv.NeedKernel(t, "5.12", "bpf_check_mtu")
	c, err := loader.Load(collection(t, spec.ProgramSchedCls, "r0 = 0\nexit"), loader.Options{})
	kerneltest.Check(t, err)
	c.Close()
	const lo = 65536
	for _, typ := range []spec.ProgramType{spec.ProgramSchedCls, spec.ProgramXDP} {
		for _, tt := range mtuCases {
			if tt.given >= 1500 {
				tt.given += lo - 1500
			}
			if tt.diff > 0 {
				tt.diff += lo - 1500
			}
			c := collection(t, typ, mtuProgram(tt.given, tt.diff, tt.flags))
			kernel := onKernel(t, c, frame(17, 1))
			here := onMachine(t, c, frame(17, 1), vm.Options{Routes: []vm.Route{{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Interface: 1, MTU: lo}}})
			if kernel.ret != here.ret {
				t.Errorf("%v %+v: the kernel says %#x, the machine %#x", typ, tt, kernel.ret, here.ret)
			}
		}
	}
}
