package vm_test

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestMapOfMaps(t *testing.T) {
	const text = "*(u32 *)(r10 - 4) = 1\nr1 = map[m] ll\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem\nif r0 == 0 goto L1\n" +
		"r1 = r0\n*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\ncall bpf_map_lookup_elem\nif r0 == 0 goto L1\nr0 = *(u32 *)(r0 + 0)\nexit\nL1:\nr0 = -1\nexit"
	for _, typ := range []spec.MapType{spec.MapArrayOfMaps, spec.MapHashOfMaps} {
		inner := func(name string) *spec.Map {
			return &spec.Map{Name: name, Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}
		}
		out := &spec.Map{Name: "m", Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: inner(""), Values: []spec.MapValue{{Key: 1, Name: "a"}}}
		m := machine(t, spec.ProgramSyscall, text, out, inner("a"), inner("b"), &spec.Map{Name: "c", Type: spec.MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1})
		for name, v := range map[string]uint32{"a": 11, "b": 22} {
			if err := m.Map(name).Update(u32(0), u32(v), vm.Any); err != nil {
				t.Fatal(err)
			}
		}
		for _, tt := range []struct {
			name string
			want uint64
		}{{"a", 11}, {"b", 22}, {"", 1<<64 - 1}} {
			if err := m.Map("m").SetMap(u32(1), tt.name); err != nil {
				t.Fatal(err)
			}
			if r := run(t, m, vm.Input{}); r.Return != tt.want {
				t.Errorf("%v: with map %q R0 is %d", typ, tt.name, r.Return)
			}
		}
		if err := m.Map("m").SetMap(u32(1), "c"); err == nil || !strings.Contains(err.Error(), "not like the template") {
			t.Errorf("a map of another type: %v", err)
		}
	}
}
