package loader

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

func TestLink(t *testing.T) {
	c := collection(nil)
	c.Vars = []*spec.Var{{Name: "v", Map: ".data", Offset: 8, Size: 8}}
	l := &session{spec: c, fds: map[string]int{"m": 5, ".data": 6}}
	for _, x := range []struct {
		name string
		in   asm.Insn
		src  asm.Reg
		imm  int64
		err  string
	}{
		{"map", asm.LoadMap(asm.R1, "m"), asm.PseudoMapFD, 5, ""},
		{"value", asm.LoadMapValue(asm.R1, "m", 16), asm.PseudoMapValue, 16<<32 | 5, ""},
		{"variable", asm.LoadVar(asm.R1, "v", 4), asm.PseudoMapValue, 12<<32 | 6, ""},
		{"constant", asm.LoadImm64(asm.R1, 9), 0, 9, ""},
		{"no map", asm.LoadMap(asm.R1, "none"), 0, 0, `no map "none"`},
		{"no variable", asm.LoadVar(asm.R1, "none", 0), 0, 0, `no variable "none"`},
		{"call", asm.Insn{Op: asm.OpCall, Ref: asm.RefMap, Symbol: "m"}, 0, 0, "cannot refer to map"},
		{"negative", asm.Insn{Op: asm.OpLoadImm64, Imm: -1, Ref: asm.RefMapValue, Symbol: "m"}, 0, 0, "does not fit 32 bits"},
	} {
		p := &prepared{Program: &bind.Program{Code: []asm.Insn{x.in}}}
		err := l.link(p)
		if x.err != "" {
			if err == nil || !strings.Contains(err.Error(), x.err) {
				t.Errorf("%s: %v, want %q", x.name, err, x.err)
			}
			continue
		}
		if got := p.Code[0]; err != nil || got.Src != x.src || got.Imm != x.imm || got.Ref != asm.RefNone {
			t.Errorf("%s: %+v, %v", x.name, got, err)
		}
	}
}

