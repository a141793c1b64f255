package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

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
