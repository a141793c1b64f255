package vm_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestPlace reads an object through the context, to its end and past it.
func TestPlace(t *testing.T) {
	m := machine(t, spec.ProgramRawTracepoint, "r1 = *(u64 *)(r1 + 0)\nr0 = *(u32 *)(r1 + 4)\nexit")
	past := machine(t, spec.ProgramRawTracepoint, "r1 = *(u64 *)(r1 + 0)\nr0 = *(u32 *)(r1 + 12)\nexit")
	for range 3 { // memory is used again
		for i := range 20000 { // more than one chunk
			object := binary.LittleEndian.AppendUint64(nil, uint64(i)<<32)
			addr, err := m.Place(append(object, 1, 2, 3, 4, 5))
			if err != nil {
				t.Fatal(err)
			}
			if r := run(t, m, vm.Input{Context: u64(addr)}); r.Return != uint64(i) {
				t.Fatalf("object %d: %d", i, r.Return)
			}
		}
		m.Clear()
	}
	addr, err := past.Place(make([]byte, 13))
	if err != nil {
		t.Fatal(err)
	}
	faultIs(t, past, addr, vm.FaultObject)
	addr, _ = m.Place(make([]byte, 8))
	m.Clear()
	faultIs(t, m, addr, vm.FaultObject)
}

func faultIs(t *testing.T, m *vm.Machine, addr uint64, want vm.FaultKind) {
	t.Helper()
	var f *vm.Fault
	if _, err := m.Run("main", vm.Input{Context: u64(addr)}); !errors.As(err, &f) || f.Kind != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestPlaceTooLarge(t *testing.T) {
	m, err := newMachine(collection(t, spec.ProgramRawTracepoint, "r0 = 0\nexit"), vm.Options{Memory: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Place(make([]byte, 2<<20)); err == nil {
		t.Error("no error")
	}
}
