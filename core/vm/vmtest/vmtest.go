// Package vmtest is for tests of eBPF programs: they run in user space, on core/vm, with go test,
// without root and on any system.
//
// Cases in files, whose format docs/test.md describes, are two lines:
//
//	func TestDrops(t *testing.T) {
//		vmtest.Run(t, "testdata/*.yaml")
//	}
//
// With UPDATE=1 in the environment, Run writes what comes of the cases into the files. A test in Go
// loads an object with Load, and goes on with the machine.
package vmtest

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/testcase"
)

// updateEnv is the variable that makes Run write.
const updateEnv = "UPDATE"

// Run runs the cases of all files that a pattern matches, each as a test of its own. No file is a
// failure.
func Run(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s (%v)", pattern, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) { runFile(t, name) })
	}
}

func runFile(t *testing.T, name string) {
	f, err := testcase.Load(name, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	if on, _ := strconv.ParseBool(os.Getenv(updateEnv)); on {
		b, err := f.Update(testcase.Machine{})
		if err == nil {
			err = os.WriteFile(name, b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range f.Cases {
		t.Run(c.Name, func(t *testing.T) {
			o := f.Run(c, testcase.Machine{})
			if o.Err != nil {
				t.Fatalf("%s:%d: %v", name, c.Line, o.Err)
			}
			for _, d := range o.Differences {
				t.Errorf("%s:%d: %s", name, c.Line, d)
			}
		})
	}
}

// Load makes a machine of an object file. It fails the test if the object cannot be read or needs
// something that is not simulated.
func Load(t testing.TB, object string, o vm.Options) *vm.Machine {
	t.Helper()
	b, err := os.ReadFile(object)
	if err != nil {
		t.Fatal(err)
	}
	c, err := elf.LoadBytes(b, elf.Options{})
	if err != nil {
		t.Fatalf("read %s: %v", object, err)
	}
	m, err := vm.New(c, o)
	if err != nil {
		t.Fatalf("load %s: %v", object, err)
	}
	return m
}
