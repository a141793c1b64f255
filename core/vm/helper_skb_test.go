package vm_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestSkbBytes(t *testing.T) {
	const load = "r6 = r1\nr2 = 2\nr3 = r10\nr3 += -8\nr4 = 4\ncall bpf_skb_load_bytes\n"
	for _, tt := range []struct {
		name, text string
		ret        int64
		packet     string
	}{
		{"load", load + "r0 = *(u32 *)(r10 - 8)\nexit", 0x66656463, "abcdefghijklmnopqrst"},
		{"load outside", "*(u64 *)(r10 - 8) = -1\nr2 = 18\nr3 = r10\nr3 += -8\nr4 = 4\ncall bpf_skb_load_bytes\nr1 = *(u32 *)(r10 - 8)\nr0 += r1\nexit", -14, "abcdefghijklmnopqrst"},
		{"load relative", "r2 = 1\nr3 = r10\nr3 += -8\nr4 = 1\nr5 = 1\ncall bpf_skb_load_bytes_relative\nr0 = *(u8 *)(r10 - 8)\nexit", 'p', "abcdefghijklmnopqrst"},
		{"store", load + "r1 = r6\nr2 = 0\nr3 = r10\nr3 += -8\nr4 = 4\nr5 = 0\ncall bpf_skb_store_bytes\nexit", 0, "cdefefghijklmnopqrst"},
		{"store outside", load + "r1 = r6\nr2 = 17\nr3 = r10\nr3 += -8\nr4 = 4\nr5 = 0\ncall bpf_skb_store_bytes\nexit", -14, "abcdefghijklmnopqrst"},
		{"pull", "r2 = 20\ncall bpf_skb_pull_data\nexit", 0, "abcdefghijklmnopqrst"},
		{"pull more", "r2 = 21\ncall bpf_skb_pull_data\nexit", -12, "abcdefghijklmnopqrst"},
		{"shorter", "r2 = 15\nr3 = 0\ncall bpf_skb_change_tail\nexit", 0, "abcdefghijklmno"},
		{"longer", "r2 = 22\nr3 = 0\ncall bpf_skb_change_tail\nexit", 0, "abcdefghijklmnopqrst\x00\x00"},
		{"too short", "r2 = 13\nr3 = 0\ncall bpf_skb_change_tail\nexit", -22, "abcdefghijklmnopqrst"},
		{"head", "r2 = 2\nr3 = 0\ncall bpf_skb_change_head\nexit", 0, "\x00\x00abcdefghijklmnopqrst"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := run(t, machine(t, spec.ProgramSchedCls, tt.text), vm.Input{Packet: []byte("abcdefghijklmnopqrst")})
			if int64(r.Return) != tt.ret || string(r.Packet) != tt.packet {
				t.Errorf("%d, %q", int64(r.Return), r.Packet)
			}
		})
	}
}
