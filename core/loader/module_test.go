package loader

import (
	"encoding/binary"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// conntrack calls a kernel function of the module nf_conntrack: it looks up a connection that there is none of, and returns 7.
func conntrack() *spec.Program {
	const none = 1
	p := program("p",
		asm.StoreImm(asm.R10, -16, 0, asm.DWord), // the addresses
		asm.StoreImm(asm.R10, -8, 0, asm.DWord),
		asm.StoreImm(asm.R10, -32, -1, asm.DWord), // this network namespace, no error
		asm.StoreImm(asm.R10, -24, 6, asm.DWord),  // TCP
		asm.Mov64Reg(asm.R2, asm.R10), asm.ALU64Imm(asm.Add, asm.R2, -16),
		asm.Mov64Imm(asm.R3, 12),
		asm.Mov64Reg(asm.R4, asm.R10), asm.ALU64Imm(asm.Add, asm.R4, -32),
		asm.Mov64Imm(asm.R5, 12),
		asm.CallKfunc("bpf_xdp_ct_lookup"),
		asm.JumpImm(asm.Equal, asm.R0, 0, none),
		asm.Mov64Reg(asm.R1, asm.R0),
		asm.CallKfunc("bpf_ct_release"),
		asm.Mov64Imm(asm.R0, 0),
		asm.Exit(),
		asm.Mov64Imm(asm.R0, 7), // none
		asm.Exit())
	p.Insns.Edit(func(in []spec.Insn) { in[len(in)-2].Label = none })
	return p
}

// needModule skips where a module is not loaded, which in the lab it is.
func needModule(t *testing.T, name string) {
	t.Helper()
	k := NewKernel()
	defer k.Close()
	if _, err := k.ModuleTypes(name); err != nil {
		testenv.Refused(t, "a module", err)
	}
}

func TestKfuncOfModule(t *testing.T) {
	testenv.NeedKernel(t, "6.0", "kernel functions of nf_conntrack")
	needModule(t, "nf_conntrack")
	k := NewKernel()
	defer k.Close()
	for range 2 { // the second time with what is known
		c := loadT(t, collection([]*spec.Program{conntrack()}), Options{Kernel: k})
		if r, err := c.Program("p").TestRun(TestRunOptions{Data: packet()}); err != nil || r.Ret != 7 {
			t.Errorf("run: %d, %v", r.Ret, err)
		}
	}
}

// TestSymbolOfModule finds a variable of the module x_tables, of which each CPU has its own.
func TestSymbolOfModule(t *testing.T) {
	testenv.NeedKernel(t, "5.12", "variables of modules")
	needModule(t, "x_tables")
	const symbol = "xt_recseq"
	c := collection([]*spec.Program{program("p",
		asm.LoadKsym(asm.R1, symbol),
		asm.Call(asm.HelperThisCPUPtr),
		asm.Mov64Imm(asm.R0, 7),
		asm.Exit())})
	c.Externs = []spec.Extern{{Name: symbol, Kind: spec.ExternKsym, Type: 1}}
	got := loadT(t, c, Options{})
	if r, err := got.Program("p").TestRun(TestRunOptions{Data: packet()}); err != nil || r.Ret != 7 {
		t.Errorf("run: %d, %v", r.Ret, err)
	}
}

// TestCoreOfModule reads the size of a struct that only the module veth has.
func TestCoreOfModule(t *testing.T) {
	testenv.NeedKernel(t, "5.11", "types of modules")
	needModule(t, "veth")
	k := NewKernel()
	defer k.Close()
	veth, err := k.ModuleTypes("veth")
	if err != nil {
		t.Fatal(err)
	}
	id, err := veth.FindOwn("veth_priv", btf.KindStruct)
	if err != nil {
		t.Fatal(err)
	}
	want, err := veth.Size(id)
	if err != nil {
		t.Fatal(err)
	}
	b := btf.Builder{Order: binary.NativeEndian}
	local := b.Add(&btf.Struct{Name: "veth_priv___mine", Size: want + 8})
	p := program("p", asm.Mov64Imm(asm.R0, int32(want+8)), asm.Exit())
	p.Insns.Edit(func(in []spec.Insn) { in[0].Core = &btf.CoreRelo{Type: local, Access: "0", Kind: btf.CoreTypeSize} })
	c := collection([]*spec.Program{p})
	if c.BTF, err = b.Types(); err != nil {
		t.Fatal(err)
	}
	got := loadT(t, c, Options{Kernel: k})
	if r, err := got.Program("p").TestRun(TestRunOptions{Data: packet()}); err != nil || r.Ret != want {
		t.Errorf("run: %d, %v, want %d", r.Ret, err, want)
	}
}
