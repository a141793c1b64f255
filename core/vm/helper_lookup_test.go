package vm_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func addrs(from, to string) (b []byte) {
	f, t := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	b = append(append(b, f.Addr().AsSlice()...), t.Addr().AsSlice()...)
	return append(b, byte(f.Port()>>8), byte(f.Port()), byte(t.Port()>>8), byte(t.Port()))
}

// TestSocketLookup looks up the socket of a tuple and returns its mark and state.
func TestSocketLookup(t *testing.T) {
	port := netip.MustParseAddrPort
	sockets := []vm.Socket{
		{Protocol: 6, Local: port("0.0.0.0:80"), Mark: 1},
		{Protocol: 6, Local: port("10.0.0.1:80"), Mark: 2},
		{Protocol: 6, Local: port("10.0.0.1:80"), Remote: port("10.0.0.2:1234"), Mark: 3},
		{Protocol: 17, Local: port("10.0.0.1:53"), Mark: 4},
		{Protocol: 6, Local: port("[::]:80"), Mark: 5},
	}
	const listen, established, closed = 10, 1, 7
	for _, tt := range []struct {
		name, helper, from, to string
		mark, state            uint64
	}{
		{"any address", "sk_lookup_tcp", "10.0.0.2:1", "10.0.0.9:80", 1, listen},
		{"its address", "sk_lookup_tcp", "10.0.0.2:1", "10.0.0.1:80", 2, listen},
		{"its connection", "skc_lookup_tcp", "10.0.0.2:1234", "10.0.0.1:80", 3, established},
		{"another port", "sk_lookup_tcp", "10.0.0.2:1234", "10.0.0.1:81", 0, 0},
		{"another protocol", "sk_lookup_udp", "10.0.0.2:1234", "10.0.0.1:80", 0, 0},
		{"UDP", "sk_lookup_udp", "10.0.0.2:1234", "10.0.0.1:53", 4, closed},
		{"IPv6", "sk_lookup_tcp", "[2001:db8::1]:1234", "[2001:db8::2]:80", 5, listen},
	} {
		tuple := addrs(tt.from, tt.to)
		text := "r2 = value[m] ll\nr3 = " + map[int]string{12: "12", 36: "36"}[len(tuple)] + "\nr4 = -1\nr5 = 0\ncall bpf_" + tt.helper + "\nif r0 == 0 goto L1\nr6 = r0\n" +
			"r7 = *(u32 *)(r6 + 16)\nr1 = *(u32 *)(r6 + 72)\nr7 <<= 8\nr7 |= r1\nr1 = r6\ncall bpf_sk_release\nr0 = r7\nL1:\nexit"
		m, err := vm.New(collection(t, spec.ProgramSchedCls, text, &spec.Map{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: uint32(len(tuple)), MaxEntries: 1}),
			vm.Options{Sockets: sockets})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Map("m").Update(u32(0), tuple, vm.Any); err != nil {
			t.Fatal(err)
		}
		if r := run(t, m, vm.Input{Packet: frame(6, 1)}); r.Return != tt.mark<<8|tt.state {
			t.Errorf("%s: mark %d, state %d", tt.name, r.Return>>8, r.Return&0xff)
		}
	}
}

func TestSocketAssign(t *testing.T) {
	const lookup = "r6 = r1\nr7 = value[m] ll\nr2 = r7\nr3 = 12\nr4 = -1\nr5 = 0\ncall bpf_sk_lookup_tcp\nr8 = r0\n"
	const assign = "r1 = r6\nr2 = r8\nr3 = 0\ncall bpf_sk_assign\n"
	sockets := []vm.Socket{{Protocol: 6, Local: netip.MustParseAddrPort("10.0.0.1:80"), Mark: 7}}
	for _, tt := range []struct {
		name, text string
		ret        int64
		assigned   bool
	}{
		{"assigned", lookup + assign + "exit", 0, true},
		{"twice", lookup + assign + assign + "exit", 0, true},
		{"with flags", lookup + strings.Replace(assign, "r3 = 0", "r3 = 1", 1) + "exit", -22, false},
		{"not", lookup + "r0 = 5\nexit", 5, false},
		{"the state of TCP", lookup + "r1 = r8\ncall bpf_tcp_sock\nif r0 == 0 goto L1\nr0 = *(u32 *)(r0 + 0)\nL1:\nexit", 0, false},
		{"who listens", lookup + "r1 = r8\ncall bpf_get_listener_sock\nr0 = *(u32 *)(r0 + 16)\nexit", 7, false},
	} {
		m, err := vm.New(collection(t, spec.ProgramSchedCls, tt.text, &spec.Map{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 12, MaxEntries: 1}), vm.Options{Sockets: sockets})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if err := m.Map("m").Update(u32(0), addrs("10.0.0.2:1", "10.0.0.1:80"), vm.Any); err != nil {
			t.Fatal(err)
		}
		r := run(t, m, vm.Input{Packet: frame(6, 1)})
		if int64(r.Return) != tt.ret || (r.Socket != nil) != tt.assigned || tt.assigned && r.Socket.Mark != 7 {
			t.Errorf("%s: %d, socket %v", tt.name, int64(r.Return), r.Socket)
		}
	}
}

// TestSocketAssignNone lets a program of type sk_lookup choose no socket, and one that there is not.
func TestSocketAssignNone(t *testing.T) {
	for sk, want := range map[string]bool{"0": true, "8": false} {
		m := machine(t, spec.ProgramSkLookup, "r2 = "+sk+"\nr3 = 0\ncall bpf_sk_assign\nexit")
		if _, err := m.Run("main", vm.Input{Context: make([]byte, 72)}); (err == nil) != want {
			t.Errorf("%s: %v", sk, err)
		}
	}
}

func TestSockOpsFlags(t *testing.T) {
	m := machine(t, spec.ProgramSockOps, "r2 = 0x83\ncall bpf_sock_ops_cb_flags_set\nexit")
	ctx := make([]byte, 184)
	if r := run(t, m, vm.Input{Context: ctx}); int64(r.Return) != -22 {
		t.Errorf("not a full socket: %d", int64(r.Return))
	}
	ctx[72] = 1
	if r := run(t, m, vm.Input{Context: ctx}); r.Return != 0x80 || r.Context[84] != 3 {
		t.Errorf("returned %#x, flags %#x", r.Return, r.Context[84])
	}
}
