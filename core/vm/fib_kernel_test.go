package vm_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/testnet"
)

// TestFibLookupAgrees looks destinations up in the routes of a network of two namespaces, and in the same routes
// on the machine: the whole struct bpf_fib_lookup is the same afterwards.
func TestFibLookupAgrees(t *testing.T) {
	testenv.NeedKernel(t, "5.12", "the MTU in bpf_fib_lookup")
	n, err := testnet.New()
	kerneltest.Check(t, err)
	t.Cleanup(func() { n.Close() })
	err = n.Do(func() error { // all of it is within the namespace
		return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	fib := func(flags int) *spec.Collection {
		text := fmt.Sprintf("r2 = value[p] ll\nr3 = 64\nr4 = %d\ncall bpf_fib_lookup\nexit", flags)
		return collection(t, spec.ProgramXDP, text, &spec.Map{Name: "p", Type: spec.MapArray, KeySize: 4, ValueSize: 64, MaxEntries: 1})
	}
	params := func(family byte, to netip.Addr, length, ifindex int) []byte {
		p := make([]byte, 64)
		p[0] = family
		binary.LittleEndian.PutUint16(p[6:], uint16(length))
		binary.LittleEndian.PutUint32(p[8:], uint32(ifindex))
		copy(p[28:], testnet.PeerAddrs()[0].AsSlice())
		copy(p[32:], to.AsSlice())
		for i := 48; i < 64; i++ {
			p[i] = 0xee // what is not written stays
		}
		return p
	}
	peers := testnet.PeerAddrs()
	other := netip.MustParseAddr("10.99.0.77")
	const skipNeigh = 4
	var route vm.Route
	for i, tt := range []struct {
		name   string
		family byte
		to     netip.Addr
		length int
		flags  int
	}{
		{"known", 2, peers[0], 60, 0}, // the first is what the others go by
		{"without a length", 2, peers[1], 0, 0},
		{"as long as it may be", 2, peers[0], 1500, 0},
		{"too long", 2, peers[0], 1501, 0},
		{"no neighbour", 2, other, 60, 0},
		{"no neighbour wanted", 2, other, 60, skipNeigh},
		{"no route", 2, netip.MustParseAddr("192.0.2.1"), 60, 0},
		{"no family", 77, peers[0], 60, 0},
		{"unknown flags", 2, peers[0], 60, 1 << 10},
	} {
		c := fib(tt.flags)
		var ret uint32
		var index int
		kernel := make([]byte, 64)
		err := n.Do(func() (err error) {
			veth, err := net.InterfaceByName(n.Iface())
			if err != nil {
				return err
			}
			index = veth.Index
			ret, err = fibOnKernel(c, params(tt.family, tt.to, tt.length, index), kernel)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			route = vm.Route{Prefix: netip.PrefixFrom(testnet.Local(), 24).Masked(), Interface: index}
			copy(route.DstMAC[:], kernel[58:])
			copy(route.SrcMAC[:], kernel[52:])
		}
		unknown := route
		unknown.Prefix, unknown.DstMAC = netip.PrefixFrom(other, 32), [6]byte{}
		m, err := vm.New(c, vm.Options{Routes: []vm.Route{route, unknown}})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Map("p").Update(u32(0), params(tt.family, tt.to, tt.length, index), vm.Any); err != nil {
			t.Fatal(err)
		}
		r := run(t, m, vm.Input{Packet: frame(17, 1)})
		here, _, _ := m.Map("p").Lookup(u32(0))
		if uint32(r.Return) != ret || !bytes.Equal(here, kernel) {
			t.Errorf("%s:\nkernel  %d %x\nmachine %d %x", tt.name, int32(ret), kernel, int32(r.Return), here)
		}
	}
}

// fibOnKernel runs a program on a struct bpf_fib_lookup in the map p.
func fibOnKernel(c *spec.Collection, in, out []byte) (ret uint32, err error) {
	loaded, err := loader.Load(c, loader.Options{})
	if err != nil {
		return 0, err
	}
	defer loaded.Close()
	if err := loaded.Map("p").Update(u32(0), in, 0); err != nil {
		return 0, err
	}
	r, err := loaded.Program("main").TestRun(loader.TestRunOptions{Data: frame(17, 1)})
	if err != nil {
		return 0, err
	}
	return r.Ret, loaded.Map("p").Lookup(u32(0), out)
}
