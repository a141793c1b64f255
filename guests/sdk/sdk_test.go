package sdk_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// cFlags compile a C guest and linkFlags link it; guests/sdk/c/README.md explains them.
var (
	cFlags = []string{"--target=wasm32", "-Os", "-std=c11", "-ffreestanding", "-nostdlib",
		"-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", "c", "-c"}
	linkFlags = []string{"--no-entry", "--strip-debug", "-z", "stack-size=16384"}
)

func clang(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"clang-19", "wasm-ld-19"} {
		if _, err := exec.LookPath(tool); err != nil {
			testenv.Skip(t, testenv.Clang, tool+" is not installed")
		}
	}
	return "clang-19"
}

// buildC compiles a guest and links it, with more flags than every guest has, in two steps: a clang
// that links runs wasm-opt wherever that is installed.
func buildC(t *testing.T, source string, compile, link []string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "guest.wasm")
	for _, cmd := range []*exec.Cmd{
		exec.Command(clang(t), slices.Concat(cFlags, compile, []string{"-o", out + ".o", source})...),
		exec.Command("wasm-ld-19", slices.Concat(linkFlags, link, []string{"-o", out, out + ".o"})...),
	} {
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", source, err, text)
		}
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestC(t *testing.T) {
	checkModule(t, buildC(t, "c/testdata/minimal.c", nil, nil), false)
	m := checkModule(t, buildC(t, "c/testdata/minimal.c", []string{"-mbulk-memory"}, nil), false)
	if _, ok := m.exports["bpfhost_tick"]; ok {
		t.Error("exports bpfhost_tick, which it does not define")
	}
	if len(m.exports) != 7 { // memory, _initialize, bpfhost_abi and four hooks
		t.Errorf("exports %v", m.exports)
	}
}

// TestCTiny: a whole plugin in less than two pages of a book.
func TestCTiny(t *testing.T) {
	b := buildC(t, "c/testdata/tiny.c", nil, []string{"--strip-all"})
	checkModule(t, b, false)
	if len(b) > 1536 {
		t.Errorf("%d bytes, more than 1536", len(b))
	}
}

// TestCPlusPlus: the headers are C++ too, but for designated initialisers out of order.
func TestCPlusPlus(t *testing.T) {
	source := filepath.Join(t.TempDir(), "guest.cc")
	text := `#include "bpfhost_util.h"
int32_t bpfhost_plan(void) { return bpfhost_log(BPFHOST_LOG_INFO, BPFHOST_S("hello")); }
`
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(clang(t), "--target=wasm32", "-std=c++17", "-ffreestanding", "-Wall", "-Werror", "-fsyntax-only",
		"-I", "c", source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestGo(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a Go guest")
	}
	out := filepath.Join(t.TempDir(), "guest.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "./go/testdata/minimal")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	m := checkModule(t, b, true)
	for _, h := range abi.Hooks() {
		if m.exports[h.Name] == "" {
			t.Errorf("does not export %s", h.Name)
		}
	}
	if m.exports["_initialize"] != "() " || m.exports["_start"] != "" {
		t.Errorf("is not a reactor: exports %v", m.exports)
	}
	if m.imports[abi.Module+".object_from_bytes"] != "" {
		t.Error("imports object_from_bytes, which it does not use")
	}
	t.Logf("%d bytes", len(b))
}
