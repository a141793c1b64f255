package loader_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/elflink"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// object reads a fixture of package elf.
func object(t testing.TB, name string) *spec.Collection {
	t.Helper()
	return readObject(t, name, elf.Options{})
}

func readObject(t testing.TB, name string, o elf.Options) *spec.Collection {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// loaded loads a fixture, optional programs included, without the programs that drop names.
func loaded(t testing.TB, name string, drop ...string) (*spec.Collection, *loader.Collection) {
	t.Helper()
	c := object(t, name)
	c.Programs = slices.DeleteFunc(c.Programs, func(p *spec.Program) bool { return slices.Contains(drop, p.Name) })
	o := loader.Options{}
	for _, p := range c.Programs {
		o.Programs = append(o.Programs, p.Name)
	}
	got, err := loader.Load(c, o)
	kerneltest.Check(t, err)
	t.Cleanup(func() { got.Close() })
	for _, n := range got.Notes() {
		t.Errorf("note %s: %s", n.Code, n.Text)
	}
	return c, got
}

// TestStaticPrograms loads programs that are static functions and calls one through an array of programs.
func TestStaticPrograms(t *testing.T) {
	c := readObject(t, "core/elf/testdata/lenient/static-el.o", elf.Options{Lenient: true})
	got, err := loader.Load(c, loader.Options{})
	kerneltest.Check(t, err)
	t.Cleanup(func() { got.Close() })
	for name, want := range map[string]uint32{"lonely": 3, "entry": 2} {
		if r, err := got.Program(name).TestRun(loader.TestRunOptions{Data: make([]byte, 64)}); err != nil || r.Ret != want {
			t.Errorf("%s returns %d, %v", name, r.Ret, err)
		}
	}
}

func TestObjects(t *testing.T) {
	for _, x := range []struct {
		name string
		drop []string
	}{
		{"core/elf/testdata/basic-el.o", nil},
		{"core/elf/testdata/core-el.o", []string{"entry", "enter"}}, // fentry is not everywhere, nor is init_task in kallsyms
		{"core/elf/testdata/legacy-el.o", nil},
		{"core/elf/testdata/cpp-el.o", nil},
		{"guests/pktguard/pktguard.bpf.o", nil},
		{"guests/execwatch/execwatch.bpf.o", nil},
	} {
		t.Run(filepath.Base(x.name), func(t *testing.T) {
			if filepath.Base(x.name) == "basic-el.o" {
				testenv.NeedKernel(t, "5.17", "bpf_loop")
			}
			c, got := loaded(t, x.name, x.drop...)
			if len(got.Programs()) != len(c.Programs) || len(got.Maps()) != len(c.Maps) {
				t.Errorf("%d programs of %d, %d maps of %d", len(got.Programs()), len(c.Programs), len(got.Maps()), len(c.Maps))
			}
			for _, p := range got.Programs() {
				i, err := p.Info()
				if err != nil {
					t.Error(err)
				}
				if c.BTF != nil && (i.BTF == 0 || i.Funcs == 0 || i.Lines == 0) {
					t.Errorf("program %s has types %d, %d functions, %d lines", p.Name(), i.BTF, i.Funcs, i.Lines)
				}
			}
			for _, m := range got.Maps() {
				i, err := m.Info()
				if err != nil {
					t.Error(err)
				}
				if m.ValueType() != 0 && i.BTF == 0 && (m.Type() == spec.MapHash || m.Type() == spec.MapArray) {
					t.Errorf("map %s has no types", m.Name())
				}
			}
		})
	}
}

// TestConfigurationValues reads back what the loader wrote for the externs of core.c.
func TestConfigurationValues(t *testing.T) {
	c, got := loaded(t, "core/elf/testdata/core-el.o", "entry", "enter")
	m := got.Map(".kconfig")
	b := make([]byte, m.ValueBufferSize())
	if err := m.Lookup(make([]byte, 4), b); err != nil {
		t.Fatal(err)
	}
	k := loader.NewKernel()
	defer k.Close()
	want, err := k.Version()
	if err != nil {
		t.Fatal(err)
	}
	if v := binary.NativeEndian.Uint32(b[c.Var("LINUX_KERNEL_VERSION").Offset:]); v != want || v>>16 < 5 {
		t.Errorf("LINUX_KERNEL_VERSION is %#x, want %#x", v, want)
	}
	jit, _, err := k.Config("CONFIG_BPF_JIT")
	if err != nil {
		t.Fatal(err)
	}
	if v := b[c.Var("CONFIG_BPF_JIT").Offset]; (v == 1) != (jit == "y") {
		t.Errorf("CONFIG_BPF_JIT is %d, the kernel has %q", v, jit)
	}
}

// TestBasicObject runs the programs of basic.c: variables, calls, a callback, a ring buffer.
func TestBasicObject(t *testing.T) {
	testenv.NeedKernel(t, "5.17", "bpf_loop")
	c, got := loaded(t, "core/elf/testdata/basic-el.o")
	key := make([]byte, 4) // a test run has interface 0, or that of the loopback
	flow := make([]byte, got.Map("flows").ValueBufferSize())
	for index := range uint32(3) {
		binary.NativeEndian.PutUint32(key, index)
		if err := got.Map("flows").Update(key, flow, loader.UpdateAny); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := got.Program("drop").TestRun(loader.TestRunOptions{Data: make([]byte, 64)}); err != nil || (r.Ret != 1 && r.Ret != 2) {
		t.Fatalf("run: %d, %v", r.Ret, err)
	}
	v := c.Var("seen")
	data := make([]byte, got.Map(v.Map).ValueBufferSize())
	if err := got.Map(v.Map).Lookup(make([]byte, 4), data); err != nil {
		t.Fatal(err)
	}
	// 1 at the start, plus 0+1+2+3 by the callback, plus quiet (0), fallback (5) and named (3).
	if seen := binary.NativeEndian.Uint64(data[v.Offset:]); seen != 1+6+0+5+3 {
		t.Errorf("seen is %d, want 15", seen)
	}
}

// TestSharedNames loads what is linked of two files that have a static variable of one name in one
// section, as any static variable of a header is: by our linker and by libbpf's.
func TestSharedNames(t *testing.T) {
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		testenv.Skip(t, testenv.Clang, err.Error())
	}
	dir := t.TempDir()
	var inputs []elflink.Object
	args := []string{"gen", "object", filepath.Join(dir, "theirs.o")}
	for name, first := range map[string]int{"a": 3, "b": 40} {
		source := fmt.Sprintf(`
char _license[] __attribute__((section("license"), used)) = "GPL";
static int cnt = %d;
int pad_%s;
__attribute__((section("socket"), used)) int p%[2]s(void *ctx) { cnt += %[1]d; pad_%[2]s++; return cnt; }
`, first, name)
		out := filepath.Join(dir, name+".o")
		cmd := exec.Command(clang, "-O2", "-g", "-target", "bpf", "-x", "c", "-c", "-", "-o", out)
		cmd.Stdin = strings.NewReader(source)
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, msg)
		}
		file, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		inputs, args = append(inputs, elflink.Object{Name: name, Data: file}), append(args, out)
	}
	ours, err := elflink.Link(inputs...)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"ours": ours}
	if msg, err := exec.Command("bpftool", args...).CombinedOutput(); err != nil {
		testenv.Skip(t, testenv.Clang, fmt.Sprintf("bpftool gen object: %v: %s", err, msg))
	}
	if files["theirs"], err = os.ReadFile(filepath.Join(dir, "theirs.o")); err != nil {
		t.Fatal(err)
	}
	for name, file := range files {
		c, err := elf.LoadBytes(file, elf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := loader.Load(c, loader.Options{})
		kerneltest.Check(t, err)
		defer got.Close()
		if n := got.Notes(); len(n) != 0 {
			t.Errorf("%s: notes %v", name, n)
		}
		for program, want := range map[string]uint32{"pa": 6, "pb": 80} {
			if r, err := got.Program(program).TestRun(loader.TestRunOptions{Data: make([]byte, 14)}); err != nil || r.Ret != want {
				t.Errorf("%s: %s returns %d, %v, want %d", name, program, r.Ret, err, want)
			}
		}
		blob, lost, err := c.BTF.ForKernel(btf.KernelOptions{})
		if err != nil || len(lost) > 0 {
			t.Fatalf("%v, %v", lost, err)
		}
		types, err := btf.Parse(blob, btf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, d, err := btf.FindAs[*btf.Datasec](types, ".data")
		if err != nil || len(d.Vars) != 2 || d.Vars[0].Offset == d.Vars[1].Offset || types.Name(d.Vars[0].Type) != "cnt" || types.Name(d.Vars[1].Type) != "cnt" {
			t.Errorf("%s: .data in the kernel: %+v, %v", name, d, err)
		}
	}
}
