package vm_test

import (
	"encoding/binary"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	s := uint32(0)
	for ; len(b) > 1; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

// TestChecksums changes the source address of a packet in each way, and holds the checksum of the
// IPv4 header against one that is computed anew.
func TestChecksums(t *testing.T) {
	const change = "r6 = r1\n*(u32 *)(r10 - 8) = 0x0100000a\n*(u32 *)(r10 - 4) = 0x0900a8c0\nr2 = 26\nr3 = r10\nr3 += -4\nr4 = 4\nr5 = 0\ncall bpf_skb_store_bytes\n"
	for name, text := range map[string]string{
		"l3, 4 bytes": "r1 = r6\nr2 = 24\nr3 = *(u32 *)(r10 - 8)\nr4 = *(u32 *)(r10 - 4)\nr5 = 4\ncall bpf_l3_csum_replace\nexit",
		"l3, 2 bytes": "r1 = r6\nr2 = 24\nr3 = *(u16 *)(r10 - 8)\nr4 = *(u16 *)(r10 - 4)\nr5 = 2\ncall bpf_l3_csum_replace\n" +
			"r1 = r6\nr2 = 24\nr3 = *(u16 *)(r10 - 6)\nr4 = *(u16 *)(r10 - 2)\nr5 = 2\ncall bpf_l3_csum_replace\nexit",
		"l4": "r1 = r6\nr2 = 24\nr3 = *(u32 *)(r10 - 8)\nr4 = *(u32 *)(r10 - 4)\nr5 = 0x14\ncall bpf_l4_csum_replace\nexit",
		"difference": "r1 = r10\nr1 += -8\nr2 = 4\nr3 = r10\nr3 += -4\nr4 = 4\nr5 = 0\ncall bpf_csum_diff\n" +
			"r1 = r6\nr2 = 24\nr3 = 0\nr4 = r0\nr5 = 0\ncall bpf_l3_csum_replace\nexit",
	} {
		t.Run(name, func(t *testing.T) {
			packet := frame(6, 0x0a000001)
			binary.BigEndian.PutUint16(packet[24:], checksum(packet[14:34]))
			r := run(t, machine(t, spec.ProgramSchedCls, change+text), vm.Input{Packet: packet})
			if r.Return != 0 || checksum(r.Packet[14:34]) != 0 || binary.BigEndian.Uint32(r.Packet[26:]) != 0xc0a80009 {
				t.Errorf("%d, header %x sums to %#x", int64(r.Return), r.Packet[14:34], checksum(r.Packet[14:34]))
			}
		})
	}
}

func TestChecksumRefuses(t *testing.T) {
	for text, want := range map[string]int64{
		"r2 = 25\nr3 = 1\nr4 = 2\nr5 = 2\ncall bpf_l3_csum_replace\nexit":              -14,
		"r2 = 60\nr3 = 1\nr4 = 2\nr5 = 2\ncall bpf_l3_csum_replace\nexit":              -14,
		"r2 = 24\nr3 = 1\nr4 = 2\nr5 = 3\ncall bpf_l3_csum_replace\nexit":              -22,
		"r2 = 24\nr3 = 1\nr4 = 2\nr5 = 0\ncall bpf_l3_csum_replace\nexit":              -22,
		"r2 = 24\nr3 = 1\nr4 = 2\nr5 = 0x102\ncall bpf_l4_csum_replace\nexit":          -22,
		"r1 = r10\nr1 += -8\nr2 = 3\nr3 = 0\nr4 = 0\nr5 = 0\ncall bpf_csum_diff\nexit": -22,
		"r1 = 0\nr2 = 0\nr3 = 0\nr4 = 0\nr5 = 0x1fffe\ncall bpf_csum_diff\nexit":       0xffff,
	} {
		r := run(t, machine(t, spec.ProgramSchedCls, text), vm.Input{Packet: frame(1, 1)})
		if int64(r.Return) != want {
			t.Errorf("%q: %d, want %d", text, int64(r.Return), want)
		}
	}
}
