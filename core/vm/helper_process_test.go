package vm_test

import (
	"bytes"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestProcess(t *testing.T) {
	const text = "r6 = r1\ncall bpf_get_current_pid_tgid\n*(u64 *)(r6 + 0) = r0\ncall bpf_get_current_uid_gid\n*(u64 *)(r6 + 8) = r0\ncall bpf_get_current_cgroup_id\n" +
		"*(u64 *)(r6 + 16) = r0\nr1 = r6\nr1 += 24\nr2 = 16\ncall bpf_get_current_comm\nexit"
	r := run(t, machine(t, spec.ProgramSyscall, text), vm.Input{
		Context: make([]byte, 40),
		Process: vm.Process{PID: 1, TGID: 2, UID: 3, GID: 4, Cgroup: 5, Comm: "a name that is too long"},
	})
	want := bytes.Join([][]byte{u64(2<<32 | 1), u64(4<<32 | 3), u64(5), []byte("a name that is \x00")}, nil)
	if r.Return != 0 || !bytes.Equal(r.Context, want) {
		t.Errorf("%d, %q", r.Return, r.Context)
	}
}
