package vm_test

import (
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

func TestVar(t *testing.T) {
	c := collection(t, spec.ProgramSyscall, "r1 = value[.data] ll\nr0 = *(u16 *)(r1 + 2)\nr2 = 9\n*(u16 *)(r1 + 2) = r2\nexit",
		&spec.Map{Name: ".data", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Data: []byte{0, 0, 5, 0}})
	c.Vars = []*spec.Var{{Name: "v", Section: ".data", Map: ".data", Offset: 2, Size: 2}}
	m, err := newMachine(c, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := m.Var("v")
	if r := run(t, m, vm.Input{}); r.Return != 5 {
		t.Errorf("the program reads %d", r.Return)
	}
	if n, err := v.Uint(); n != 9 || err != nil {
		t.Errorf("it leaves %d, %v", n, err)
	}
	if err := v.SetUint(300); err != nil {
		t.Fatal(err)
	}
	if r := run(t, m, vm.Input{}); r.Return != 300 {
		t.Errorf("the program reads %d", r.Return)
	}
	if err := v.SetUint(1 << 16); err == nil || !strings.Contains(err.Error(), "does not fit its 16 bits") {
		t.Errorf("set a number that is too large: %v", err)
	}
	if err := v.Set([]byte{1}); err == nil {
		t.Error("set fewer bytes than it has")
	}
	if m.Var("w") != nil {
		t.Error("there is a variable w")
	}
}

// TestVarType refuses a number that the type does not hold.
func TestVarType(t *testing.T) {
	c := collection(t, spec.ProgramSyscall, "r0 = 0\nexit",
		&spec.Map{Name: ".data", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Data: make([]byte, 4)})
	var b btf.Builder
	on := b.Add(&btf.Int{Name: "_Bool", Size: 1, Encoding: btf.IntBool})
	var err error
	if c.BTF, err = b.Types(); err != nil {
		t.Fatal(err)
	}
	c.Vars = []*spec.Var{{Name: "on", Section: ".data", Map: ".data", Size: 1, Type: on}}
	m, err := newMachine(c, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Var("on").SetUint(250); err == nil || !strings.Contains(err.Error(), "neither 0 nor 1") {
		t.Errorf("a bool takes 250: %v", err)
	}
	if err := m.Var("on").SetUint(1); err != nil {
		t.Error(err)
	}
}

func TestVarFrozen(t *testing.T) {
	m, err := newMachine(pktguard(t), vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := m.Var("cfg")
	if b := cfg.Bytes(); len(b) != 8 || b[0] != 1 {
		t.Errorf("cfg is %x", b)
	}
	if err := cfg.Set(make([]byte, 8)); err == nil || !strings.Contains(err.Error(), "set it in the collection") {
		t.Errorf("set: %v", err)
	}
}
