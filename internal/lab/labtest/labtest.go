// Package labtest provides tests of any package with what the kernel lab has collected of a kernel.
// Where that was not done, a test skips, or fails if BPFHOST_REQUIRE names the lab.
package labtest

import (
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/lab"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// Facts returns what was collected of a kernel, named as in lab.Kernels.
func Facts(t testing.TB, kernel string) *lab.FactSet {
	t.Helper()
	f, err := lab.Facts(kernel)
	if err != nil {
		testenv.Skip(t, testenv.Lab, err.Error())
	}
	return f
}

// Types returns the types of a kernel.
func Types(t testing.TB, kernel string) *btf.Types {
	t.Helper()
	return Open(t, Facts(t, kernel).VmlinuxBTF, nil)
}

// ModuleTypes returns the types of the module nf_conntrack, split from those of the kernel. Kernels
// older than 5.11 have none: it fails the test.
func ModuleTypes(t testing.TB, kernel string) *btf.Types {
	t.Helper()
	f := Facts(t, kernel)
	return Open(t, f.ModuleBTF, Open(t, f.VmlinuxBTF, nil))
}

// Enum returns the enum of a name.
func Enum(t testing.TB, types *btf.Types, name string) *btf.Enum {
	t.Helper()
	_, enum, err := btf.FindAs[*btf.Enum](types, name)
	if err != nil {
		t.Fatal(err)
	}
	return enum
}

// Open reads and validates the types of a file, which may be any. base is what split types go on
// from, or nil.
func Open(t testing.TB, file string, base *btf.Types) *btf.Types {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	types, err := btf.Parse(raw, btf.Options{Base: base})
	if err == nil {
		err = types.Validate()
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return types
}
