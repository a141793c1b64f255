package vm_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestCgroups(t *testing.T) {
	text := "r2 = *(u64 *)(r1 + 0)\nr1 = map[c] ll\ncall bpf_current_task_under_cgroup\nexit"
	m := machine(t, spec.ProgramKprobe, text, &spec.Map{Name: "c", Type: spec.MapCgroupArray, KeySize: 4, ValueSize: 4, MaxEntries: 2})
	if err := m.Map("c").SetCgroup(0, 7); err != nil {
		t.Fatal(err)
	}
	if err := m.Map("c").SetCgroup(2, 7); err == nil {
		t.Error("there is a slot 2")
	}
	if _, _, err := m.Map("c").Lookup(u32(0)); err == nil {
		t.Error("a control group was looked up")
	}
	for _, tt := range []struct {
		slot uint64
		p    vm.Process
		want int64
	}{
		{0, vm.Process{Cgroup: 7}, 1}, {0, vm.Process{Cgroup: 8}, 0}, {0, vm.Process{Cgroup: 9, Ancestors: []uint64{1, 7}}, 1},
		{1, vm.Process{Cgroup: 7}, -11}, {2, vm.Process{Cgroup: 7}, -7},
	} {
		if r := run(t, m, vm.Input{Context: u64(tt.slot), Process: tt.p}).Return; int64(r) != tt.want {
			t.Errorf("slot %d, process %+v: %d, want %d", tt.slot, tt.p, int64(r), tt.want)
		}
	}
	level := machine(t, spec.ProgramKprobe, "r1 = *(u64 *)(r1 + 0)\ncall bpf_get_current_ancestor_cgroup_id\nexit")
	for n, want := range []uint64{1, 7, 9, 0} {
		if r := run(t, level, vm.Input{Context: u64(uint64(n)), Process: vm.Process{Cgroup: 9, Ancestors: []uint64{1, 7}}}).Return; r != want {
			t.Errorf("the control group at level %d is %d, not %d", n, r, want)
		}
	}
}
