package sandbox

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

func TestEngineCacheOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	m := newModule(run(wasmtest.Const(5)))
	for range 2 {
		g := load(t, newEngine(t, EngineOptions{CacheDir: dir}), m, testOptions())
		if v, err := call(g); v != 5 || err != nil {
			t.Fatalf("run: %d, %v", v, err)
		}
		g.Close()
	}
	files := cacheFiles(t, dir)
	if len(files) != 1 {
		t.Fatalf("the cache holds %v, want one file", files)
	}
	for _, damage := range []string{"", "garbage", strings.Repeat("x", 200)} {
		if err := os.WriteFile(files[0], []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		g := load(t, newEngine(t, EngineOptions{CacheDir: dir}), m, testOptions())
		if v, err := call(g); v != 5 || err != nil {
			t.Errorf("with a damaged cache: %d, %v", v, err)
		}
	}
}

// cacheFiles lists the files below a directory.
func cacheFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "wazero-*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestEngineClose(t *testing.T) {
	e, err := NewEngine(EngineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	g := load(t, e, newModule(run(wasmtest.Const(5))), testOptions())
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := call(g); err == nil {
		t.Error("a guest of a closed engine runs")
	}
	if _, err := e.Load(context.Background(), newModule().Bytes(), testOptions()); err == nil {
		t.Error("a closed engine loads")
	}
}

func TestEngineConcurrentLoads(t *testing.T) {
	e := newEngine(t, EngineOptions{CacheDir: filepath.Join(t.TempDir(), "cache")})
	m := newModule(run(wasmtest.Const(5))).Bytes()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				g, err := e.Load(context.Background(), m, testOptions())
				if err != nil {
					t.Error(err)
					return
				}
				if v, err := call(g); v != 5 || err != nil {
					t.Errorf("run: %d, %v", v, err)
				}
				g.Close()
			}
		})
	}
	wg.Wait()
	if len(e.locks) != 0 || len(e.guests) != 0 {
		t.Errorf("%d locks and %d guests are left", len(e.locks), len(e.guests))
	}
}

// TestEngineCompileDeadline holds the lock that a compilation waits for, so that time is up.
func TestEngineCompileDeadline(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	m := newModule().Bytes()
	unlock := e.lock(sha256.Sum256(metered(t, m)))
	o := testOptions()
	o.Limits.Compile = 10 * time.Millisecond
	_, err := e.Load(context.Background(), m, o)
	if want := "wall time limit of 10ms reached in compile"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	unlock()
	load(t, e, newModule(), testOptions())
}

// TestEngineLeaks loads and closes guests of every ending and looks for goroutines that stay.
func TestEngineLeaks(t *testing.T) {
	cycles := 1000
	if testing.Short() {
		cycles = 100
	}
	e := newEngine(t, EngineOptions{})
	ok, trap := newModule(run(wasmtest.Const(5))).Bytes(), newModule(run(wasmtest.Unreachable)).Bytes()
	bad := newModule(wasmtest.Func{Export: "_initialize", Code: wasmtest.Unreachable}).Bytes()
	before := runtime.NumGoroutine()
	for i := range cycles {
		g, err := e.Load(context.Background(), [][]byte{ok, trap, bad}[i%3], testOptions())
		if (err != nil) != (i%3 == 2) {
			t.Fatal(err)
		}
		if g == nil {
			continue
		}
		if _, err := call(g); (err != nil) != (i%3 == 1) {
			t.Fatal(err)
		}
		if i%2 == 0 || i%3 == 0 { // a poisoned guest needs no Close
			g.Close()
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
	if n := len(e.live()); n != 0 {
		t.Errorf("%d guests are still listed", n)
	}
}
