package vm_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// outcome is what a program returned and left of its packet.
type outcome struct {
	ret    uint32
	packet []byte
}

func (o outcome) String() string {
	return fmt.Sprintf("%d (%#x), packet %x", int32(o.ret), o.ret, o.packet)
}

// onKernel runs the program of a collection by BPF_PROG_TEST_RUN.
func onKernel(t *testing.T, c *spec.Collection, packet []byte) outcome {
	t.Helper()
	loaded, err := loader.Load(c, loader.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, c)
	}
	defer loaded.Close()
	r, err := loaded.Program("main").TestRun(loader.TestRunOptions{Data: packet, DataOut: make([]byte, 4096)})
	if err != nil {
		t.Fatal(err)
	}
	return outcome{r.Ret, r.Data}
}

// onMachine runs it on the machine.
func onMachine(t *testing.T, c *spec.Collection, packet []byte, o vm.Options) outcome {
	t.Helper()
	m, err := vm.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, m, vm.Input{Packet: packet})
	return outcome{uint32(r.Return), bytes.Clone(r.Packet)}
}

// numbered returns the frame with its bytes from an offset on numbered.
func numbered(f []byte, from int) []byte {
	for i := range f[:12] {
		f[i] = byte(0xa0 + i)
	}
	for i := from; i < len(f); i++ {
		f[i] = byte(i)
	}
	return f
}

// frames are what the helpers of packets are tried on.
func frames() map[string][]byte {
	v4 := numbered(frame(17, 0x0a000002), 34)
	v6 := numbered(make([]byte, 74), 14)
	binary.BigEndian.PutUint16(v6[12:], 0x86dd)
	v6[14], v6[20] = 0x60, 17
	tag := func(f []byte, tags ...uint16) []byte {
		out := append([]byte{}, f[:12]...)
		for _, t := range tags {
			out = append(out, 0x81, 0x00, byte(t>>8), byte(t))
		}
		return append(out, f[12:]...)
	}
	arp := numbered(make([]byte, 60), 14)
	binary.BigEndian.PutUint16(arp[12:], 0x0806)
	length := numbered(make([]byte, 60), 14)
	binary.BigEndian.PutUint16(length[12:], 46)
	return map[string][]byte{"IPv4": v4, "IPv6": v6, "VLAN": tag(v4, 0x2005), "two VLANs": tag(v6, 7, 8), "ARP": arp, "802.3": tag(length, 9)}
}

// TestPacketHelpersAgree calls helpers that change a packet on the kernel and on the machine: they return the
// same, and leave the same packet and the same fields of the context.
func TestPacketHelpersAgree(t *testing.T) {
	testenv.NeedKernel(t, "6.12", "the flags of bpf_skb_adjust_room")
	c, err := loader.Load(collection(t, spec.ProgramSchedCls, "r0 = 0\nexit"), loader.Options{})
	kerneltest.Check(t, err)
	c.Close()
	// What a program knows afterwards is summed up in what it returns.
	const fields = "r0 &= 0xffff\nr0 <<= 8\n" +
		"r2 = *(u32 *)(r6 + 0)\nr0 += r2\nr0 *= 31\nr2 = *(u32 *)(r6 + 16)\nr0 += r2\nr0 *= 31\n" +
		"r2 = *(u32 *)(r6 + 20)\nr0 += r2\nr0 *= 31\nr2 = *(u32 *)(r6 + 24)\nr0 += r2\nr0 *= 31\nr2 = *(u32 *)(r6 + 28)\nr0 += r2\nexit"
	calls := map[string]string{}
	for proto, name := range map[int]string{0x0081: "802.1Q", 0xa888: "802.1ad", 0x1234: "another type"} {
		calls["vlan_push "+name] = fmt.Sprintf("r2 = %d\nr3 = 0x6123\ncall bpf_skb_vlan_push\n", proto)
	}
	calls["vlan_push twice"] = calls["vlan_push 802.1ad"] + "r1 = r6\nr2 = 0x81\nr3 = 5\ncall bpf_skb_vlan_push\n"
	calls["vlan_pop"] = "call bpf_skb_vlan_pop\n"
	calls["vlan_pop twice"] = "call bpf_skb_vlan_pop\nr1 = r6\ncall bpf_skb_vlan_pop\n"
	calls["vlan_push and pop"] = calls["vlan_push twice"] + "r1 = r6\ncall bpf_skb_vlan_pop\n"
	for _, proto := range []int{0x0008, 0xdd86, 0x0608} {
		for flags := range 2 {
			calls[fmt.Sprintf("change_proto %#x flags %d", proto, flags)] = fmt.Sprintf("r2 = %d\nr3 = %d\ncall bpf_skb_change_proto\n", proto, flags)
		}
	}
	for _, diff := range []int{0, 4, 20, -4, -8, -20, -60, 100, 300, 0x1000, -0x1000} {
		for mode := range 3 {
			for _, flags := range []uint64{0, 1, 2, 4, 6, 2 | 8, 4 | 16, 2 | 24, 8 | 16, 64, 14 << 56, 32, 2 | 64, 2 | 64 | 13<<56, 2 | 64 | 14<<56, 4 | 64 | 200<<56, 128, 256, 384, 512} {
				calls[fmt.Sprintf("adjust_room %d mode %d flags %#x", diff, mode, flags)] =
					fmt.Sprintf("r2 = %d\nr3 = %d\nr4 = %#x ll\ncall bpf_skb_adjust_room\n", diff, mode, flags)
			}
		}
	}
	for _, n := range []int{0, 14, 20, 300} {
		calls[fmt.Sprintf("change_head %d", n)] = fmt.Sprintf("r2 = %d\nr3 = 0\ncall bpf_skb_change_head\n", n)
		calls[fmt.Sprintf("change_tail %d", n+40)] = fmt.Sprintf("r2 = %d\nr3 = 0\ncall bpf_skb_change_tail\n", n+40)
	}
	calls["csum_update"] = "r2 = 5\ncall bpf_csum_update\n"
	for name, call := range calls {
		c := collection(t, spec.ProgramSchedCls, "r6 = r1\n"+call+fields)
		for of, packet := range frames() {
			kernel, here := onKernel(t, c, bytes.Clone(packet)), onMachine(t, c, packet, vm.Options{})
			if kernel.ret != here.ret || !bytes.Equal(kernel.packet, here.packet) {
				t.Errorf("%s of a frame of %s:\nkernel  %v\nmachine %v", name, of, kernel, here)
			}
		}
	}
}
