// Package testenv tells tests what the machine offers. A test that lacks something skips with one
// clear line, unless BPFHOST_REQUIRE names it: then it fails.
package testenv

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The names that BPFHOST_REQUIRE may hold, separated by commas.
const (
	Kernel = "kernel" // bpf(2) with the privileges to load and attach
	Lab    = "lab"    // virtual machines with other kernels
	Clang  = "clang"  // clang, llvm-objdump and wasm-ld of one version
	Guests = "guests" // guests of every language can be built
)

// Skip skips the test because what is missing, or fails it where BPFHOST_REQUIRE asks for it.
func Skip(t testing.TB, what, reason string) {
	t.Helper()
	if Required(what) {
		t.Fatalf("%s is required by BPFHOST_REQUIRE but missing: %s", what, reason)
	}
	t.Skipf("needs %s: %s", what, reason)
}

// Required reports whether BPFHOST_REQUIRE names what.
func Required(what string) bool {
	return slices.Contains(strings.Split(os.Getenv("BPFHOST_REQUIRE"), ","), what)
}
