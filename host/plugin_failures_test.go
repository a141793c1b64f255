package host

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

var failures = flag.Int("failures", 0, "how many plugins fail in TestFailures in each mode; 0 is few")

// frail is a backend that may fail to load or to attach, and counts what is open in it.
type frail struct {
	backendtest.Backend
	failing string // "load", "attach" or nothing
	open    int
}

func (b *frail) CPUs() (int, error) { return 1, nil }

func (b *frail) Load(*spec.Collection, backend.LoadOptions) (backend.Loaded, error) {
	if b.failing == "load" {
		return nil, errBroken
	}
	b.open++
	return frailLoaded{b: b}, nil
}

func (b *frail) Attach(backend.Program, spec.Attach) (backend.Hook, error) {
	if b.failing == "attach" {
		return nil, errBroken
	}
	b.open++
	return frailHook{b: b}, nil
}

// frailLoaded and frailHook are what is open in it.
type frailLoaded struct {
	loadedFake
	b *frail
}

func (l frailLoaded) Close() error { l.b.open--; return nil }

type frailHook struct{ b *frail }

func (frailHook) Switch(backend.Program) error { return backend.ErrNotSupported }

func (h frailHook) Close() error { h.b.open--; return nil }

// attaching is a plugin that attaches a program, and more hooks.
func attaching(hooks ...func(w *wasmGuest)) []byte {
	w := newWasmGuest()
	w.describe("frail", nil, "program xdp", "attach xdp:*")
	w.hook("bpfhost_plan", "",
		w.must(0, 0, "object_new", w.text("o")),
		w.must(0, 1, "add", local(0), i32(int64(abi.KindProgram)), w.text("p")),
		w.must(0, -1, "set_u", local(1), i32(int64(abi.PropProgramType)), i64(int64(spec.ProgramXDP))),
		w.must(0, -1, "insn_asm", local(1), i32(0), i32(0), w.text("r0 = 2\nexit\n")),
		w.must(0, 2, "attach_add", local(1), i32(int64(abi.AttachXDP))),
		w.must(0, -1, "set_b", local(2), i32(int64(abi.PropAttachTarget)), w.text("veth0")))
	for _, add := range hooks {
		add(w)
	}
	return w.bytes()
}

// failure is a plugin that fails, with a part of the error.
type failure struct {
	name string
	wasm []byte
	want string
}

// failing are plugins that fail in every way.
func failing() []failure {
	in := func(export, params string, code ...[]byte) func(*wasmGuest) {
		return func(w *wasmGuest) { w.hook(export, params, code...) }
	}
	only := func(export string, code ...[]byte) []byte { return newWasmGuest().hook(export, "", code...).bytes() }
	recursion := newWasmGuest()
	recursion.hook("bpfhost_plan", "", wasmtest.Call(len(recursion.imports)), wasmtest.Drop)
	pointers := newWasmGuest()
	pointers.hook("bpfhost_plan", "", []byte{0x03, 0x40}, pointers.call("object_open", i32(-16), i32(64)), wasmtest.Drop, []byte{0x0c, 0x00, 0x0b})
	calls := newWasmGuest()
	calls.hook("bpfhost_plan", "", []byte{0x03, 0x40}, calls.call("self"), wasmtest.Drop, []byte{0x0c, 0x00, 0x0b})
	unknown := newWasmGuest()
	unknown.extra = []string{"teleport"}
	future := newWasmGuest()
	future.version = int32(abi.Current) + 1<<16
	good := attaching()
	return []failure{
		{"no module", []byte("no module"), "not a WebAssembly module"},
		{"truncated", good[:len(good)/2], "not a valid module"},
		{"unknown import", unknown.bytes(), "bpfhost_v1.teleport"},
		{"other version", future.bytes(), "built for ABI 2.0"},
		{"trap while describing", only("bpfhost_describe", wasmtest.Unreachable), "bpfhost_describe: trapped"},
		{"error while describing", only("bpfhost_describe", i32(-3), wasmtest.Return), "bpfhost_describe: returned -3"},
		{"trap", only("bpfhost_plan", wasmtest.Unreachable), "bpfhost_plan: trapped"},
		{"error", only("bpfhost_plan", i32(-3), wasmtest.Return), "bpfhost_plan: returned -3"},
		{"loop", only("bpfhost_plan", wasmtest.Loop), "wall time limit of 2ms"},
		{"recursion", recursion.bytes(), "call stack limit"},
		{"bad pointers", pointers.bytes(), "bad pointers limit"},
		{"host calls", calls.bytes(), "host calls limit"},
		{"memory", hungry().bytes(), "memory of the host"},
		{"nobody may", attaching(in("bpfhost_configure", "")), "denies"},
		{"does not load", good, "broken"},
		{"does not attach", attaching(in("bpfhost_stop", "i")), "broken"},
		{"trap when loaded", attaching(in("bpfhost_loaded", "", wasmtest.Unreachable)), "bpfhost_loaded: trapped"},
		{"loop when started", attaching(in("bpfhost_started", "", wasmtest.Loop)), "bpfhost_started: wall time limit"},
		{"trap at the end", attaching(in("bpfhost_stop", "i", wasmtest.Unreachable)), "bpfhost_stop: trapped"},
	}
}