// coreProgram returns a collection whose program returns the tgid of the running task, which its
// own types have at a wrong place. what is the field that it reads.
func coreProgram(t *testing.T, what string) *spec.Collection {
	t.Helper()
	b := btf.Builder{}
	number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	task := b.Add(&btf.Struct{Name: "task_struct___mine", Size: 8, Members: []btf.Member{
		{Name: "pid", Type: number}, {Name: what, Type: number, Offset: 32},
	}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	p := program("tgid",
		asm.Call(asm.HelperGetCurrentTask),
		asm.Mov64Reg(asm.R3, asm.R0),
		asm.ALU64Imm(asm.Add, asm.R3, 4), // the offset of the field
		asm.Mov64Reg(asm.R1, asm.R10), asm.ALU64Imm(asm.Add, asm.R1, -4),
		asm.Mov64Imm(asm.R2, 4),
		asm.Call(asm.HelperProbeReadKernel),
		asm.LoadMem(asm.R0, asm.R10, -4, asm.Word),
		asm.Exit())
	p.Type = spec.ProgramRawTracepoint
	p.Insns.Edit(func(in []spec.Insn) { in[2].Core = &btf.CoreRelo{Type: task, Access: "0:1", Kind: btf.CoreByteOffset} })
	c := collection([]*spec.Program{p})
	c.BTF = types
	return c
}

func TestCore(t *testing.T) {
	got := loadT(t, coreProgram(t, "tgid"), Options{})
	if r, err := got.Program("tgid").TestRun(TestRunOptions{}); err != nil || int(r.Ret) != os.Getpid() {
		t.Errorf("run: %d, %v, want %d", r.Ret, err, os.Getpid())
	}
}

func TestCoreMissingField(t *testing.T) {
	needKernel(t)
	_, err := Load(coreProgram(t, "no_such_field"), Options{})
	if err == nil || !strings.Contains(err.Error(), "byte_off struct task_struct___mine.no_such_field") || !strings.Contains(err.Error(), "instruction 2") {
		t.Errorf("got %v", err)
	}
}

func TestCoreWithoutTypes(t *testing.T) {
	needKernel(t)
	c := coreProgram(t, "tgid")
	c.BTF = nil
	if _, err := Load(c, Options{}); err == nil || !strings.Contains(err.Error(), "no types") {
		t.Errorf("got %v", err)
	}
}

// sized is a collection whose program returns the size of struct odd___mine, or what relo says of
// it, with types that it is loaded for: there it has 1234 bytes.
func sized(t *testing.T, order binary.ByteOrder, kind btf.CoreKind) (*spec.Collection, *btf.Types) {
	t.Helper()
	table := func(name string, size uint32) (*btf.Types, btf.ID) {
		b := btf.Builder{Order: order}
		id := b.Add(&btf.Struct{Name: name, Size: size})
		types, err := b.Types()
		if err != nil {
			t.Fatal(err)
		}
		return types, id
	}
	local, id := table("odd___mine", 8)
	given, _ := table("odd", 1234)
	p := program("size", asm.Mov64Imm(asm.R0, 8), asm.Exit())
	p.Insns.Edit(func(in []spec.Insn) { in[0].Core = &btf.CoreRelo{Type: id, Access: "0", Kind: kind} })
	c := collection([]*spec.Program{p})
	c.BTF = local
	return c, given
}

// TestCoreTypes loads for types of the caller on a kernel that has none.
func TestCoreTypes(t *testing.T) {
	k := kernel.New(kernel.Options{TypesDir: t.TempDir()})
	defer k.Close()
	c, given := sized(t, binary.NativeEndian, btf.CoreTypeSize)
	got := loadT(t, c, Options{Kernel: k, CoreTypes: given})
	if r, err := got.Program("size").TestRun(TestRunOptions{Data: packet()}); err != nil || r.Ret != 1234 || len(got.Notes()) != 0 {
		t.Errorf("run: %d, %v, notes %v", r.Ret, err, got.Notes())
	}
	if _, err := Load(c, Options{Kernel: k}); !errors.Is(err, ErrNotSupported) {
		t.Errorf("without types: %v", err)
	}
	// What is not there is not looked for in the kernel or its modules.
	got = loadT(t, c, Options{CoreTypes: c.BTF})
	if r, err := got.Program("size").TestRun(TestRunOptions{Data: packet()}); err != nil || r.Ret != 8 {
		t.Errorf("its own types: %d, %v", r.Ret, err)
	}
	var none btf.Builder
	empty, err := none.Types()
	if err != nil {
		t.Fatal(err)
	}
	got = loadT(t, c, Options{Kernel: k, CoreTypes: empty})
	if r, err := got.Program("size").TestRun(TestRunOptions{Data: packet()}); err != nil || r.Ret != 0 {
		t.Errorf("types without it: %d, %v", r.Ret, err)
	}
	c, given = sized(t, binary.NativeEndian, btf.CoreTypeIDTarget)
	got = loadT(t, c, Options{CoreTypes: given})
	if n := got.Notes(); len(n) != 1 || n[0].Code != "L05" || !strings.Contains(n[0].Text, "target_type_id struct odd___mine") {
		t.Errorf("notes %v", n)
	}
}

// TestCoreTypesOrder refuses types of another machine before the kernel is asked for anything.
func TestCoreTypesOrder(t *testing.T) {
	c, _ := sized(t, binary.NativeEndian, btf.CoreTypeSize)
	var other binary.ByteOrder = binary.BigEndian
	if nativeOrder() == asm.BigEndian {
		other = binary.LittleEndian
	}
	_, given := sized(t, other, btf.CoreTypeSize)
	if _, err := Load(c, Options{CoreTypes: given}); !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "types for CO-RE") {
		t.Error(err)
	}
}

// TestCoreTypesSmallest loads a program that reads the running task with the smallest types that it
// needs.
func TestCoreTypesSmallest(t *testing.T) {
	needKernel(t)
	k := NewKernel()
	defer k.Close()
	types, err := k.Types()
	if err != nil {
		t.Fatal(err)
	}
	c := coreProgram(t, "tgid")
	m := btf.NewMinCore(types)
	for _, in := range c.Programs[0].Insns.All() {
		if in.Core != nil {
			if err := m.Add(c.BTF, []btf.CoreRelo{*in.Core}); err != nil {
				t.Fatal(err)
			}
		}
	}
	small, _, err := m.Types()
	if err != nil {
		t.Fatal(err)
	}
	bare := kernel.New(kernel.Options{TypesDir: t.TempDir()})
	defer bare.Close()
	got := loadT(t, c, Options{Kernel: bare, CoreTypes: small})
	if r, err := got.Programs()[0].TestRun(TestRunOptions{}); err != nil || int(r.Ret) != os.Getpid() {
		t.Errorf("run: %d, %v, want %d", r.Ret, err, os.Getpid())
	}
}

func TestKernelSymbols(t *testing.T) {
	needKernel(t)
	low := func(in asm.Insn) *spec.Collection { // returns the low half of the address
		return collection([]*spec.Program{program("sym", in, asm.Mov32Reg(asm.R0, asm.R1), asm.Exit())})
	}
	k := NewKernel()
	defer k.Close()
	want, hidden, err := k.Symbols("_stext")
	if err != nil || hidden || len(want["_stext"]) != 1 {
		testenv.Skip(t, testenv.Kernel, fmt.Sprintf("addresses of kernel symbols are hidden: %v, %v", hidden, err))
	}
	got := loadT(t, low(asm.LoadKsym(asm.R1, "_stext___mine")), Options{Kernel: k})
	if r, err := got.Program("sym").TestRun(TestRunOptions{Data: packet()}); err != nil || r.Ret != uint32(want["_stext"][0]) {
		t.Errorf("address %#x, %v, want %#x", r.Ret, err, want["_stext"][0])
	}
	c := low(asm.LoadKsym(asm.R1, "no_such_symbol"))
	c.Externs = []spec.Extern{{Name: "no_such_symbol", Kind: spec.ExternKsym, Weak: true}}
	got = loadT(t, c, Options{Kernel: k})
	if r, err := got.Program("sym").TestRun(TestRunOptions{Data: packet()}); err != nil || r.Ret != 0 {
		t.Errorf("weak symbol: %#x, %v", r.Ret, err)
	}
	c.Externs[0].Weak = false
	if _, err := Load(c, Options{Kernel: k}); !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "no_such_symbol") {
		t.Errorf("missing symbol: %v", err)
	}
}
