package vm_test

import (
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestProbeRead(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       int64
	}{
		{"good", "r3 = r1\nr1 = r10\nr1 += -8\nr2 = 4\ncall bpf_probe_read_kernel\nr1 = *(u32 *)(r10 - 8)\nr0 += r1\nexit", 0x64636261},
		{"wrong", "*(u64 *)(r10 - 8) = -1\nr3 = 0\nr1 = r10\nr1 += -8\nr2 = 8\ncall bpf_probe_read_kernel\nr1 = *(u64 *)(r10 - 8)\nr0 += r1\nexit", -14},
		{"string", "r3 = r1\nr1 = r10\nr1 += -8\nr2 = 8\ncall bpf_probe_read_kernel_str\nexit", 5},
		{"string cut", "r3 = r1\nr1 = r10\nr1 += -8\nr2 = 3\ncall bpf_probe_read_kernel_str\nr1 = *(u8 *)(r10 - 6)\nr0 += r1\nexit", 3},
		{"string wrong", "r3 = 8\nr1 = r10\nr1 += -8\nr2 = 3\ncall bpf_probe_read_kernel_str\nexit", -14},
	} {
		m := machine(t, spec.ProgramRawTracepoint, tt.text)
		if r := run(t, m, vm.Input{Context: []byte("abcd\x00fgh")}); int64(r.Return) != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, int64(r.Return), tt.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		helper, text string
		base         int
		ret          int64
		want         uint64
	}{
		{"strtol", " -42x", 10, 4, 1<<64 - 42}, {"strtol", "0x1F", 0, 4, 31}, {"strtol", "017", 0, 3, 15}, {"strtol", "zz", 0, -22, 0},
		{"strtol", "9223372036854775808", 10, -34, 0}, {"strtol", "-9223372036854775808", 10, 20, 1 << 63}, {"strtol", "12", 7, -22, 0},
		{"strtoul", "18446744073709551615", 10, 20, 1<<64 - 1}, {"strtoul", "18446744073709551616", 10, -34, 0}, {"strtoul", "-1", 10, -22, 0},
	} {
		// The context has the result, and the text after it.
		text := fmt.Sprintf("r6 = r1\nr1 += 8\nr2 = %d\nr3 = %d\nr4 = r6\ncall bpf_%s\nexit", len(tt.text), tt.base, tt.helper)
		r := run(t, machine(t, spec.ProgramCgroupSysctl, text), vm.Input{Context: append(make([]byte, 8), tt.text...)})
		got := uint64(0)
		for i := range 8 {
			got |= uint64(r.Context[i]) << (8 * i)
		}
		if int64(r.Return) != tt.ret || got != tt.want {
			t.Errorf("%s %q: %d, %d", tt.helper, tt.text, int64(r.Return), int64(got))
		}
	}
}

func TestStrncmp(t *testing.T) {
	for text, want := range map[string]int64{"abc\x00abc\x00": 0, "abc\x00abd\x00": -1, "b\x00\x00\x00abc\x00": 1} {
		m := machine(t, spec.ProgramRawTracepoint, "r3 = r1\nr3 += 4\nr2 = 4\ncall bpf_strncmp\nexit")
		if r := run(t, m, vm.Input{Context: []byte(text)}); int64(r.Return) != want {
			t.Errorf("%q: %d, want %d", text, int64(r.Return), want)
		}
	}
}
