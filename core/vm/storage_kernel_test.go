package vm_test

import (
	"fmt"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestStorageAgrees keeps something with the current task, looks for it, deletes it, and sums up what came of
// each step.
func TestStorageAgrees(t *testing.T) {
	testenv.NeedKernel(t, "6.1", "storage of tasks for raw tracepoints")
	const get = "call bpf_get_current_task_btf\nr2 = r0\nr1 = map[s] ll\nr3 = %s\nr4 = %d\ncall bpf_task_storage_get\n"
	const sum = "r7 *= 31\nr7 += r0\n"
	const isNull = "if r0 == 0 goto L%[1]d\nr0 = *(u32 *)(r0 + 0)\nL%[1]d:\n" + sum
	const drop = "call bpf_get_current_task_btf\nr2 = r0\nr1 = map[s] ll\ncall bpf_task_storage_delete\n" + sum
	const write = "if r0 == 0 goto L%[1]d\nr1 = 9\n*(u32 *)(r0 + 0) = r1\nL%[1]d:\nr0 = 0\n" + sum
	f := fmt.Sprintf
	text := "r7 = 5\n*(u64 *)(r10 - 8) = 77\n" +
		f(get, "0", 0) + f(isNull, 1) + // there is none
		drop + // nor to be deleted
		f(get, "0", 1) + f(isNull, 2) + // made, zero
		f(get, "0", 1) + f(write, 3) +
		f(get, "0", 0) + f(isNull, 4) + // as it was left
		drop + drop +
		"r8 = r10\nr8 += -8\n" + f(get, "r8", 1) + f(isNull, 5) + // made, with a first value
		f(get, "r8", 0) + f(isNull, 6) + drop + "r0 = r7\nexit"
	b := btf.Builder{}
	key := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	value := b.Add(&btf.Int{Name: "unsigned long", Size: 8})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	c := collection(t, spec.ProgramRawTracepoint, text,
		&spec.Map{Name: "s", Type: spec.MapTaskStorage, KeySize: 4, ValueSize: 8, Flags: spec.FlagNoPrealloc, Key: key, Value: value})
	c.BTF = types
	loaded, err := loader.Load(c, loader.Options{})
	kerneltest.Check(t, err)
	defer loaded.Close()
	for range 2 {
		kernel, err := loaded.Program("main").TestRun(loader.TestRunOptions{Ctx: make([]byte, 8)})
		if err != nil {
			t.Fatal(err)
		}
		m, err := vm.New(c, vm.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r := run(t, m, vm.Input{Context: make([]byte, 8)}); uint32(r.Return) != kernel.Ret {
			t.Errorf("the kernel says %#x, the machine %#x", kernel.Ret, uint32(r.Return))
		}
	}
}
