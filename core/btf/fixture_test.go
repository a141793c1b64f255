package btf

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// fixture opens the types of testdata/kinds.c.
func fixture(t testing.TB) *Types {
	t.Helper()
	types, err := Parse(fixtureBytes(t, "kinds.btf"), Options{})
	if err == nil {
		err = types.Validate()
	}
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func fixtureBytes(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// find is Find that must succeed.
func find(t testing.TB, types *Types, name string, kind Kind) ID {
	t.Helper()
	id, err := types.Find(name, kind)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// build is Builder.Types that must succeed.
func build(t testing.TB, b *Builder) *Types {
	t.Helper()
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// TestFixtureRebuild runs the recipe of testdata/README.md.
func TestFixtureRebuild(t *testing.T) {
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		testenv.Skip(t, testenv.Clang, err.Error())
	}
	obj := filepath.Join(t.TempDir(), "kinds.o")
	cmd := exec.Command(clang, "-target", "bpf", "-mcpu=v3", "-g", "-O2", "-Wno-unused",
		"-fdebug-compilation-dir=.", "-c", "kinds.c", "-o", obj)
	cmd.Dir = "testdata"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := elf.Open(obj)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, file := range map[string]string{".BTF": "kinds.btf", ".BTF.ext": "kinds.btfext"} {
		got, err := f.Section(name).Data()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, fixtureBytes(t, file)) {
			t.Errorf("%s is not testdata/%s any more", name, file)
		}
	}
}

const vmlinuxPath = "/sys/kernel/btf/vmlinux"

// vmlinux opens the BTF of the running kernel.
func vmlinux(t testing.TB) *Types {
	t.Helper()
	types, err := Parse(vmlinuxBytes(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func vmlinuxBytes(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(vmlinuxPath)
	if err != nil {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	return b
}
