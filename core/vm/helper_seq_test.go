package vm_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestSeq writes as an iterator does; -75 is EOVERFLOW.
func TestSeq(t *testing.T) {
	const print = "*(u64 *)(r10 - 8) = 42\nr6 = r1\nr2 = r1\nr3 = 7\nr4 = r10\nr4 += -8\nr5 = 8\ncall bpf_seq_printf\n"
	const write = "r1 = r6\nr2 = r6\nr3 = 2\ncall bpf_seq_write\n"
	for _, tt := range []struct {
		text, want string
		ret        int64
	}{
		{print + "exit", "is 42\n", 0},
		{print + write + "exit", "is 42\nis", 0},
		{"r6 = r1\nr2 = r1\nr3 = 7\nr4 = r1\nr5 = 0\ncall bpf_seq_printf\nexit", "", -22},
		{"r6 = r1\nr7 = 9\nL1:\nr1 = r6\nr2 = r6\nr3 = 4096\ncall bpf_seq_write\nr7 += -1\nif r7 != 0 goto L1\nexit", "is %d\n", -75},
	} {
		c := collection(t, spec.ProgramTracing, tt.text)
		c.Programs[0].AttachType = spec.AttachTypeTraceIter
		m, err := vm.New(c, vm.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx := make([]byte, 4096)
		copy(ctx, "is %d\n")
		for range 2 { // what one run wrote is not in the next
			r := run(t, m, vm.Input{Context: ctx})
			if got := string(r.Output[:min(len(r.Output), max(len(tt.want), 0))]); int64(r.Return) != tt.ret || got != tt.want {
				t.Errorf("%d, %q, want %d, %q", int64(r.Return), r.Output, tt.ret, tt.want)
			}
			if tt.ret == -75 && len(r.Output) != 32<<10 || tt.ret == 0 && len(r.Output) != len(tt.want) {
				t.Errorf("%d bytes", len(r.Output))
			}
		}
	}
}

func TestPerCPUPtr(t *testing.T) {
	for text, want := range map[string]uint64{
		"r2 = 1\ncall bpf_per_cpu_ptr\nif r0 == 0 goto L1\nr0 = *(u8 *)(r0 + 0)\nL1:\nexit": 0,
		"r2 = 0\ncall bpf_per_cpu_ptr\nr0 = *(u8 *)(r0 + 0)\nexit":                          9,
		"call bpf_this_cpu_ptr\nr0 = *(u8 *)(r0 + 0)\nexit":                                 9,
	} {
		m := machine(t, spec.ProgramRawTracepoint, text)
		if r := run(t, m, vm.Input{Context: []byte{9}}); r.Return != want {
			t.Errorf("%q: %d, want %d", text, r.Return, want)
		}
	}
}
