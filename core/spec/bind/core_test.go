package bind

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
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

// opened counts the modules of moduleKernel whose types were read: those that are still there without their files.
func opened(t *testing.T, k *kernel.Kernel, dir string) int {
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
		p := &spec.Program{Name: "p", Type: spec.ProgramXDP, Insns: spec.NewInsns(asm.Mov64Imm(asm.R0, 77), asm.Exit())}
		p.Insns.Edit(func(in []spec.Insn) { in[0].Core = &c.relo })
		k, dir := moduleKernelIn(t)
		var notes []spec.Note
		b, err := New(&spec.Collection{BTF: types}, []*spec.Program{p}, NewFinder(k, func(n spec.Note) { notes = append(notes, n) }), nil)
		if err != nil {
			t.Fatal(err)
		}
		ready := &Program{Spec: p, Code: []asm.Insn{asm.Mov64Imm(asm.R0, 77)}}
		if f, _ := btf.Resolve(types, c.relo); f.Validate {
			ready.Code[0].Imm = int64(f.Local)
		}
		err = b.applyCore(ready, 0, c.relo)
		if !errors.Is(err, c.err) || (err != nil) != (c.err != nil) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.poison != "" {
			if !strings.Contains(ready.PoisonAt(0), c.poison) {
				t.Errorf("%s: %q", c.name, ready.Poison)
			}
		} else if c.err == nil && ready.Code[0].Imm != c.imm {
			t.Errorf("%s: %d, want %d", c.name, ready.Code[0].Imm, c.imm)
		}
		if n := opened(t, k, dir); n != c.opened {
			t.Errorf("%s: %d modules were opened, want %d", c.name, n, c.opened)
		}
		if i := slices.IndexFunc(notes, func(n spec.Note) bool { return n.Code == "L05" }); (i >= 0) != (c.relo.Kind == btf.CoreTypeIDTarget) {
			t.Errorf("%s: notes %+v", c.name, notes)
		}
	}
}
