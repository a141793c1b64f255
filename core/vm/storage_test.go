package vm_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestTaskStorage counts runs for each process.
func TestTaskStorage(t *testing.T) {
	text := `
	call bpf_get_current_task_btf
	r2 = r0
	r1 = map[s] ll
	r3 = 0
	r4 = 1
	call bpf_task_storage_get
	if r0 == 0 goto out
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r0 + 0) = r1
	r0 = r1
out:
	exit`
	m := machine(t, spec.ProgramTracing, text, &spec.Map{Name: "s", Type: spec.MapTaskStorage, KeySize: 4, ValueSize: 8, Flags: 1})
	for i, tt := range []struct{ pid, want uint32 }{{5, 1}, {5, 2}, {6, 1}, {5, 3}} {
		in := vm.Input{Process: vm.Process{PID: tt.pid}}
		if i == 3 { // whatever it is that stands for the task
			in.Process.Task, _ = m.Place(make([]byte, 16))
		}
		if r := run(t, m, in).Return; r != uint64(tt.want) {
			t.Errorf("run %d: %d, want %d", i, r, tt.want)
		}
		m.Clear()
	}
	if got := list(m.Map("s")); got != "05000000=0300000000000000 06000000=0100000000000000" {
		t.Errorf("entries %s", got)
	}
}

// TestStorage keeps a value with an object, which goes away.
func TestStorage(t *testing.T) {
	text := `
	r6 = r1
	r2 = *(u64 *)(r6 + 0)
	*(u64 *)(r10 - 8) = 40
	r3 = r10
	r3 += -8
	r4 = *(u64 *)(r6 + 8)
	r1 = map[s] ll
	call bpf_inode_storage_get
	if r0 == 0 goto out
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r0 + 0) = r1
	r0 = r1
out:
	exit`
	m := machine(t, spec.ProgramLSM, text, &spec.Map{Name: "s", Type: spec.MapInodeStorage, KeySize: 4, ValueSize: 8, Flags: 1})
	inode := func(addr, flags uint64) uint64 {
		return run(t, m, vm.Input{Context: append(u64(addr), u64(flags)...)}).Return
	}
	addr, err := m.Place(make([]byte, 8))
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct{ addr, flags, want uint64 }{{addr, 0, 0}, {addr, 1, 41}, {addr, 0, 42}, {0, 1, 0}, {addr, 2, 0}} {
		if got := inode(tt.addr, tt.flags); got != tt.want {
			t.Errorf("call %d: %d, want %d", i, got, tt.want)
		}
	}
	m.Clear()
	if got := inode(addr, 0); got != 0 {
		t.Errorf("what was kept with an object that is gone is %d", got)
	}
}
