package loader

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// moduleKernel is a kernel with the modules alpha and beta, whose types are files: each has the function both and one of its own, and
// a struct of its own; the function kernel and the struct task are of the kernel proper. A third module cannot be read, a
// fourth has nothing (case B05).
func moduleKernel(t *testing.T) *Kernel {
	t.Helper()
	k, _ := moduleKernelIn(t)
	return k
}

// moduleKernelIn is moduleKernel with the directory of the files.
func moduleKernelIn(t *testing.T) (*Kernel, string) {
	t.Helper()
	dir := t.TempDir()
	k := kernel.New(kernel.Options{Version: 6<<16 | 18<<8, CPUs: 4, TypesDir: dir})
	t.Cleanup(func() { k.Close() })
	base := btf.Builder{Order: binary.NativeEndian}
	number := base.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	proto := base.Add(&btf.FuncProto{Return: number})
	base.Add(&btf.Func{Name: "kernel", Type: proto})
	base.Add(&btf.Struct{Name: "task", Size: 4, Members: []btf.Member{{Name: "pid", Type: number}}})
	types := writeTypes(t, filepath.Join(dir, vmlinux), &base)
	for i, name := range []string{"alpha", "beta"} {
		b := btf.Builder{Base: types}
		b.Add(&btf.Func{Name: "both", Type: proto})
		b.Add(&btf.Func{Name: "of_" + name, Type: proto})
		b.Add(&btf.Var{Name: "var_" + name, Type: number, Linkage: btf.LinkGlobal})
		b.Add(&btf.Struct{Name: "private_" + name, Size: 8, Members: []btf.Member{{Name: "n", Type: number, Offset: 32}}})
		b.Add(&btf.Struct{Name: "shared", Size: 16, Members: []btf.Member{{Name: "same", Type: number, Offset: 64}, {Name: "other", Type: number, Offset: uint32(32 * i)}}})
		writeTypes(t, filepath.Join(dir, name), &b)
	}
	nothing, err := (&btf.Builder{Base: types}).Bytes() // case B05: neither types nor strings
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "nothing"), nothing[:24], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "broken"), []byte("no BTF"), 0o600); err != nil {
		t.Fatal(err)
	}
	return k, dir
}

