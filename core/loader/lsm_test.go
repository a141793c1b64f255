package loader

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// lsmKernel is a kernel of a version with hooks of two arguments that return a number or nothing.
func lsmKernel(t *testing.T, version uint32, hooks ...string) *Kernel {
	t.Helper()
	b := btf.Builder{Order: binary.NativeEndian}
	number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	params := []btf.Param{{Name: "a", Type: number}, {Name: "b", Type: number}}
	proto, void := b.Add(&btf.FuncProto{Return: number, Params: params}), b.Add(&btf.FuncProto{Params: params})
	for _, h := range hooks {
		typ := proto
		if strings.HasSuffix(h, "_free") {
			typ = void
		}
		b.Add(&btf.Func{Name: "bpf_lsm_" + h, Type: typ})
	}
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeTypes(t, filepath.Join(dir, vmlinux), types)
	k := kernel.New(kernel.Options{Version: version, CPUs: 4, TypesDir: dir})
	t.Cleanup(func() { k.Close() })
	return k
}

func lsmProgram(t *testing.T, hook, text string) *spec.Program {
	t.Helper()
	insns, err := asm.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	p := program("guard", insns.Insns...)
	p.Type, p.AttachType, p.AttachTo = spec.ProgramLSM, spec.AttachTypeLSMMac, hook
	return p
}

// TestCheckLSM holds what programs return against what kernels before 6.12 do not check.
func TestCheckLSM(t *testing.T) {
	const old, checks = 5<<16 | 10<<8, 6<<16 | 12<<8
	const refused = ", where hook file_open takes 0 or a negative error number (at least -4095); Linux before 6.12 does not check that and breaks"
	for _, tt := range []struct {
		name    string
		version uint32
		hook    string
		text    string
		err     string // "" is none
		note    string // likewise
	}{
		{"allowed", old, "file_open", "r0 = 0\nexit", "", ""},
		{"denied", old, "file_open", "r0 = -1\nexit", "", ""},
		{"denied, 32 bits", old, "file_open", "w0 = -1\nexit", "", ""},
		{"either", old, "file_open", "r0 = 0\nr1 = *(u64 *)(r1 + 0)\nif r1 == 0 goto L1\nr0 = -13\nL1: exit", "", ""},
		{"what was before", old, "file_open", "r6 = r1\nr0 = *(u64 *)(r6 + 16)\nif r0 != 0 goto L1\nr0 = -1\nL1: exit", "", ""},
		{"what was before, 32 bits", old, "file_open", "r0 = *(u32 *)(r1 + 16)\nexit", "", ""},
		{"positive", old, "file_open", "r0 = 1\nexit", "instruction 1: it returns 1" + refused, ""},
		{"positive, one way", old, "file_open", "r0 = 0\nr1 = *(u64 *)(r1 + 0)\nif r1 == 0 goto L1\nr0 = 1\nL1: exit", "instruction 3: it returns 1" + refused, ""},
		{"not an error number", old, "file_open", "r0 = -4096\nexit", "instruction 1: it returns -4096" + refused, ""},
		{"positive where it never gets", old, "file_open", "r1 = 0\nr0 = 0\nif r1 == 0 goto L1\nr0 = 1\nL1: exit", "", ""},
		{"positive while a variable is set", old, "file_open", "r1 = var[on] ll\nr1 = *(u32 *)(r1 + 0)\nr0 = 0\nif r1 == 0 goto L1\nr0 = 1\nL1: exit", "", ""},
		{"positive while a configuration value is set", old, "file_open",
			"r1 = var[LINUX_HAS_BPF_COOKIE] ll\nr1 = *(u32 *)(r1 + 0)\nr0 = 0\nif r1 == 0 goto L1\nr0 = 1\nL1: exit", "instruction 4: it returns 1" + refused, ""},
		{"an argument", old, "file_open", "r0 = *(u64 *)(r1 + 8)\nexit", "", "whether it returns only 0"},
		{"what a helper returns", old, "file_open", "call bpf_ktime_get_ns#5\nexit", "", "whether it returns only 0"},
		{"another function", old, "file_open", "r0 = 0\ncall +2\nr0 = 0\nexit\nr0 = 1\nexit", "", ""},
		{"nothing", old, "inode_free", "r0 = 1\nexit", "", ""},
		{"own meaning", old, "vm_enough_memory", "r0 = 1\nexit", "", "has a meaning of its own"},
		{"own meaning, with the module", old, "vmlinux:vm_enough_memory", "r0 = 1\nexit", "", "has a meaning of its own"},
		{"kernel that checks", checks, "file_open", "r0 = 1\nexit", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newSession(lsmKernel(t, tt.version, "file_open", "inode_free", "vm_enough_memory"))
			s := lsmProgram(t, tt.hook, tt.text)
			l.spec = collection([]*spec.Program{s}, &spec.Map{Name: ".rodata", Section: ".rodata", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Freeze: true, Data: make([]byte, 8)})
			l.spec.Vars = []*spec.Var{{Name: "on", Map: ".rodata", Section: ".rodata", Offset: 4, Size: 4}}
			if strings.Contains(tt.text, "LINUX_") {
				l.spec.Vars = append(l.spec.Vars, &spec.Var{Name: "LINUX_HAS_BPF_COOKIE", Map: ".rodata", Size: 4})
				l.spec.Externs = []spec.Extern{{Name: "LINUX_HAS_BPF_COOKIE", Kind: spec.ExternKconfig}}
			}
			b, err := bind.New(l.spec, l.spec.Programs, l.finder, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = l.prepare(b, s)
			if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("%v, want %s", err, tt.err)
			}
			notes := l.out.notes
			if (len(notes) > 0) != (tt.note != "") || len(notes) > 0 && (notes[0].Code != "L09" || !strings.Contains(notes[0].Text, tt.note)) {
				t.Errorf("notes %v, want %q", notes, tt.note)
			}
		})
	}
}

// TestLSMReturn loads an LSM program that returns what would break the machine: every kernel of the
// lab has to refuse it, by itself or by the loader.
func TestLSMReturn(t *testing.T) {
	needKernel(t)
	testenv.NeedConfig(t, "CONFIG_BPF_LSM")
	good, err := Load(collection([]*spec.Program{lsmProgram(t, "file_open", "r0 = 0\nexit")}), Options{})
	if errors.Is(err, ErrPermission) {
		testenv.Refused(t, "LSM programs", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if notes := good.Notes(); len(notes) > 0 {
		t.Error(notes)
	}
	good.Close()
	bad, err := Load(collection([]*spec.Program{lsmProgram(t, "file_open", "r0 = 1\nexit")}), Options{})
	if err == nil {
		bad.Close()
		t.Fatal("it is loaded")
	}
	var v *VerifierError
	if !errors.As(err, &v) && !strings.Contains(err.Error(), "it returns 1, where hook file_open takes") {
		t.Error(err)
	}
}
