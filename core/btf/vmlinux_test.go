package btf

import (
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

const vmlinuxPath = "/sys/kernel/btf/vmlinux"

// vmlinux opens the BTF of the running kernel.
func vmlinux(t testing.TB) *Types {
	t.Helper()
	types, err := Parse(vmlinuxBytes(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func vmlinuxBytes(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(vmlinuxPath)
	if err != nil {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	return b
}

func TestKernelPath(t *testing.T) {
	types := vmlinux(t)
	task, err := types.Find("task_struct", KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := types.Path(task, "pid")
	if err != nil || pid.Size != 4 || pid.Offset == 0 {
		t.Errorf("pid is %+v, %v", pid, err)
	}
	if comm, err := types.Path(task, "comm"); err != nil || types.TypeName(comm.Type) != "char[16]" {
		t.Errorf("comm is %+v %s, %v", comm, types.TypeName(comm.Type), err)
	}
}

func TestKernelValid(t *testing.T) {
	if err := vmlinux(t).Validate(); err != nil {
		t.Error(err)
	}
}
