// Package kerneltest helps tests that use the kernel: they leave no descriptor open, and skip where
// the machine cannot do what they need.
package kerneltest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// Main is the TestMain of a package that opens descriptors: it runs the tests, fails when one
// leaves a descriptor open, and exits.
func Main(m *testing.M) {
	open := sys.Trace()
	code := m.Run()
	for _, fd := range open() {
		fmt.Fprintln(os.Stderr, "left open:", fd)
		code = 1
	}
	os.Exit(code)
}

// Check skips the test where err says that this process may not do something or that the kernel
// lacks it, and fails the test for any other error.
func Check(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case Unavailable(err):
		testenv.Skip(t, testenv.Kernel, err.Error())
	default:
		t.Fatalf("%+v", err)
	}
}

// Unavailable reports whether err wraps fs.ErrPermission or sys.ErrNotSupported, which
// core/kernel has as ErrPermission and ErrNotSupported.
func Unavailable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, sys.ErrNotSupported)
}
