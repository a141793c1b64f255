package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// numbered is a module that returns a number, and differs from those with another.
func numbered(i int) *wasmtest.Module { return newModule(run(wasmtest.Const(i))) }

// folderOf returns where the code of a module is.
func folderOf(e *Engine, g *Guest) string { return e.code.folder(g.pool.digest) }

// A directory of code keeps to its bound: what was used longest ago goes first, what was compiled
// now stays, guests that run go on, and what was left over goes too.
func TestCacheBound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	e := newEngine(t, EngineOptions{CacheDir: dir})
	first := load(t, e, numbered(0), testOptions())
	e.code.max = 3*size(folderOf(e, first)) + 100
	stray, fresh := filepath.Join(dir, "sums1"), filepath.Join(dir, "sums2")
	for _, path := range []string{stray, fresh} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-2 * strayTime)
	if err := os.Chtimes(stray, old, old); err != nil {
		t.Fatal(err)
	}
	folders := []string{folderOf(e, first)}
	if err := os.Chtimes(filepath.Join(folders[0], sumsFile), old, old); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 5; i++ {
		g := load(t, e, numbered(i), testOptions())
		folders = append(folders, folderOf(e, g))
		ago := time.Now().Add(time.Duration(i-10) * time.Minute)
		if err := os.Chtimes(filepath.Join(folderOf(e, g), sumsFile), ago, ago); err != nil {
			t.Fatal(err)
		}
		if i == 2 { // the first one is used again
			load(t, newEngine(t, EngineOptions{CacheDir: dir}), numbered(0), testOptions())
		}
	}
	for i, folder := range folders {
		_, err := os.Stat(folder)
		if stays := i == 0 || i > 2; (err == nil) != stays {
			t.Errorf("code of module %d: %v", i, err)
		}
	}
	if _, err := os.Stat(stray); err == nil {
		t.Error("a file that was left over is still there")
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Error("a file that another process writes was removed")
	}
	for i, g := range e.live() {
		if _, err := call(g); err != nil {
			t.Errorf("guest %d: %v", i, err)
		}
	}
	again := load(t, e, numbered(1), Options{Limits: Limits{Stack: 1 << 20}, HostModule: "host_v1", Exports: testOptions().Exports})
	if _, err := os.Stat(folderOf(e, again)); err != nil {
		t.Errorf("what was removed is not kept again: %v", err)
	}
}

// Processes that share a directory may remove what others need: those compile again.
func TestCacheBoundShared(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	var wg sync.WaitGroup
	for range 4 {
		e := newEngine(t, EngineOptions{CacheDir: dir, CacheBytes: 1})
		wg.Go(func() {
			for i := range 40 {
				g, err := e.Load(context.Background(), numbered(i%7).Bytes(), testOptions())
				if err != nil {
					t.Error(err)
					return
				}
				if v, err := call(g); err != nil || v != int32(i%7) {
					t.Errorf("module %d: %d, %v", i%7, v, err)
				}
				g.Close()
			}
		})
	}
	wg.Wait()
}

// Code in memory that nobody runs is bounded too.
func TestCacheIdle(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	e.code.maxIdle = 5 * (idleOverhead + 1000)
	for round := range 2 { // what is loaded again is kept once
		for i := range 10 {
			g := load(t, e, numbered(i), testOptions())
			if v, err := call(g); err != nil || v != int32(i) {
				t.Errorf("module %d: %d, %v", i, v, err)
			}
			g.Close()
			if n := len(e.code.idle); n != min(10*round+i+1, 5) || e.code.idle[n-1].digest != g.pool.digest {
				t.Errorf("after module %d the code of %d is kept", i, n)
			}
		}
	}
	for range 3 {
		load(t, e, numbered(9), testOptions()).Close()
	}
	if n := len(e.code.idle); n != 5 {
		t.Errorf("the code of %d modules is kept, one of which was loaded again", n)
	}
}
