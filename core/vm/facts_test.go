package vm_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// TestCoreOwnTypes holds that relocations are computed for the types of the collection, which needs no
// kernel.
func TestCoreOwnTypes(t *testing.T) {
	b := btf.Builder{}
	number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	task := b.Add(&btf.Struct{Name: "task", Size: 8, Members: []btf.Member{{Name: "a", Type: number}, {Name: "pid", Type: number, Offset: 32}}})
	c := collection(t, spec.ProgramSyscall, "r0 = *(u32 *)(r1 + 4)\nexit")
	var err error
	if c.BTF, err = b.Types(); err != nil {
		t.Fatal(err)
	}
	c.Programs[0].Insns.Edit(func(in []spec.Insn) {
		in[0].Core = &btf.CoreRelo{Type: task, Access: "0:1", Kind: btf.CoreByteOffset}
	})
	m, err := newMachine(c, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r := run(t, m, vm.Input{Context: append(u32(1), u32(42)...)}); r.Return != 42 {
		t.Errorf("R0 is %d", r.Return)
	}
}

// TestCoreOwnFlavors resolves flavors of a struct, as programs declare them for several kernels. The struct
// without a flavor is what there is; a flavor is, only where there is none.
func TestCoreOwnFlavors(t *testing.T) {
	b := btf.Builder{}
	number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	add := func(name string, fields ...string) btf.ID {
		s := &btf.Struct{Name: name, Size: 4 * uint32(len(fields))}
		for i, f := range fields {
			s.Members = append(s.Members, btf.Member{Name: f, Type: number, Offset: 32 * uint32(i)})
		}
		return b.Add(s)
	}
	task := add("task", "pid", "state", "flags")
	older, newer, other := add("task___old", "flags", "was"), add("task___new", "state"), add("queue___x", "pid", "state")
	last := add("queue___y", "state")
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		relo   btf.CoreRelo
		off    string
		want   uint64
		absent bool
	}{
		{"a flavor means the struct", btf.CoreRelo{Type: newer, Access: "0:0", Kind: btf.CoreByteOffset}, "0", 11, false},
		{"and has what that has", btf.CoreRelo{Type: older, Access: "0:0", Kind: btf.CoreByteOffset}, "0", 12, false},
		{"and nothing else", btf.CoreRelo{Type: older, Access: "0:1", Kind: btf.CoreByteOffset}, "4", 0, true},
		{"the struct means itself", btf.CoreRelo{Type: task, Access: "0:1", Kind: btf.CoreByteOffset}, "4", 11, false},
		{"without a struct, a flavor means itself", btf.CoreRelo{Type: other, Access: "0:1", Kind: btf.CoreByteOffset}, "4", 11, false},
		{"and so does the other", btf.CoreRelo{Type: last, Access: "0:0", Kind: btf.CoreByteOffset}, "0", 10, false},
	} {
		c := collection(t, spec.ProgramSyscall, "r0 = *(u32 *)(r1 + "+tt.off+")\nexit")
		c.BTF = types
		c.Programs[0].Insns.Edit(func(in []spec.Insn) { in[0].Core = &tt.relo })
		m, err := vm.New(c, vm.Options{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		r, err := m.Run("main", vm.Input{Context: slices.Concat(u32(10), u32(11), u32(12))})
		fault := (*vm.Fault)(nil)
		if r.Return != tt.want || errors.As(err, &fault) != tt.absent || tt.absent && fault.Kind != vm.FaultRelocated {
			t.Errorf("%s: %d, %v", tt.name, r.Return, err)
		}
	}
}

// TestExecwatch makes a machine of an object with many relocations.
func TestExecwatch(t *testing.T) {
	b, err := os.ReadFile("../../guests/execwatch/execwatch.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newMachine(c, vm.Options{}); err != nil {
		t.Error(err)
	}
}

// TestConfig holds that configuration values are those of the options.
func TestConfig(t *testing.T) {
	b := btf.Builder{}
	number := b.Add(&btf.Int{Name: "unsigned int", Size: 4})
	c := collection(t, spec.ProgramSyscall, "r1 = value[.kconfig] ll\nr0 = *(u32 *)(r1 + 0)\nexit",
		&spec.Map{Name: ".kconfig", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Data: make([]byte, 4)})
	var err error
	if c.BTF, err = b.Types(); err != nil {
		t.Fatal(err)
	}
	c.Vars = []*spec.Var{{Name: "CONFIG_HZ", Section: ".kconfig", Map: ".kconfig", Size: 4, Type: number}}
	c.Externs = []spec.Extern{{Name: "CONFIG_HZ", Kind: spec.ExternKconfig, Type: number}}
	if _, err := newMachine(c, vm.Options{}); err == nil {
		t.Error("a value that there is not is accepted")
	}
	m, err := newMachine(c, vm.Options{Config: map[string]string{"CONFIG_HZ": "250"}})
	if err != nil {
		t.Fatal(err)
	}
	if r := run(t, m, vm.Input{}); r.Return != 250 {
		t.Errorf("R0 is %d", r.Return)
	}
	if v, err := m.Var("CONFIG_HZ").Uint(); err != nil || v != 250 || !bytes.Equal(m.Var("CONFIG_HZ").Bytes(), u32(250)) {
		t.Errorf("%d, %v", v, err)
	}
}
