package vm_test

import (
	"bytes"
	"os"
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
	m, err := vm.New(c, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r := run(t, m, vm.Input{Context: append(u32(1), u32(42)...)}); r.Return != 42 {
		t.Errorf("R0 is %d", r.Return)
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
	if _, err := vm.New(c, vm.Options{}); err != nil {
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
	if _, err := vm.New(c, vm.Options{}); err == nil {
		t.Error("a value that there is not is accepted")
	}
	m, err := vm.New(c, vm.Options{Config: map[string]string{"CONFIG_HZ": "250"}})
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
