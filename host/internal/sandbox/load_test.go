package sandbox

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// testOptions offers a few host functions and hooks.
func testOptions() Options {
	return Options{
		HostModule: "host_v1",
		Imports: []Import{
			{Name: "add", Params: []ValueType{I32, I64}, Results: []ValueType{I32}, Fn: func(_ *Guest, s []uint64) {
				s[0] = uint64(uint32(s[0]) + uint32(s[1]))
			}},
			{Name: "note", Params: []ValueType{I32}, Fn: func(*Guest, []uint64) {}},
		},
		Exports: []Export{
			{Name: "abi", Results: []ValueType{I32}, Required: true},
			{Name: "run", Results: []ValueType{I32}},
			{Name: "feed", Params: []ValueType{I32, I32, I32, I32}, Results: []ValueType{I32}},
			{Name: "tick", Params: []ValueType{I64}, Results: []ValueType{I32}},
			{Name: "done"},
		},
	}
}

// newEngine returns an engine that is closed with the test.
func newEngine(t testing.TB, o EngineOptions) *Engine {
	t.Helper()
	e, err := NewEngine(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// load loads a module that must load.
func load(t testing.TB, e *Engine, m *wasmtest.Module, o Options) *Guest {
	t.Helper()
	g, err := e.Load(context.Background(), m.Bytes(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

// run is the hook that most tests use.
func run(code ...[]byte) wasmtest.Func {
	return wasmtest.Func{Export: "run", Results: "i", Code: cat(code...)}
}

func TestLoad(t *testing.T) {
	m := newModule(
		run(wasmtest.Const(40), wasmtest.Const64(2), wasmtest.Call(0)),
		wasmtest.Func{Export: "_initialize", Code: cat(wasmtest.Const(16), wasmtest.Const(5), wasmtest.Store(0))},
		wasmtest.Func{Export: "tick", Params: "I", Results: "i", Code: cat(wasmtest.Const(16), wasmtest.Load(0))},
		wasmtest.Func{Export: "done"},
	)
	m.Imports = []wasmtest.Import{imported("host_v1", "add", "iI", "i")}
	g := load(t, newEngine(t, EngineOptions{}), m, testOptions())
	ctx := context.Background()
	for _, tt := range []struct {
		export string
		args   []uint64
		want   int32
	}{{"abi", nil, 7}, {"run", nil, 42}, {"tick", []uint64{1 << 40}, 5}, {"done", nil, 0}} {
		got, err := g.Call(ctx, tt.export, 0, tt.args...)
		if err != nil || got != tt.want {
			t.Errorf("%s = %d, %v; want %d", tt.export, got, err, tt.want)
		}
	}
	if got := strings.Join(g.Imports(), " "); got != "host_v1.add" {
		t.Errorf("imports %s", got)
	}
	if g.Has("feed") || g.Has("_initialize") || !g.Has("run") {
		t.Error("Has is wrong about feed, _initialize or run")
	}
	if _, err := g.Call(ctx, "feed", 0); !errors.Is(err, ErrNoExport) {
		t.Errorf("missing export: %v", err)
	}
	if _, err := g.Call(ctx, "run", 0, 1); err == nil || !strings.Contains(err.Error(), "1 arguments, want 0") {
		t.Errorf("wrong argument count: %v", err)
	}
	if err := g.Poisoned(); err != nil {
		t.Errorf("poisoned: %v", err)
	}
}

func TestLoadStart(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	o := testOptions()
	o.Limits.Start = 50 * time.Millisecond
	for _, tt := range []struct {
		name string
		code []byte
		want string
	}{
		{"trap", wasmtest.Unreachable, "trap in start: "},
		{"loop", wasmtest.Loop, "wall time limit of 50ms reached in start"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newModule(wasmtest.Func{Code: tt.code})
			m.Start = []byte{1}
			_, err := e.Load(context.Background(), m.Bytes(), o)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("start section: %v, want %s", err, tt.want)
			}
			m = newModule(wasmtest.Func{Export: "_initialize", Code: tt.code})
			_, err = e.Load(context.Background(), m.Bytes(), o)
			want := strings.Replace(tt.want, "start", "_initialize", 1)
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("_initialize: %v, want %s", err, want)
			}
		})
	}
	load(t, e, newModule(), testOptions()) // the engine still works
}

// fullModule has every kind of section.
func fullModule() *wasmtest.Module {
	m := newModule(run(wasmtest.Const(1), wasmtest.Const64(2), wasmtest.Call(0)), wasmtest.Func{Code: wasmtest.Const(0), Results: "i", Locals: []byte{1, 3, 0x7e}})
	m.Imports = []wasmtest.Import{imported("host_v1", "add", "iI", "i")}
	m.Memory = []byte{1, 1, 4}
	m.Exports = append(m.Exports, exported("counter", 3, 0), exported("table", 1, 0))
	expr := cat(wasmtest.Const(0), []byte{0x0b})
	m.Extra = map[byte][]byte{
		4: {1, 0x70, 1, 8, 8},
		6: cat([]byte{2, 0x7f, 1}, expr, []byte{0x7c, 0, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b}),
		9: cat([]byte{3, 0}, expr, vec(2, 1, 2), []byte{2, 0}, expr, []byte{0}, vec(1, 1),
			[]byte{4}, expr, vec(1, 0xd2, 1, 0x0b)),
		12: {2},
		11: cat([]byte{2, 0}, expr, str("hello"), []byte{1}, str("later")),
		0: cat(str("name"), []byte{0}, vec(2, str("m")...), []byte{1}, vec(7, 2, 0, 1, 'a', 1, 1, 'b'),
			[]byte{2}, vec(6, 1, 1, 1, 0, 1, 'x')),
	}
	return m
}

// TestLoadRuntimeFailure hands the runtime a module that makes it panic, past the scan.
func TestLoadRuntimeFailure(t *testing.T) {
	m := newModule()
	m.Extra = map[byte][]byte{4: {1, 0x70, 0, 8}, 9: cat([]byte{1, 1, 0}, vec(1, 0))}
	e, o := newEngine(t, EngineOptions{}), testOptions()
	o.Limits = o.Limits.WithDefaults()
	_, err := e.loadScanned(context.Background(), keyOf(m.Bytes(), &o), m.Bytes(), &module.Module{}, &o)
	var reject *Reject
	if !errors.As(err, &reject) || !strings.HasPrefix(err.Error(), "cannot be instantiated: the runtime failed: ") {
		t.Errorf("error %v, want a *Reject", err)
	}
	// So is one before that, while host functions are bound, which happens on another goroutine.
	_, err = e.loadScanned(context.Background(), keyOf(nil, &o), newModule().Bytes(), nil, &o)
	if !errors.As(err, &reject) || !strings.HasPrefix(err.Error(), "the runtime failed on this module: ") {
		t.Errorf("error %v, want a *Reject", err)
	}
	load(t, e, newModule(), testOptions())
}

// TestLoadDamage changes every byte of a valid module: no panic, and whatever the
// scan lets through must not hurt the runtime either.
func TestLoadDamage(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	wasm := fullModule().Bytes()
	load(t, e, fullModule(), testOptions())
	try := func(b []byte) {
		if g, err := e.Load(context.Background(), b, testOptions()); err == nil {
			g.Close()
		}
	}
	for i := range wasm {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			b := bytes.Clone(wasm)
			b[i] ^= flip
			try(b)
		}
	}
}
