package vm_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// Differing finds the entries that are not the same, whichever map has them.
func TestDiffering(t *testing.T) {
	for _, typ := range []spec.MapType{spec.MapArray, spec.MapPerCPUArray, spec.MapHash, spec.MapLRUHash, spec.MapPerCPUHash, spec.MapLPMTrie} {
		s := &spec.Map{Name: "m", Type: typ, KeySize: 4, ValueSize: 8, MaxEntries: 8}
		if typ == spec.MapLPMTrie {
			s.KeySize, s.Flags = 8, spec.FlagNoPrealloc
		}
		a := machine(t, spec.ProgramXDP, "r0 = 0\nexit", s).Map("m")
		b := machine(t, spec.ProgramXDP, "r0 = 0\nexit", s).Map("m")
		put := func(m *vm.Map, key, value uint32) {
			k, v := make([]byte, s.KeySize), make([]byte, 8)
			binary.LittleEndian.PutUint32(k, key)
			binary.LittleEndian.PutUint32(v, value)
			if err := m.Update(k, v, vm.Any); err != nil {
				t.Fatal(err)
			}
		}
		put(a, 1, 10)
		put(b, 1, 10)
		if got := slices.Collect(vm.Differing(a, b)); len(got) > 0 {
			t.Errorf("%v: equal maps differ at %x", typ, got)
		}
		put(a, 2, 20)
		put(b, 2, 21)
		put(a, 3, 30)
		put(b, 4, 40)
		var got []uint32
		for k := range vm.Differing(a, b) {
			got = append(got, binary.LittleEndian.Uint32(k))
		}
		if want := []uint32{2, 3, 4}; !slices.Equal(got, want) {
			t.Errorf("%v: keys %d differ, want %d", typ, got, want)
		}
	}
}

// Looking for differences does not count as use: the oldest entry is the one that goes.
func TestDifferingUse(t *testing.T) {
	s := &spec.Map{Name: "m", Type: spec.MapLRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 2}
	a := machine(t, spec.ProgramXDP, "r0 = 0\nexit", s).Map("m")
	b := machine(t, spec.ProgramXDP, "r0 = 0\nexit", s).Map("m")
	for _, k := range []byte{2, 1} {
		for _, m := range []*vm.Map{a, b} {
			if err := m.Update([]byte{k, 0, 0, 0}, make([]byte, 8), vm.Any); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, _, err := a.Lookup([]byte{2, 0, 0, 0}); err != nil { // now 1 is the oldest
		t.Fatal(err)
	}
	if got := slices.Collect(vm.Differing(a, b)); len(got) > 0 {
		t.Errorf("%x", got)
	}
	if err := a.Update([]byte{3, 0, 0, 0}, make([]byte, 8), vm.Any); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := a.Lookup([]byte{2, 0, 0, 0}); !ok {
		t.Error("the entry that was used last is gone")
	}
}

// Queues differ by place.
func TestDifferingQueue(t *testing.T) {
	s := &spec.Map{Name: "m", Type: spec.MapQueue, ValueSize: 4, MaxEntries: 3}
	a := machine(t, spec.ProgramXDP, "r0 = 0\nexit", s).Map("m")
	b := machine(t, spec.ProgramXDP, "r0 = 0\nexit", s).Map("m")
	for i, m := range []*vm.Map{a, b, a, b, b} {
		if err := m.Push([]byte{byte(i), 0, 0, 0}, vm.Any); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprintf("%x", slices.Collect(vm.Differing(a, b))); got != "[00000000 01000000 02000000]" {
		t.Errorf("places %s differ", got)
	}
	if v, ok := b.Queued(2); !ok || v[0] != 4 {
		t.Errorf("%x, %v", v, ok)
	}
	if _, ok := a.Queued(2); ok {
		t.Error("a place that is empty has a value")
	}
}
