package vm_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestFunctionArguments(t *testing.T) {
	const arg = "r2 = 1\nr3 = r10\nr3 += -8\ncall bpf_get_func_arg\nif r0 != 0 goto out\nr0 = *(u64 *)(r10 - 8)\nout:\nexit"
	const ret = "r2 = r10\nr2 += -8\ncall bpf_get_func_ret\nif r0 != 0 goto out\nr0 = *(u64 *)(r10 - 8)\nout:\nexit"
	const count = "call bpf_get_func_arg_cnt\nexit"
	for _, tt := range []struct {
		name, text string
		attach     spec.AttachType
		ctx        []byte
		want       int64
	}{
		{"argument", arg, spec.AttachTypeTraceFentry, append(u64(5), u64(6)...), 6},
		{"no such argument", arg, spec.AttachTypeTraceFentry, u64(5), -22},
		{"the result is none", arg, spec.AttachTypeTraceFexit, append(u64(5), u64(6)...), -22},
		{"result", ret, spec.AttachTypeTraceFexit, append(u64(5), u64(6)...), 6},
		{"no result", ret, spec.AttachTypeTraceFentry, append(u64(5), u64(6)...), -95},
		{"count", count, spec.AttachTypeTraceFentry, append(u64(5), u64(6)...), 2},
		{"count with result", count, spec.AttachTypeModifyReturn, append(u64(5), u64(6)...), 1},
		{"nothing", count, spec.AttachTypeTraceFexit, nil, 0},
		{"cookie", "call bpf_get_attach_cookie\nexit", spec.AttachTypeTraceFentry, nil, 77},
		{"address", "call bpf_get_func_ip\nexit", spec.AttachTypeTraceFentry, nil, 88},
	} {
		c := collection(t, spec.ProgramTracing, tt.text)
		c.Programs[0].AttachType = tt.attach
		m, err := newMachine(c, vm.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r := run(t, m, vm.Input{Context: tt.ctx, Cookie: 77, FuncIP: 88}); int64(r.Return) != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, int64(r.Return), tt.want)
		}
	}
}
