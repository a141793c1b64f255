package vm_test

import (
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestTracedPacket writes samples with the first bytes of the packet of a struct sk_buff or xdp_buff, which the
// input laid out by the object's types. -14 is EFAULT, -22 EINVAL.
func TestTracedPacket(t *testing.T) {
	b := btf.Builder{}
	number := b.Add(&btf.Int{Name: "unsigned int", Size: 4})
	pointer := b.Add(&btf.Pointer{Type: number})
	b.Add(&btf.Struct{Name: "sk_buff", Size: 16, Members: []btf.Member{{Name: "len", Type: number}, {Name: "data", Type: pointer, Offset: 64}}})
	b.Add(&btf.Struct{Name: "xdp_buff", Size: 16, Members: []btf.Member{{Name: "data", Type: pointer}, {Name: "data_end", Type: pointer, Offset: 64}}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		helper string
		bytes  int
		ret    int64
		want   string
	}{
		{"skb_output", 0, 0, "07000000"}, {"skb_output", 3, 0, "07000000616263"}, {"skb_output", 6, 0, "07000000616263646566"}, {"skb_output", 7, -14, ""},
		{"xdp_output", 0, 0, "07000000"}, {"xdp_output", 6, 0, "07000000616263646566"}, {"xdp_output", 7, -14, ""}, {"skb_output", 1 << 20, -22, ""},
	} {
		text := fmt.Sprintf("*(u32 *)(r10 - 4) = 7\nr1 = *(u64 *)(r1 + 0)\nr2 = map[m] ll\nr3 = %#x ll\nr4 = r10\nr4 += -4\nr5 = 4\ncall bpf_%s\nexit", tt.bytes<<32|0xffffffff, tt.helper)
		c := collection(t, spec.ProgramTracing, text, &spec.Map{Name: "m", Type: spec.MapPerfEventArray, KeySize: 4, ValueSize: 4})
		c.BTF = types
		m, err := vm.New(c, vm.Options{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := m.Place([]byte("abcdef"))
		if err != nil {
			t.Fatal(err)
		}
		object := append(u64(6), u64(data)...)
		if tt.helper == "xdp_output" {
			object = append(u64(data), u64(data+6)...)
		}
		at, err := m.Place(object)
		if err != nil {
			t.Fatal(err)
		}
		r := run(t, m, vm.Input{Context: u64(at)})
		got := ""
		if sample, _, ok := m.Perf("m").Read(); ok {
			got = fmt.Sprintf("%x", sample)
		}
		if int64(r.Return) != tt.ret || got != tt.want {
			t.Errorf("%s of %d bytes: %d, sample %q, want %d, %q", tt.helper, tt.bytes, int64(r.Return), got, tt.ret, tt.want)
		}
	}
}
