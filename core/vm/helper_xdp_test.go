package vm_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestAdjust moves the ends of a packet. -22 is EINVAL, -13 EACCES.
func TestAdjust(t *testing.T) {
	packet := []byte("abcdefghijklmnopqrst")
	zeros := func(n int) string { return string(make([]byte, n)) }
	for _, tt := range []struct {
		helper string
		delta  int
		ret    int64
		want   string
	}{
		{"head", 3, 0, "defghijklmnopqrst"}, {"head", -2, 0, zeros(2) + "abcdefghijklmnopqrst"}, {"head", 7, -22, "abcdefghijklmnopqrst"}, {"head", -256, -22, "abcdefghijklmnopqrst"},
		{"tail", -6, 0, "abcdefghijklmn"}, {"tail", -7, -22, "abcdefghijklmnopqrst"}, {"tail", 3, 0, "abcdefghijklmnopqrst" + zeros(3)}, {"tail", 1 << 20, -22, "abcdefghijklmnopqrst"},
		{"meta", -8, 0, "abcdefghijklmnopqrst"}, {"meta", -3, -13, "abcdefghijklmnopqrst"}, {"meta", 4, -22, "abcdefghijklmnopqrst"},
	} {
		m := machine(t, spec.ProgramXDP, fmt.Sprintf("r2 = %d\ncall bpf_xdp_adjust_%s\nexit", tt.delta, tt.helper))
		r := run(t, m, vm.Input{Packet: packet})
		if int64(r.Return) != tt.ret || string(r.Packet) != tt.want {
			t.Errorf("%s by %d: %d, %q", tt.helper, tt.delta, int64(r.Return), r.Packet)
		}
	}
}

// TestAdjustBack holds that the headroom keeps what a run has in it, as in the kernel, and no longer.
func TestAdjustBack(t *testing.T) {
	const text = "r6 = r1\nr2 = 3\ncall bpf_xdp_adjust_head\nr1 = r6\nr2 = -5\ncall bpf_xdp_adjust_head\n" +
		"r1 = *(u32 *)(r6 + 0)\nr2 = *(u32 *)(r6 + 4)\nr3 = r1\nr3 += 1\nif r3 > r2 goto L1\n*(u8 *)(r1 + 0) = 33\nL1: r0 = 2\nexit"
	m := machine(t, spec.ProgramXDP, text)
	for range 2 {
		if r := run(t, m, vm.Input{Packet: []byte("abcdefghijklmnopqrst")}); string(r.Packet) != "!\x00abcdefghijklmnopqrst" {
			t.Errorf("packet %q", r.Packet)
		}
	}
	const before = "r2 = -4\ncall bpf_xdp_adjust_head\nexit"
	c := collection(t, spec.ProgramXDP, text)
	second := collection(t, spec.ProgramXDP, before).Programs[0]
	second.Name = "second"
	c.Programs = append(c.Programs, second)
	m, err := vm.New(c, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"main", "second"} {
		r, err := m.Run(name, vm.Input{Packet: []byte("abcdefghijklmnopqrst")})
		if err != nil || name == "second" && string(r.Packet) != "\x00\x00\x00\x00abcdefghijklmnopqrst" {
			t.Errorf("%s: packet %q, %v", name, r.Packet, err)
		}
	}
}

// TestAdjustBounds holds that what belongs to the packet follows its ends exactly.
func TestAdjustBounds(t *testing.T) {
	for _, tt := range []struct {
		delta, off int
		field      string // of xdp_md: data, data_end
		fault      bool
	}{{3, 0, "0", false}, {3, -1, "0", true}, {-3, 0, "0", false}, {-3, -1, "0", true}, {3, -1, "4", false}, {3, 0, "4", true}} {
		text := fmt.Sprintf("r6 = r1\nr2 = %d\ncall bpf_xdp_adjust_head\nr2 = *(u32 *)(r6 + %s)\nr0 = *(u8 *)(r2 + %d)\nexit", tt.delta, tt.field, tt.off)
		_, err := machine(t, spec.ProgramXDP, text).Run("main", vm.Input{Packet: frame(1, 1)})
		var f *vm.Fault
		if errors.As(err, &f) != tt.fault || tt.fault && f.Kind != vm.FaultPacket {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestXDPBytes(t *testing.T) {
	const text = "r6 = r1\nr2 = 2\nr3 = r10\nr3 += -4\nr4 = 4\ncall bpf_xdp_load_bytes\nr1 = r6\nr2 = 6\nr3 = r10\nr3 += -4\nr4 = 4\ncall bpf_xdp_store_bytes\n" +
		"r7 = r0\nr1 = r6\nr2 = 17\nr3 = r10\nr3 += -4\nr4 = 4\ncall bpf_xdp_load_bytes\nr7 += r0\nr1 = r6\ncall bpf_xdp_get_buff_len\nr0 += r7\nexit"
	r := run(t, machine(t, spec.ProgramXDP, text), vm.Input{Packet: []byte("abcdefghijklmnopqrst")})
	if r.Return != 1<<64-2 || string(r.Packet) != "abcdefcdefklmnopqrst" { // 20 - 22
		t.Errorf("%d, %q", int64(r.Return), r.Packet)
	}
}

func TestRedirect(t *testing.T) {
	for typ, want := range map[spec.ProgramType]uint64{spec.ProgramXDP: 4, spec.ProgramSchedCls: 7} {
		m := machine(t, typ, "r1 = 5\nr2 = 0\ncall bpf_redirect\nexit")
		if r := run(t, m, vm.Input{Packet: frame(1, 1)}); r.Return != want || r.Redirect != 5 {
			t.Errorf("%v: %d to interface %d", typ, r.Return, r.Redirect)
		}
	}
}

// TestContext compares what describes the packet.
func TestContext(t *testing.T) {
	r := run(t, machine(t, spec.ProgramSchedCls, "r0 = *(u32 *)(r1 + 16)\nexit"), vm.Input{Packet: frame(1, 1)})
	if r.Return != 8 || len(r.Context) != 192 || !bytes.Equal(r.Context[:4], u32(60)) || !bytes.Equal(r.Context[40:44], u32(1)) {
		t.Errorf("protocol %#x, context %x", r.Return, r.Context)
	}
	for _, tt := range []struct {
		typ, next uint16
		want      uint64 // in network order
	}{{0x86dd, 0, 0xdd86}, {0x600, 0, 6}, {0x5ff, 0, 0x400}, {0x5ff, 0xffff, 0x100}, {0, 0xff00, 0x400}} {
		f := frame(1, 1)
		binary.BigEndian.PutUint16(f[12:], tt.typ)
		binary.BigEndian.PutUint16(f[14:], tt.next)
		if r := run(t, machine(t, spec.ProgramSchedCls, "r0 = *(u32 *)(r1 + 16)\nexit"), vm.Input{Packet: f}); r.Return != tt.want {
			t.Errorf("protocol of type %#x: %#x, want %#x", tt.typ, r.Return, tt.want)
		}
	}
	given := make([]byte, 192)
	given[8] = 9 // mark
	r = run(t, machine(t, spec.ProgramCgroupSkb, "r2 = *(u32 *)(r1 + 76)\nr0 = *(u8 *)(r2 + 0)\nr2 = *(u32 *)(r1 + 8)\nr2 <<= 8\nr0 |= r2\nexit"), vm.Input{Packet: frame(1, 1), Context: given})
	if r.Return != 0x945 || len(r.Packet) != 46 {
		t.Errorf("cgroup_skb: %#x, %d bytes", r.Return, len(r.Packet))
	}
}
