package vm_test

import (
	"bytes"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestStacks takes stacks into a map, one entry for each, and into memory.
func TestStacks(t *testing.T) {
	stacks := &spec.Map{Name: "s", Type: spec.MapStackTrace, KeySize: 4, ValueSize: 24, MaxEntries: 64}
	id := func(flags string) *vm.Machine {
		return machine(t, spec.ProgramKprobe, "r2 = map[s] ll\nr3 = "+flags+"\ncall bpf_get_stackid\nexit", stacks)
	}
	m := id("0")
	one := run(t, m, vm.Input{Stack: []uint64{1, 2}, UserStack: []uint64{9}}).Return
	if again := run(t, m, vm.Input{Stack: []uint64{1, 2}}).Return; again != one {
		t.Errorf("the same stack is %d and %d", one, again)
	}
	if v, ok, err := m.Map("s").Lookup(u32(uint32(one))); err != nil || !ok || !bytes.Equal(v, append(append(u64(1), u64(2)...), u64(0)...)) {
		t.Errorf("stack %d is %x, %v, %v", one, v, ok, err)
	}
	if err := m.Map("s").Update(u32(0), make([]byte, 24), vm.Any); err == nil {
		t.Error("a stack was made by hand")
	}
	if err := m.Map("s").Delete(u32(uint32(one))); err != nil {
		t.Error(err)
	}
	user, skip := id("256"), id("1") // BPF_F_USER_STACK
	if r := run(t, user, vm.Input{UserStack: []uint64{9}}).Return; int64(r) < 0 {
		t.Errorf("stack of the process: %d", int64(r))
	}
	for _, tt := range []struct {
		name string
		m    *vm.Machine
		in   vm.Input
		want int64
	}{
		{"none", m, vm.Input{}, -14},
		{"none of the process", user, vm.Input{Stack: []uint64{1}}, -14},
		{"all are skipped", skip, vm.Input{Stack: []uint64{1}}, -14},
		{"flags", id("4096"), vm.Input{Stack: []uint64{1}}, -22},
	} {
		if r := run(t, tt.m, tt.in).Return; int64(r) != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, int64(r), tt.want)
		}
	}
	get := machine(t, spec.ProgramKprobe, "r2 = r10\nr2 += -16\nr3 = 16\nr4 = 1\ncall bpf_get_stack\nif r0 != 16 goto out\nr0 = *(u64 *)(r10 - 16)\nr1 = *(u64 *)(r10 - 8)\nr0 += r1\nout:\nexit")
	if r := run(t, get, vm.Input{Stack: []uint64{1, 20, 300, 4000}}).Return; r != 320 {
		t.Errorf("frames 1 and 2 add up to %d", r)
	}
	if r := run(t, get, vm.Input{Stack: []uint64{1, 20}}).Return; r != 8 {
		t.Errorf("one frame has %d bytes", r)
	}
}

// TestStacksCollide fills a map of one bucket.
func TestStacksCollide(t *testing.T) {
	text := "r2 = map[s] ll\nr3 = *(u64 *)(r1 + 0)\ncall bpf_get_stackid\nexit"
	m := machine(t, spec.ProgramKprobe, text, &spec.Map{Name: "s", Type: spec.MapStackTrace, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	for i, tt := range []struct {
		flags uint64
		frame uint64
		want  int64
	}{{0, 1, 0}, {0, 2, -17}, {1 << 10, 2, 0}, {0, 2, 0}} { // BPF_F_REUSE_STACKID
		if r := run(t, m, vm.Input{Context: u64(tt.flags), Stack: []uint64{tt.frame}}).Return; int64(r) != tt.want {
			t.Errorf("call %d: %d, want %d", i, int64(r), tt.want)
		}
	}
}
