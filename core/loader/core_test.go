package loader

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
)

func TestPatch(t *testing.T) {
	load := func(off int16, s asm.Size) asm.Insn { return asm.LoadMem(asm.R0, asm.R1, off, s) }
	for _, c := range []struct {
		name   string
		in     asm.Insn
		f      btf.CoreResult
		want   asm.Insn
		reason string
		err    string
	}{
		{"immediate", asm.Mov64Imm(asm.R1, 8), btf.CoreResult{Value: 16, Local: 8, Validate: true}, asm.Mov64Imm(asm.R1, 16), "", ""},
		{"other immediate", asm.Mov64Imm(asm.R1, 9), btf.CoreResult{Value: 16, Local: 8, Validate: true}, asm.Insn{}, "", "holds 9, not 8"},
		{"negative immediate", asm.Mov64Imm(asm.R1, -1), btf.CoreResult{Value: 1<<64 - 2, Local: 1<<64 - 1, Validate: true}, asm.Mov64Imm(asm.R1, -2), "", ""},
		{"large immediate", asm.Mov64Imm(asm.R1, 8), btf.CoreResult{Value: 1 << 40, Local: 8}, asm.Insn{}, "does not fit 32 bits", ""},
		{"register", asm.Mov64Reg(asm.R1, asm.R2), btf.CoreResult{}, asm.Insn{}, "", "no immediate"},
		{"64-bit load", asm.LoadImm64(asm.R1, 8), btf.CoreResult{Value: 1 << 40, Local: 8, Validate: true}, asm.LoadImm64(asm.R1, 1<<40), "", ""},
		{"load of a map", asm.LoadMap(asm.R1, "m"), btf.CoreResult{Value: 1}, asm.Insn{}, "", "cannot be relocated"},
		{"jump", asm.Exit(), btf.CoreResult{}, asm.Insn{}, "", "cannot be relocated"},
		{"offset", load(8, asm.Word), btf.CoreResult{Value: 16, Local: 8, Validate: true, LocalSize: 4, TargetSize: 4}, load(16, asm.Word), "", ""},
		{"other offset", load(9, asm.Word), btf.CoreResult{Value: 16, Local: 8, Validate: true}, asm.Insn{}, "", "offset 9, not 8"},
		{"large offset", load(8, asm.Word), btf.CoreResult{Value: 40000, Local: 8}, asm.Insn{}, "does not fit 16 bits", ""},
		{"wider", load(8, asm.Word), btf.CoreResult{Value: 16, Local: 8, LocalSize: 4, TargetSize: 8}, load(16, asm.DWord), "", ""},
		{"narrower", load(8, asm.DWord), btf.CoreResult{Value: 16, Local: 8, LocalSize: 8, TargetSize: 1}, load(16, asm.Byte), "", ""},
		{"wider store", asm.StoreMem(asm.R1, 8, asm.R2, asm.Half), btf.CoreResult{Value: 2, Local: 8, LocalSize: 2, TargetSize: 4}, asm.StoreMem(asm.R1, 2, asm.R2, asm.Word), "", ""},
		{"signed load to 64 bits", asm.LoadMemSX(asm.R0, asm.R1, 8, asm.Word), btf.CoreResult{Value: 8, Local: 8, LocalSize: 4, TargetSize: 8}, load(8, asm.DWord), "", ""},
		{"odd width", load(8, asm.Word), btf.CoreResult{Value: 16, Local: 8, LocalSize: 4, TargetSize: 3}, asm.Insn{}, "has 3 bytes", ""},
		{"no resize", load(8, asm.Word), btf.CoreResult{Value: 16, Local: 8, LocalSize: 4, TargetSize: 8, NoResize: true}, asm.Insn{}, "expects 4", ""},
		{"wider atomic", asm.Atomic(asm.AtomicAdd, asm.R1, 8, asm.R2, asm.Word), btf.CoreResult{Value: 8, Local: 8, LocalSize: 4, TargetSize: 8}, asm.Insn{}, "not possible", ""},
	} {
		in := c.in
		reason, err := patch(&in, c.f)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.reason != "":
			if !strings.Contains(reason, c.reason) {
				t.Errorf("%s: reason %q, want %q", c.name, reason, c.reason)
			}
		case reason != "" || in != c.want:
			t.Errorf("%s: %v (%s), want %v", c.name, in, reason, c.want)
		}
	}
}

// coreProgram returns a collection whose program returns the tgid of the running task, which its own types
// have at a wrong place. what is the field that it reads.
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
	r := Run{}
	if err := got.Program("tgid").Run(&r); err != nil || int(r.Ret) != os.Getpid() {
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

// sized is a collection whose program returns the size of struct odd___mine, or what relo says of it, with types that it is
// loaded for: there it has 1234 bytes.
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

// TestCoreTypes loads for types that the caller gives on a kernel that has none.
func TestCoreTypes(t *testing.T) {
	k := kernel.New(kernel.Options{TypesDir: t.TempDir()})
	defer k.Close()
	c, given := sized(t, binary.NativeEndian, btf.CoreTypeSize)
	got := loadT(t, c, Options{Kernel: k, CoreTypes: given})
	r := Run{Data: packet()}
	if err := got.Program("size").Run(&r); err != nil || r.Ret != 1234 || len(got.Notes()) != 0 {
		t.Errorf("run: %d, %v, notes %v", r.Ret, err, got.Notes())
	}
	if _, err := Load(c, Options{Kernel: k}); !errors.Is(err, ErrNotSupported) {
		t.Errorf("without types: %v", err)
	}
	// What is not there is not looked for in the kernel or its modules.
	got = loadT(t, c, Options{CoreTypes: c.BTF})
	r = Run{Data: packet()}
	if err := got.Program("size").Run(&r); err != nil || r.Ret != 8 {
		t.Errorf("its own types: %d, %v", r.Ret, err)
	}
	var none btf.Builder
	empty, err := none.Types()
	if err != nil {
		t.Fatal(err)
	}
	if got = loadT(t, c, Options{Kernel: k, CoreTypes: empty}); got.Program("size").Run(&r) != nil || r.Ret != 0 {
		t.Errorf("types without it: %d", r.Ret)
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

// TestCoreTypesSmallest loads a program that reads the running task with the smallest types that it needs.
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
	r := Run{}
	if err := got.Programs()[0].Run(&r); err != nil || int(r.Ret) != os.Getpid() {
		t.Errorf("run: %d, %v, want %d", r.Ret, err, os.Getpid())
	}
}
