package vm_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestBloom(t *testing.T) {
	const n = 1000
	m := mapMachine(t, &spec.Map{Name: "m", Type: spec.MapBloomFilter, ValueSize: 4, MaxEntries: n}).Map("m")
	for i := range uint32(n) {
		if err := m.Push(u32(i), vm.Any); err != nil {
			t.Fatal(err)
		}
	}
	wrong := 0
	for i := range uint32(2 * n) {
		found, err := m.Contains(u32(i))
		switch {
		case err != nil:
			t.Fatal(err)
		case i < n && !found:
			t.Fatalf("value %d is not found", i)
		case i >= n && found:
			wrong++
		}
	}
	if wrong > n/10 {
		t.Errorf("%d of %d are falsely found", wrong, n)
	}
}

func TestBloomHelpers(t *testing.T) {
	const text = "*(u64 *)(r10 - 8) = 7\nr1 = map[m] ll\nr2 = r10\nr2 += -8\nr3 = 0\ncall bpf_map_push_elem\n" +
		"r1 = map[m] ll\nr2 = r10\nr2 += -8\ncall bpf_map_peek_elem\nr6 = r0\n*(u64 *)(r10 - 8) = 8\nr1 = map[m] ll\nr2 = r10\nr2 += -8\ncall bpf_map_peek_elem\nr0 += r6\nexit"
	m := machine(t, spec.ProgramSyscall, text, &spec.Map{Name: "m", Type: spec.MapBloomFilter, ValueSize: 8, MaxEntries: 100})
	if r := run(t, m, vm.Input{}); int64(r.Return) != -2 {
		t.Errorf("R0 is %d", int64(r.Return))
	}
}
