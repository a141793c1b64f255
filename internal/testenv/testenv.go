// Package testenv tells tests what the machine offers. A test that lacks something skips with one
// clear line, unless BPFHOST_REQUIRE names it: then it fails.
package testenv

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

	Corpus   = "corpus"   // modules of others, as .ci/corpus fetches them, and compilers that make some
	Packages = "packages" // what is only compared with: other versions of clang, packages with BPF objects
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

// RaceEnv is the variable of the environment that has the options of the race detector.
const RaceEnv = "GORACE"

// RaceOptions returns the options of the race detector for processes that run the test program once
// more: those that this process has, and that such a process ends without a wait. The detector reads
// them when a process starts, and where it is not in the program they mean nothing.
func RaceOptions() string {
	return strings.TrimSpace(raceOptions + " " + os.Getenv(RaceEnv))
}

// NeedKernel skips the test on a kernel older than the one that has the feature first, e.g. "6.6".
// On a newer one the test runs, so that a feature which is not found there is a failure.
func NeedKernel(t testing.TB, since, feature string) {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		Skip(t, Kernel, err.Error())
	}
	have := strings.TrimSpace(string(b))
	if older(have, since) {
		t.Skipf("needs kernel %s: %s (this is %s)", since, feature, have)
	}
}

// NeedConfig skips the test where the kernel was built without an option, e.g. "CONFIG_KPROBES". It
// tells so only of a kernel that shows its configuration, in /proc/config.gz or below /boot;
// elsewhere the test runs.
func NeedConfig(t testing.TB, option string) {
	t.Helper()
	text, err := config()
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if !configured(text, option) {
		t.Skipf("needs %s: the kernel was built without it", option)
	}
}

// config reads the configuration of the running kernel.
func config() ([]byte, error) {
	f, err := os.Open("/proc/config.gz")
	if err != nil {
		release, err := os.ReadFile("/proc/sys/kernel/osrelease")
		if err != nil {
			return nil, err
		}
		return os.ReadFile("/boot/config-" + strings.TrimSpace(string(release)))
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// configured reports whether an option is built in or a module.
func configured(config []byte, option string) bool {
	for line := range strings.Lines(string(config)) {
		if value, ok := strings.CutPrefix(line, option+"="); ok && strings.TrimSpace(value) != "n" {
			return true
		}
	}
	return false
}

// InLab is set in the machines of the kernel lab: the name of the kernel there.
const InLab = "BPFHOST_LAB"

// Refused skips the test where a machine refuses what its kernel has, by a rule of its own: some
// let nobody trace functions, for instance. A machine of the kernel lab has no such
// rules, so there it is a failure.
func Refused(t testing.TB, what string, err error) {
	t.Helper()
	if name := os.Getenv(InLab); name != "" {
		t.Fatalf("kernel %s of the lab refuses %s: %v", name, what, err)
	}
	t.Skipf("needs lab: this machine refuses %s: %v", what, err)
}

// NeedModule skips the test where a kernel module is not loaded. The machines of the kernel lab
// load each module that a test of the package names so, as a literal: there it is a failure.
// Built-in ones count where the kernel shows them below /sys/module.
func NeedModule(t testing.TB, name string) {
	t.Helper()
	name = strings.ReplaceAll(name, "-", "_")
	if _, err := os.Stat("/sys/module/" + name); err == nil {
		return
	}
	if list, err := os.ReadFile("/proc/modules"); err == nil && strings.Contains("\n"+string(list), "\n"+name+" ") {
		return
	}
	Refused(t, "module "+name, errors.New("it is not loaded"))
}

// older compares kernel releases by their first two numbers.
func older(have, want string) bool {
	var a, b [2]int
	fmt.Sscanf(have, "%d.%d", &a[0], &a[1])
	fmt.Sscanf(want, "%d.%d", &b[0], &b[1])
	return slices.Compare(a[:], b[:]) < 0
}
