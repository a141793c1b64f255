package vm_test

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestQueue(t *testing.T) {
	for typ, want := range map[spec.MapType]string{spec.MapQueue: "bcd", spec.MapStack: "dcb"} {
		m := mapMachine(t, &spec.Map{Name: "m", Type: typ, ValueSize: 1, MaxEntries: 3}).Map("m")
		for _, v := range "abc" {
			if err := m.Push([]byte{byte(v)}, vm.Any); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Push([]byte("d"), vm.Any); err == nil || !strings.Contains(err.Error(), "full") {
			t.Errorf("%v: pushed to a full one: %v", typ, err)
		}
		if err := m.Push([]byte("d"), vm.Exist); err != nil { // drops a
			t.Error(err)
		}
		got := ""
		for {
			v, ok, err := m.Pop()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			got += string(v)
		}
		if got != want {
			t.Errorf("%v: %s, want %s", typ, got, want)
		}
		if _, _, err := m.Lookup(nil); err == nil {
			t.Errorf("%v: looked up in one without keys", typ)
		}
	}
}

func TestQueueHelpers(t *testing.T) {
	const text = "*(u64 *)(r10 - 8) = 7\nr1 = map[m] ll\nr2 = r10\nr2 += -8\nr3 = 0\ncall bpf_map_push_elem\nif r0 != 0 goto L1\n" +
		"*(u64 *)(r10 - 8) = 0\nr1 = map[m] ll\nr2 = r10\nr2 += -8\ncall bpf_map_peek_elem\nr6 = *(u64 *)(r10 - 8)\n" +
		"r1 = map[m] ll\nr2 = r10\nr2 += -8\ncall bpf_map_pop_elem\nr1 = map[m] ll\nr2 = r10\nr2 += -8\ncall bpf_map_pop_elem\nr6 <<= 32\nw0 = w0\nr0 |= r6\nL1:\nexit"
	m := machine(t, spec.ProgramSyscall, text, &spec.Map{Name: "m", Type: spec.MapQueue, ValueSize: 8, MaxEntries: 1})
	if r := run(t, m, vm.Input{}); r.Return != 7<<32|0xfffffffe { // -ENOENT
		t.Errorf("R0 is %#x", r.Return)
	}
}
