package vm_test

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestFibLookup looks destinations up, in a struct bpf_fib_lookup on the stack that the packet's metadata
// is made of, and compares what is filled in.
func TestFibLookup(t *testing.T) {
	routes := []vm.Route{
		{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Interface: 3, Gateway: netip.MustParseAddr("10.9.9.9"), SrcMAC: [6]byte{1, 1, 1, 1, 1, 1}, DstMAC: [6]byte{2, 2, 2, 2, 2, 2}},
		{Prefix: netip.MustParsePrefix("10.1.0.0/16"), Interface: 4, DstMAC: [6]byte{7}, MTU: 100},
		{Prefix: netip.MustParsePrefix("10.1.2.0/24"), Interface: 5},
		{Prefix: netip.MustParsePrefix("2001:db8::/32"), Interface: 6, DstMAC: [6]byte{8}},
	}
	for _, tt := range []struct {
		name   string
		family int
		dst    string
		length int
		flags  int
		want   string // result, interface, destination, MACs
	}{
		{"through a gateway", 2, "10.2.3.4", 60, 0, "0 if 3 via 10.9.9.9 01010101010102020202020200000000"},
		{"directly, the longest prefix", 2, "10.1.3.4", 60, 0, "0 if 4 via 10.1.3.4 00000000000007000000000000000000"},
		{"no neighbour", 2, "10.1.2.3", 60, 0, "7 if 5 via 10.1.2.3 00000000000000000000000000000000"},
		{"neighbour is not asked for", 2, "10.1.2.3", 60, 4, "0 if 5 via 10.1.2.3 00000000000000000000000000000000"},
		{"too long", 2, "10.1.3.4", 101, 0, "8 if 0 via 10.1.3.4 00000000000000000000000000000000"},
		{"no route", 2, "192.0.2.1", 60, 0, "4 if 0 via 192.0.2.1 00000000000000000000000000000000"},
		{"IPv6", 10, "2001:db8::1", 60, 0, "0 if 6 via 2001:db8::1 00000000000008000000000000000000"},
		{"family", 3, "10.1.2.3", 60, 0, "-97 if 0 via 10.1.2.3 00000000000000000000000000000000"},
		{"flags", 2, "10.1.2.3", 60, 64, "-22 if 0 via 10.1.2.3 00000000000000000000000000000000"},
	} {
		text := fmt.Sprintf("r2 = value[p] ll\nr3 = 64\nr4 = %d\ncall bpf_fib_lookup\nexit", tt.flags)
		c := collection(t, spec.ProgramXDP, text, &spec.Map{Name: "p", Type: spec.MapArray, KeySize: 4, ValueSize: 64, MaxEntries: 1})
		m, err := newMachine(c, vm.Options{Routes: routes})
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 64)
		p[0], p[6] = byte(tt.family), byte(tt.length)
		addr := netip.MustParseAddr(tt.dst)
		n := copy(p[32:], addr.AsSlice())
		if err := m.Map("p").Update(u32(0), p, vm.Any); err != nil {
			t.Fatal(err)
		}
		r := run(t, m, vm.Input{Packet: frame(1, 1)})
		p, _, _ = m.Map("p").Lookup(u32(0))
		via, _ := netip.AddrFromSlice(p[32 : 32+n])
		got := fmt.Sprintf("%d if %d via %v %s", int64(r.Return), p[8], via, hex.EncodeToString(p[48+4:][:12])+hex.EncodeToString(p[48:52]))
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
