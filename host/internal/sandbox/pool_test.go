package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"path/filepath"
	"sync"
	"testing"

	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// counting is a module that counts its calls in memory, and reports each count to the host. With a
// count of 5 it traps.
func counting() *wasmtest.Module {
	m := newModule(run(
		wasmtest.Const(0), wasmtest.Const(0), wasmtest.Load(0), wasmtest.Const(1), []byte{0x6a}, wasmtest.Store(0),
		wasmtest.Const(0), wasmtest.Load(0), wasmtest.Call(0),
		wasmtest.Const(0), wasmtest.Load(0), wasmtest.Const(5), []byte{0x46, 0x04, 0x40}, wasmtest.Unreachable, []byte{0x0b},
		wasmtest.Const(0), wasmtest.Load(0)))
	m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
	return m
}

// noting are options whose host function adds to a list.
func noting(list *[]uint64) Options {
	o := testOptions()
	o.Imports[1].Fn = func(_ *Guest, s []uint64) { *list = append(*list, s[0]) }
	return o
}

// Guests of one module share its compiled code, and nothing else: not memory, not host functions, not the
// end of one of them.
func TestPool(t *testing.T) {
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "cache")} {
		e := newEngine(t, EngineOptions{CacheDir: dir})
		var noted [3][]uint64
		var guests [3]*Guest
		for i := range guests {
			guests[i] = load(t, e, counting(), noting(&noted[i]))
		}
		if len(e.pools) != 1 || guests[0].pool != guests[2].pool {
			t.Fatalf("%d modules are compiled for three guests of one", len(e.pools))
		}
		for round := range 6 {
			for i, g := range guests {
				if i > 0 && round > 3 {
					break // the first one goes on and traps
				}
				v, err := call(g)
				if round < 4 && (err != nil || v != int32(round+1)) || round >= 4 && err == nil {
					t.Fatalf("guest %d, round %d: %d, %v", i, round, v, err)
				}
			}
		}
		for i := range guests {
			if n := len(noted[i]); n != 4 && (i > 0 || n != 5) {
				t.Errorf("guest %d noted %v", i, noted[i])
			}
		}
		guests[1].Close()
		if v, err := call(guests[2]); v != 0 || err == nil {
			t.Errorf("count 5: %d, %v", v, err)
		}
		if len(e.pools) != 0 {
			t.Errorf("after the last guest %d modules are compiled", len(e.pools))
		}
	}
}

// What is loaded in another way is compiled by itself.
// TestPoolDigest shows that a digest that the caller brings is that of the module.
func TestPoolDigest(t *testing.T) {
	e, o := newEngine(t, EngineOptions{}), testOptions()
	first := load(t, e, counting(), o)
	o.Digest = sha256.Sum256(counting().Bytes())
	if second := load(t, e, counting(), o); second.pool != first.pool {
		t.Error("a guest whose digest is known does not share the code of one whose digest is not")
	}
}

func TestPoolKeys(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	for i, change := range []func(o *Options){
		func(*Options) {},
		func(o *Options) { o.Limits.MemoryPages = 3 },
		func(o *Options) { o.Limits.Stack = 1 << 20 },
		func(o *Options) { o.Limits.Module.Functions = 77 },
		func(o *Options) { o.Imports = append(o.Imports, Import{Name: "more", Fn: func(*Guest, []uint64) {}}) },
	} {
		o := testOptions()
		change(&o)
		g := load(t, e, counting(), o)
		for other := range e.guests {
			if other != g && other.pool == g.pool {
				t.Errorf("with change %d it shares the code of another", i)
			}
		}
	}
	// A module that was let through is held against what a later load demands.
	o := testOptions()
	o.Exports = append(o.Exports, Export{Name: "must", Required: true})
	if _, err := e.Load(context.Background(), counting().Bytes(), o); err == nil || err.Error() != "does not export must, so it is not a plugin" {
		t.Errorf("error %v", err)
	}
	for _, g := range e.live() {
		g.Close()
	}
	if len(e.pools) != 0 {
		t.Errorf("%d modules are compiled for nobody", len(e.pools))
	}
}

// Guests of one module run at the same time, each with its own host functions, output and fuel.
func TestPoolConcurrent(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	write := wasmtest.Cat(wasmtest.Const(1), wasmtest.Const(16), wasmtest.Const(1), wasmtest.Const(0), wasmtest.Call(0))
	m := newModule(run(write, wasmtest.Drop, write))
	m.Imports = []wasmtest.Import{imported(wasiModule, "fd_write", "iiii", "i")}
	m.Data = []wasmtest.Data{{At: 16, Bytes: []byte{32, 0, 0, 0, 2}}, {At: 32, Bytes: []byte("x\n")}}
	wasm := m.Bytes()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var out bytes.Buffer
			o := testOptions()
			o.Stdout = &out
			for range 20 {
				out.Reset()
				g, err := e.Load(context.Background(), wasm, o)
				if err != nil {
					t.Error(err)
					return
				}
				for range 10 {
					if v, err := call(g); v != 0 || err != nil {
						t.Errorf("run: %d, %v", v, err)
					}
				}
				if out.Len() != 40 {
					t.Errorf("%d bytes are written", out.Len())
				}
				g.Close()
			}
		})
	}
	wg.Wait()
	if len(e.pools) != 0 || len(e.guests) != 0 || len(e.locks) != 0 {
		t.Errorf("%d modules, %d guests and %d locks are left", len(e.pools), len(e.guests), len(e.locks))
	}
}