// fail takes a plugin through its life up to where it fails, and closes it.
func fail(h *Host, b *frail, f failure, o PluginOptions) (err error) {
	b.failing = strings.TrimPrefix(f.name, "does not ")
	p, err := h.Open(context.Background(), f.wasm, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	made, err := p.Plan(context.Background())
	if err != nil {
		return err
	}
	run, err := p.Apply(context.Background(), made)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	return errors.Join(run.Serve(ctx), run.Close())
}

// usage is what a process holds.
type usage struct {
	goroutines, files, mappings, children int
	heap, resident                        uint64
}

func used(t *testing.T) usage {
	t.Helper()
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	u := usage{goroutines: runtime.NumGoroutine(), heap: m.HeapAlloc}
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		u.files = len(list)
	}
	if b, err := os.ReadFile("/proc/self/maps"); err == nil {
		u.mappings = strings.Count(string(b), "\n")
	}
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, path := range tasks {
		if b, err := os.ReadFile(path); err == nil {
			u.children += len(bytes.Fields(b))
		}
	}
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		fmt.Sscan(string(b), new(uint64), &u.resident)
		u.resident *= uint64(os.Getpagesize())
	}
	return u
}

// However often and in whatever way plugins fail in one process, what it holds is what it held.
func TestFailures(t *testing.T) {
	eachMode(t, func(t *testing.T, mode Isolate) {
		few, first := 400, 5 // rounds until caches and pools are what they will be
		if mode != IsolateNone {
			few, first = 40, 1
		}
		if testenv.Race {
			few /= 4 // it is slow
		}
		failOften(t, mode, first, cmp.Or(*failures, few))
	})
}

// failOften has n plugins fail in every way, after some rounds, and compares what the process holds
// before and after.
func failOften(t *testing.T, mode Isolate, first, n int) {
	b := &frail{}
	h, err := New(context.Background(), Config{NoCache: true, Isolate: mode, Backend: b, Limits: Limits{
		Started: 2 * time.Millisecond, OutputWait: time.Millisecond, HostBytes: 1 << 20, HostCalls: 1000, Faults: 100, StackBytes: 64 << 10,
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	kinds := failing()
	policies := map[string]*policy.Policy{"nobody may": denying(t, "class: observe"), "loop": denying(t, "wasm: {wall_ms: {plan: 2}}")}
	round := func(n int) {
		for _, f := range kinds {
			if err := fail(h, b, f, PluginOptions{Policy: policies[f.name]}); err == nil || !strings.Contains(err.Error(), f.want) {
				t.Fatalf("round %d: plugin %q: %v, want an error with %q", n, f.name, err, f.want)
			}
		}
	}
	for i := range first {
		round(i)
	}
	before := used(t)
	for i := range max(n/len(kinds), 1) {
		round(first + i)
	}
	var after usage
	for range 100 { // goroutines that are on their way out
		if after = used(t); after.goroutines <= before.goroutines {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("before %+v\nafter  %+v", before, after)
	if after.goroutines > before.goroutines || after.files > before.files || after.mappings > before.mappings+20 || after.children > before.children || b.open != 0 || len(h.plugins) != 0 || h.memory.Used() != 0 {
		t.Errorf("before %+v\nafter  %+v; %d things are open in the backend, %d plugins, %d bytes counted", before, after, b.open, len(h.plugins), h.memory.Used())
	}
	if grown := int64(after.heap) - int64(before.heap); !testenv.Race && grown > 2<<20 {
		t.Errorf("the heap has %d bytes more", grown)
	}
}