func writeTypes(t *testing.T, file string, b *btf.Builder) *btf.Types {
	t.Helper()
	types, err := b.Types()
	if err == nil {
		err = os.WriteFile(file, types.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func TestFindIn(t *testing.T) {
	l := &load{kernel: moduleKernel(t), out: &Collection{}}
	for _, c := range []struct {
		module, name string
		kind         btf.Kind
		want         string // module
		err          string
	}{
		{"", "kernel", btf.KindFunc, "", ""},
		{"", "kernel___v2", btf.KindFunc, "", ""},
		{"vmlinux", "kernel", btf.KindFunc, "", ""},
		{"vmlinux", "both", btf.KindFunc, "", "not found in this kernel without its modules"},
		{"", "both", btf.KindFunc, "alpha", ""},
		{"beta", "both", btf.KindFunc, "beta", ""},
		{"", "of_beta", btf.KindFunc, "beta", ""},
		{"alpha", "kernel", btf.KindFunc, "", "not found in kernel module alpha"},
		{"alpha", "of_beta", btf.KindFunc, "", "not found in kernel module alpha"},
		{"", "of_beta", btf.KindVar, "", "not found in this kernel and its modules"},
		{"gamma", "both", btf.KindFunc, "", "it is not loaded"},
	} {
		got, err := l.findIn(c.module, c.name, c.kind)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) || !errors.Is(err, ErrNotSupported) {
				t.Errorf("%s:%s: %v, want %q", c.module, c.name, err, c.err)
			}
		case err != nil || got.module != c.want || got.id == 0:
			t.Errorf("%s:%s: %+v, %v", c.module, c.name, got, err)
		}
	}
	if n := l.out.Notes(); len(n) != 1 || n[0].Code != "L03" || !strings.Contains(n[0].Text, `"broken"`) {
		t.Errorf("notes %+v", n)
	}
}

// opened counts the modules of moduleKernel whose types were read: those that are still there without their files.
func opened(t *testing.T, k *Kernel, dir string) int {
	t.Helper()
	names, err := k.Modules()
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range names {
		if _, err := k.ModuleTypes(name); err == nil {
			n++
		}
	}
	return n
}

// TestCoreModules asks for types that only modules have.
func TestCoreModules(t *testing.T) {
	b := btf.Builder{Order: binary.NativeEndian}
	number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	local := map[string]btf.ID{}
	for _, name := range []string{"task", "private_beta", "shared", "nowhere"} {
		local[name] = b.Add(&btf.Struct{Name: name, Size: 8, Members: []btf.Member{
			{Name: "n", Type: number}, {Name: "same", Type: number}, {Name: "other", Type: number},
		}})
	}
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		relo   btf.CoreRelo
		imm    int64
		poison string
		err    error
		opened int // modules
	}{
		{"of the kernel", btf.CoreRelo{Type: local["task"], Access: "0", Kind: btf.CoreTypeSize}, 4, "", nil, 0},
		{"of one module", btf.CoreRelo{Type: local["private_beta"], Access: "0:0", Kind: btf.CoreByteOffset}, 4, "", nil, 3},
		{"of both, the same", btf.CoreRelo{Type: local["shared"], Access: "0:1", Kind: btf.CoreByteOffset}, 8, "", nil, 3},
		{"of both, not the same", btf.CoreRelo{Type: local["shared"], Access: "0:2", Kind: btf.CoreByteOffset}, 0, "", btf.ErrAmbiguous, 3},
		{"of none", btf.CoreRelo{Type: local["nowhere"], Access: "0:0", Kind: btf.CoreByteOffset}, 0, "no struct nowhere in vmlinux, alpha, beta", nil, 3},
		{"size of none", btf.CoreRelo{Type: local["nowhere"], Access: "0", Kind: btf.CoreTypeSize}, 0, "", nil, 3},
		{"existence", btf.CoreRelo{Type: local["private_beta"], Access: "0:1", Kind: btf.CoreExists}, 0, "", nil, 3},
		{"id", btf.CoreRelo{Type: local["private_beta"], Access: "0", Kind: btf.CoreTypeIDTarget}, 8, "", nil, 3},
	} {
		p := program("p", asm.Mov64Imm(asm.R0, 77), asm.Exit())
		p.Insns.Edit(func(in []spec.Insn) { in[0].Core = &c.relo })
		k, dir := moduleKernelIn(t)
		l := &load{kernel: k, out: &Collection{}, spec: collection([]*spec.Program{p}), programs: []*spec.Program{p}}
		l.spec.BTF = types
		ready := &prepared{spec: p, code: []asm.Insn{asm.Mov64Imm(asm.R0, 77)}}
		if f, _ := btf.Resolve(types, c.relo); f.Validate {
			ready.code[0].Imm = int64(f.Local)
		}
		err := l.applyCore(ready, 0, c.relo)
		if !errors.Is(err, c.err) || (err != nil) != (c.err != nil) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.poison != "" {
			if !strings.Contains(ready.poisonAt(0), c.poison) {
				t.Errorf("%s: %q", c.name, ready.poison)
			}
		} else if c.err == nil && ready.code[0].Imm != c.imm {
			t.Errorf("%s: %d, want %d", c.name, ready.code[0].Imm, c.imm)
		}
		if n := opened(t, k, dir); n != c.opened {
			t.Errorf("%s: %d modules were opened, want %d", c.name, n, c.opened)
		}
		if i := slices.IndexFunc(l.out.notes, func(n spec.Note) bool { return n.Code == "L05" }); (i >= 0) != (c.relo.Kind == btf.CoreTypeIDTarget) {
			t.Errorf("%s: notes %+v", c.name, l.out.notes)
		}
	}
}

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
		r := Run{Data: packet()}
		if err := c.Program("p").Run(&r); err != nil || r.Ret != 7 {
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
	r := Run{Data: packet()}
	if err := got.Program("p").Run(&r); err != nil || r.Ret != 7 {
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
	r := Run{Data: packet()}
	if err := got.Program("p").Run(&r); err != nil || r.Ret != want {
		t.Errorf("run: %d, %v, want %d", r.Ret, err, want)
	}
}
