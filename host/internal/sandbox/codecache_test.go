package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// cached loads a module from a cache, checks that it runs, and returns the files that were damaged.
func cached(t *testing.T, dir string) []string {
	t.Helper()
	var damaged []string
	e, err := NewEngine(EngineOptions{CacheDir: dir, Damaged: func(file string) { damaged = append(damaged, file) }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	g := load(t, e, newModule(run(wasmtest.Const(5))), testOptions())
	defer g.Close()
	if v, err := call(g); v != 5 || err != nil {
		t.Fatalf("run: %d, %v", v, err)
	}
	return damaged
}

// A flipped bit anywhere in a file of code is noticed before the file is read, told, and mended.
func TestCacheDamaged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	if damaged := cached(t, dir); damaged != nil {
		t.Fatalf("a new cache is damaged: %v", damaged)
	}
	file := cacheFiles(t, dir)[0]
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(good); i += 1 + len(good)/100 {
		bad := slices.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if damaged := cached(t, dir); !slices.Equal(damaged, []string{file}) {
			t.Errorf("bit %d of byte %d: damaged is %v, want %s", i%8, i, damaged, file)
		}
		if damaged := cached(t, dir); damaged != nil {
			t.Errorf("after it was compiled again %v is damaged", damaged)
		}
	}
}

// Files that are in no list are not read: those that others put there, and those that were written
// when a process ended.
func TestCacheUnlisted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	cached(t, dir)
	file := cacheFiles(t, dir)[0]
	sums := filepath.Join(filepath.Dir(filepath.Dir(file)), sumsFile)
	planted := filepath.Join(filepath.Dir(file), "planted")
	linked := filepath.Join(filepath.Dir(file), "linked")
	for _, f := range []string{planted, sums} {
		if err := os.WriteFile(f, []byte("garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(file, linked); err != nil {
		t.Fatal(err)
	}
	if damaged := cached(t, dir); damaged != nil {
		t.Errorf("what nobody listed is called damaged: %v", damaged)
	}
	if files := cacheFiles(t, dir); !slices.Equal(files, []string{file}) {
		t.Errorf("the cache holds %v, want %s alone", files, file)
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	cached(t, dir)
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) {
		t.Errorf("what is as it was written was compiled again: %v", err)
	}
}

// The runtime's own panics are errors of the plugin: here it finds a function outside of the code,
// in a file that has the right digest.
func TestRuntimePanics(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	cached(t, dir)
	file := cacheFiles(t, dir)[0]
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// "WAZEVO", the version after its length, the number of functions, the offset of each in 8 bytes
	first := 7 + int(code[6]) + 4
	for i := range binary.LittleEndian.Uint32(code[first-4:]) {
		code[first+int(i)*8+4] = 1
	}
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	sum, err := fileSum(file)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(filepath.Dir(file))
	name, _ := filepath.Rel(folder, file)
	if err := os.WriteFile(filepath.Join(folder, sumsFile), []byte(sum+"  "+name+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = newEngine(t, EngineOptions{CacheDir: dir}).Load(t.Context(), newModule(run(wasmtest.Const(5))).Bytes(), testOptions())
	if refused := (*Reject)(nil); !errors.As(err, &refused) || !strings.Contains(err.Error(), "the runtime failed") {
		t.Errorf("load: %v", err)
	}

	g := load(t, newEngine(t, EngineOptions{}), newModule(run(wasmtest.Const(5))), testOptions())
	g.hooks["run"].fn = panicking{}
	_, err = call(g)
	if trap := (*Trap)(nil); !errors.As(err, &trap) || !strings.Contains(trap.Reason, "the runtime failed: broken") {
		t.Errorf("call: %v", err)
	}
	if g.Poisoned() == nil {
		t.Error("the guest may be called again")
	}
}

// panicking is a function of a runtime that is broken.
type panicking struct{ api.Function }

func (panicking) CallWithStack(context.Context, []uint64) error { panic("broken") }
