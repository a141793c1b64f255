package vm_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestTailCall counts the tail calls of a program to itself: the kernel allows 33.
func TestTailCall(t *testing.T) {
	const text = "r6 = value[n] ll\nr7 = *(u64 *)(r6 + 0)\nr7 += 1\n*(u64 *)(r6 + 0) = r7\nr2 = map[p] ll\nr3 = 0\ncall bpf_tail_call\nr0 = r7\nexit"
	programs := &spec.Map{Name: "p", Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 2, Values: []spec.MapValue{{Key: 0, Name: "main"}}}
	n := &spec.Map{Name: "n", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	c := collection(t, spec.ProgramXDP, text, programs, n)
	c.Programs = append(c.Programs, &spec.Program{Name: "other", Type: spec.ProgramXDP, Insns: spec.NewInsns(asm.Mov64Imm(asm.R0, 5), asm.Exit())})
	m, err := newMachine(c, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := vm.Input{Packet: frame(1, 1)}
	if r := run(t, m, in); r.Return != 34 {
		t.Errorf("R0 is %d", r.Return)
	}
	for name, want := range map[string]uint64{"other": 5} {
		if err := m.Map("p").SetProgram(0, name); err != nil {
			t.Fatal(err)
		}
		if r := run(t, m, in); r.Return != want {
			t.Errorf("with %q R0 is %d", name, r.Return)
		}
	}
	if err := m.Map("p").SetProgram(0, ""); err != nil {
		t.Fatal(err)
	}
	if r := run(t, m, in); r.Return != 36 {
		t.Errorf("with no program R0 is %d", r.Return)
	}
	for name, slot := range map[string]uint32{"none": 0, "other": 2} {
		if err := m.Map("p").SetProgram(slot, name); err == nil {
			t.Errorf("slot %d takes %q", slot, name)
		}
	}
}
