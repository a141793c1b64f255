package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// guestNames are the plugins under guests/ that exist in every language.
var guestNames = []string{"quickstart", "pktguard", "execwatch"}

// guestsEnv names a folder with the plugins in Go as NAME.wasm, for machines without Go.
const guestsEnv = "BPFHOST_GUESTS"

// gatherGuests puts every plugin and object into one folder: those in C as they are committed,
// those in Go built here.
func gatherGuests(t *testing.T, shared string) string {
	t.Helper()
	out := filepath.Join(shared, "guests")
	copyFiles(t, "../../guests/badguests/*.wasm", filepath.Join(out, "bad"))
	copyFiles(t, "../../guests/*/*.bpf.o", out)
	for _, name := range guestNames {
		copyFiles(t, "../../guests/"+name+"/"+name+".wasm", filepath.Join(out, "c"))
	}
	if dir := os.Getenv(guestsEnv); dir != "" {
		copyFiles(t, filepath.Join(dir, "*.wasm"), filepath.Join(out, "go"))
		return out
	}
	buildGuests(t, filepath.Join(out, "go"))
	return out
}

// buildGuests builds the plugins in Go.
func buildGuests(t *testing.T, dir string) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		testenv.Skip(t, testenv.Guests, "go is not installed, and "+guestsEnv+" names no folder of plugins")
	}
	for _, name := range guestNames {
		cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
			"-o", filepath.Join(dir, name+".wasm"), "./guests/"+name+"/go")
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s in Go: %v\n%s", name, err, b)
		}
	}
}

// copyFiles copies what the pattern matches, which must be something.
func copyFiles(t *testing.T, pattern, dir string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s (%v)", pattern, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRebuild builds the committed binaries again and compares them. A wasm-opt that is installed, as
// one that fails is here, changes nothing.
func TestRebuild(t *testing.T) {
	for _, tool := range []string{"clang-19", "wasm-ld-19", "llvm-strip-19"} {
		if _, err := exec.LookPath(tool); err != nil {
			testenv.Skip(t, testenv.Clang, tool+" is not installed")
		}
	}
	tools := t.TempDir()
	if err := os.WriteFile(filepath.Join(tools, "wasm-opt"), []byte("#!/bin/sh\necho wasm-opt is used >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+string(filepath.ListSeparator)+os.Getenv("PATH"))
	for _, dir := range []string{"../../guests", "../../guests/badguests"} {
		out := t.TempDir()
		if b, err := exec.Command(filepath.Join(dir, "build.sh"), out).CombinedOutput(); err != nil {
			t.Fatalf("%s/build.sh: %v\n%s", dir, err, b)
		}
		sameFiles(t, out, dir)
	}
}

// sameFiles compares every file below built with the one at the same place below committed.
func sameFiles(t *testing.T, built, committed string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(built, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		name := strings.TrimPrefix(p, built)
		got, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(filepath.Join(committed, name))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what %s/build.sh makes of its source; run it and commit the result", name, committed)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Errorf("%s/build.sh made nothing", committed)
	}
}

// makeCaches makes folders for compiled plugins, one for this user and one, beside it, for nobody.
func makeCaches(t *testing.T, shared string) string {
	t.Helper()
	own := filepath.Join(shared, "cache")
	for _, dir := range []string{own, own + "-nobody"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if dir := os.Getenv(guestsEnv); dir != "" { // they come compiled: an emulated machine takes half a minute for each
		if err := os.CopyFS(own, os.DirFS(filepath.Join(dir, "cache"))); err != nil {
			t.Fatal(err)
		}
		dirs, err := filepath.Glob(filepath.Join(own, "bpfhost", "*"))
		if err != nil || len(dirs) == 0 {
			t.Fatalf("no folders with compiled plugins in %s (%v)", dir, err)
		}
		for _, dir := range dirs {
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(own+"-nobody", 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	return own
}
