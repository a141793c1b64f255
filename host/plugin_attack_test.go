package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/internal/testenv"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// An attack is a plugin that should hurt its host. Its name begins with the number that SECURITY.md
// has for it.
type attack struct {
	name string
	wasm func() []byte
	want string // a part of the error; empty is a plugin that is harmless here
	late string // the call that has little time, as policies name it; empty is none
}

// moduleWith is a plugin that plans nothing, after an edit.
func moduleWith(edit func(m *wasmtest.Module)) func() []byte {
	return func() []byte {
		m := &wasmtest.Module{
			Memory:  []byte{0x00, 0x01},
			Exports: []wasmtest.Export{{Name: "memory", Kind: 2}},
			Funcs: []wasmtest.Func{{Export: "bpfhost_abi", Results: "i", Code: wasmtest.Const(int(abi.Current))},
				{Export: "bpfhost_plan", Results: "i", Code: wasmtest.Const(0)}},
		}
		edit(m)
		return m.Bytes()
	}
}

// planned is a plugin whose plan has locals and code.
func planned(locals []byte, code ...[]byte) func() []byte {
	return moduleWith(func(m *wasmtest.Module) {
		m.Funcs[1].Locals, m.Funcs[1].Code = locals, wasmtest.Cat(wasmtest.Cat(code...), wasmtest.Const(0))
	})
}

// locals64 are n locals of 64 bits.
func locals64(n int) []byte { return wasmtest.Cat([]byte{1}, wasmtest.ULEB(n), []byte{0x7e}) }

// memoryOf has a plugin with other limits of its memory.
func memoryOf(limits ...byte) func() []byte {
	return moduleWith(func(m *wasmtest.Module) { m.Memory = limits })
}

// importing has a plugin that imports a function.
func importing(module, name, params, results string) func() []byte {
	return moduleWith(func(m *wasmtest.Module) {
		m.Imports = []wasmtest.Import{{Module: module, Name: name, Params: params, Results: results}}
	})
}

// nested is a block of a kind in itself, n deep.
func nested(n int, open ...byte) []byte {
	return wasmtest.Cat(bytes.Repeat(open, n), bytes.Repeat([]byte{0x0b}, n))
}

// branches is a br_table of so many targets.
func branches(n int) []byte {
	return wasmtest.Cat([]byte{0x02, 0x40, 0x41, 0, 0x0e}, wasmtest.ULEB(n), make([]byte, n+1), []byte{0x0b})
}

// phis are blocks that each set every local, all of which are needed at the end.
func phis(locals, blocks int) []byte {
	var set, use []byte
	for i := range locals {
		set = append(append(set, wasmtest.Const64(int64(i))...), wasmtest.Op(0x21, i)...)
		use = append(append(use, wasmtest.Get(i)...), wasmtest.Drop...)
	}
	block := wasmtest.Cat([]byte{0x02, 0x40}, wasmtest.Get(0), []byte{0xa7, 0x0d, 0}, set, []byte{0x0b})
	return wasmtest.Cat(bytes.Repeat(block, blocks), use)
}

// fill32 is memory.fill of all of 32 MiB.
var fill32 = wasmtest.Cat(wasmtest.Const(0), wasmtest.Const(0), wasmtest.Const(32<<20), []byte{0xfc, 11, 0})

// calling has a hook, or the start function, that calls the first of a tree: functions that each call
// the next one twice, and the last a leaf.
func calling(export string, depth int, leaf []byte) func() []byte {
	return moduleWith(func(m *wasmtest.Module) {
		m.Memory = []byte{0x01, 0x80, 0x04, 0x80, 0x04}
		first := len(m.Funcs) + 1
		if export == "start" {
			m.Start = wasmtest.ULEB(len(m.Funcs))
			m.Funcs = append(m.Funcs, wasmtest.Func{Code: wasmtest.Call(first)})
		} else {
			m.Funcs = append(m.Funcs[:1:1], wasmtest.Func{Export: export, Results: "i", Code: wasmtest.Cat(wasmtest.Call(first-1), wasmtest.Const(0))})
			first--
		}
		for i := range depth - 1 {
			m.Funcs = append(m.Funcs, wasmtest.Func{Code: wasmtest.Cat(wasmtest.Call(first+i+1), wasmtest.Call(first+i+1))})
		}
		m.Funcs = append(m.Funcs, wasmtest.Func{Code: leaf})
	})
}

// damaged is a good plugin whose bytes were changed.
func damaged(change func(b []byte) []byte) func() []byte {
	return func() []byte { return change(moduleWith(func(*wasmtest.Module) {})()) }
}

// moduleAttacks are plugins whose modules are what hurts.
func moduleAttacks() []attack {
	return []attack{
		{"1 locals that nobody can have", planned(locals64(4_000_000_000)), "a function has more than 50000 locals", ""},
		{"2 a million locals", planned(locals64(1_000_000)), "a function has more than 50000 locals", ""},
		{"3 a line of a megabyte", planned(nil, wasmtest.Const64(0), bytes.Repeat([]byte{0x42, 1, 0x7c}, 340_000), wasmtest.Drop), "the limit is 393216", ""},
		{"3 many phis", planned(locals64(300), phis(300, 20)), "", ""},
		{"4 a table of 2^27 entries", moduleWith(func(m *wasmtest.Module) {
			m.Extra = map[byte][]byte{4: wasmtest.Cat([]byte{1, 0x70, 0}, wasmtest.ULEB(1<<27))}
		}), "table of 134217728 entries", ""},
		{"4 table.grow", moduleWith(func(m *wasmtest.Module) {
			m.Extra = map[byte][]byte{4: {1, 0x70, 0, 1}}
			m.Funcs[1].Code = wasmtest.Cat([]byte{0xd0, 0x70}, wasmtest.Const(100_000_000), []byte{0xfc, 15, 0})
		}), "of reference types", ""},
		{"5 memory of 4 GiB", memoryOf(0, 0x80, 0x80, 0x04), "needs 65536 pages of memory", ""},
		{"5 growth beyond the limit", moduleWith(func(m *wasmtest.Module) {
			m.Funcs[1].Code = wasmtest.Cat(wasmtest.Const(65_000), wasmtest.Grow)
		}), "bpfhost_plan: returned -1", ""},
		{"6 shared memory", memoryOf(3, 1, 1), "has a shared memory", ""},
		{"6 memory of 64 bits", memoryOf(4, 1), "64-bit memory", ""},
		{"6 two memories", moduleWith(func(m *wasmtest.Module) { m.Extra = map[byte][]byte{5: {2, 0, 1, 0, 1}} }), "2 memories, the limit is 1", ""},
		{"6 imported memory", moduleWith(func(m *wasmtest.Module) {
			m.Extra = map[byte][]byte{2: wasmtest.Cat([]byte{1}, wasmtest.Str("env"), wasmtest.Str("memory"), []byte{2, 0, 1})}
		}), "imports memory env.memory", ""},
		{"7 no memory", moduleWith(func(m *wasmtest.Module) { m.Memory, m.Exports = nil, nil }), "defines no memory", ""},
		{"7 memory that is not exported", moduleWith(func(m *wasmtest.Module) { m.Exports = nil }), "does not export its memory", ""},
		{"8 truncated", damaged(func(b []byte) []byte { return b[:len(b)-3] }), "not a valid module", ""},
		{"8 wrong magic", damaged(func(b []byte) []byte { b[1] = 'b'; return b }), "not a WebAssembly module", ""},
		{"8 number too long", damaged(func(b []byte) []byte {
			return append(b[:8:8], 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0)
		}), "number does not fit 32 bits", ""},
		{"8 section beyond the end", damaged(func(b []byte) []byte { return append(b[:8:8], 1, 0xff, 0xff, 0xff, 0xff, 0x0f) }), "4294967295 bytes are announced", ""},
		{"8 section twice", damaged(func(b []byte) []byte { return append(b[:8:8], 1, 1, 0, 1, 1, 0) }), "out of order or there twice", ""},
		{"8 sections out of order", damaged(func(b []byte) []byte { return append(b[:8:8], 3, 1, 0, 1, 1, 0) }), "out of order or there twice", ""},
		{"9 start is an import", moduleWith(func(m *wasmtest.Module) {
			m.Imports, m.Start = []wasmtest.Import{{Module: abi.Module, Name: "self", Results: "i"}}, []byte{0}
		}), "start function is an import", ""},
		{"10 hook that is an import", moduleWith(func(m *wasmtest.Module) {
			m.Imports = []wasmtest.Import{{Module: abi.Module, Name: "self", Results: "i"}}
			m.Funcs = m.Funcs[:1]
			m.Exports = append(m.Exports, wasmtest.Export{Name: "bpfhost_plan"})
		}), "exports bpfhost_plan, which is one of its imports", ""},
		{"11 hook with parameters", moduleWith(func(m *wasmtest.Module) { m.Funcs[1].Params = "i" }), "exports bpfhost_plan with type (i32) -> i32", ""},
		{"11 hook without result", moduleWith(func(m *wasmtest.Module) { m.Funcs[1].Results, m.Funcs[1].Code = "", nil }), "exports bpfhost_plan with type () -> nothing", ""},
		{"11 hook that is a global", moduleWith(func(m *wasmtest.Module) {
			m.Funcs = m.Funcs[:1]
			m.Exports = append(m.Exports, wasmtest.Export{Name: "bpfhost_plan", Kind: 3})
			m.Extra = map[byte][]byte{6: wasmtest.Cat([]byte{1, 0x7f, 0}, wasmtest.Const(0), []byte{0x0b})}
		}), "exports bpfhost_plan as a global", ""},
		{"12 name of the host's module", titled(abi.Module), "", ""},
		{"12 name of WASI", titled("wasi_snapshot_preview1"), "", ""},
		{"12 name of another plugin", titled("listener"), "", ""},
		{"13 unknown import", importing(abi.Module, "teleport", "", "i"), "bpfhost_v1.teleport", ""},
		{"13 unknown function of WASI", importing("wasi_snapshot_preview1", "path_fly", "", "i"), "wasi_snapshot_preview1.path_fly", ""},
		{"13 import of another type", importing(abi.Module, "self", "i", "i"), "imports bpfhost_v1.self with type (i32) -> i32", ""},
		{"W12 nesting of 100,000", planned(nil, nested(100_000, 0x02, 0x40)), "(Nesting)", ""},
		{"W12 a million branches", planned(nil, branches(1_000_000)), "the limit is", ""},
		{"W18 other version", moduleWith(func(m *wasmtest.Module) { m.Funcs[0].Code = wasmtest.Const(int(abi.Current) + 1<<16) }), "built for ABI 2.0", ""},
		{"W18 no version", moduleWith(func(m *wasmtest.Module) { m.Funcs = m.Funcs[1:] }), "does not export bpfhost_abi", ""},
		{"S4 nesting", planned(nil, nested(10_000, 0x02, 0x40)), "(Nesting)", ""},
		{"S4 nested loops", planned(nil, nested(4000, 0x03, 0x40)), "(CompileTime)", ""},
		{"S4 nested ifs", planned(nil, nested(20_000, 0x41, 0, 0x04, 0x40)), "(Nesting)", ""},
		{"S4 branches", planned(nil, branches(16_384)), "(BranchTargets)", ""},
		{"S4 locals of many functions", moduleWith(func(m *wasmtest.Module) {
			for range 60 {
				m.Funcs = append(m.Funcs, wasmtest.Func{Locals: locals64(50_000)})
			}
		}), "more than 2000000 locals together", ""},
		{"S4 locals and loops", planned(locals64(50_000), bytes.Repeat([]byte{0x03, 0x40, 0x20, 0, 0xa7, 0x0d, 0, 0x0b}, 20_000)), "(CompileTime)", ""},
		{"S2 a megabyte of fills", planned(nil, bytes.Repeat(fill32, 80_000)), "the limit is 393216", ""},
		{"S2 many fills", planned(nil, bytes.Repeat(fill32, 20_000)), "(CompileTime)", ""},
	}
}

// titled is a plugin with a name of its module.
func titled(name string) func() []byte {
	return moduleWith(func(m *wasmtest.Module) {
		m.Extra = map[byte][]byte{0: wasmtest.Cat(wasmtest.Str("name"), []byte{0}, wasmtest.ULEB(len(name)+1), wasmtest.Str(name))}
	})
}

// endless is a loop around code.
func endless(code ...[]byte) []byte {
	return wasmtest.Cat([]byte{0x03, 0x40}, wasmtest.Cat(code...), []byte{0x0c, 0, 0x0b})
}

// wide has a plugin with 32 MiB of memory, and code of its plan.
func wide(code ...[]byte) func() []byte {
	return func() []byte {
		w := newWasmGuest("self")
		w.pages = 512
		return w.hook("bpfhost_plan", "", code...).bytes()
	}
}

// listening has a plugin that gets events, with hooks in the place of its own.
func listening(hook, params string, code ...[]byte) func() []byte {
	return func() []byte {
		w := listener()
		w.funcs = slices.DeleteFunc(w.funcs, func(f wasmFunc) bool { return f.export == hook })
		return w.hook(hook, params, code...).bytes()
	}
}

// callAttacks are plugins whose calls are what hurts.
func callAttacks() []attack {
	const late = ": wall time limit of 20ms"
	list := []attack{
		{"9 start loops", moduleWith(func(m *wasmtest.Module) {
			m.Funcs, m.Start = append(m.Funcs, wasmtest.Func{Code: wasmtest.Loop}), []byte{2}
		}), "start" + late, "start"},
		{"14 loop in _initialize", moduleWith(func(m *wasmtest.Module) {
			m.Funcs = append(m.Funcs, wasmtest.Func{Export: "_initialize", Code: wasmtest.Loop})
		}), "_initialize" + late, "start"},
		{"14 loop in bpfhost_abi", moduleWith(func(m *wasmtest.Module) { m.Funcs[0].Code = wasmtest.Cat(wasmtest.Loop, wasmtest.Unreachable) }), "wall time limit", "describe"},
		{"15 tree of calls", calling("bpfhost_plan", 60, nil), "bpfhost_plan" + late, "plan"},
		{"S1 tree in bpfhost_describe", calling("bpfhost_describe", 60, nil), "bpfhost_describe" + late, "describe"},
		{"S1 tree at the start", calling("start", 60, nil), "start" + late, "start"},
		{"S1 tree of fills", calling("bpfhost_plan", 40, fill32), "bpfhost_plan" + late, "plan"},
		{"S2 loop of fills", wide(endless(fill32)), "bpfhost_plan" + late, "plan"},
		{"S2 line of fills", wide(bytes.Repeat(fill32, 200)), "bpfhost_plan" + late, "plan"},
		{"16 recursion", moduleWith(func(m *wasmtest.Module) { m.Funcs[1].Code = wasmtest.Call(1) }), "call stack limit", ""},
		{"18 wait for an hour", poller, "", ""},
		{"19 proc_exit(0)", exiting, "bpfhost_plan: ", ""},
		{"20 trap", planned(nil, wasmtest.Unreachable), "bpfhost_plan: trapped: unreachable", ""},
		{"20 memory runs out", wide(endless(wasmtest.Const(1), wasmtest.Grow, wasmtest.Const(0), []byte{0x48, 0x04, 0x40}, wasmtest.Unreachable, []byte{0x0b})),
			"bpfhost_plan: trapped: unreachable", ""},
		{"22 flood of calls", wide(endless(wasmtest.Call(0), wasmtest.Drop)), "bpfhost_plan: ", "plan"},
		{"22 flood of lines", flood("log", wasmtest.Const(1)), "bpfhost_plan: ", "plan"},
		{"22 flood of output", flood("out_write", wasmtest.Const(int(abi.StreamOut))), "bpfhost_plan: ", "plan"},
		{"W14 wild pointers", flood("object_open"), "bpfhost_plan: ", "plan"},
	}
	for hook, params := range map[string]string{"bpfhost_describe": "", "bpfhost_configure": "", "bpfhost_plan": "", "bpfhost_loaded": "",
		"bpfhost_started": "", "bpfhost_events": "iiii", "bpfhost_tick": "I", "bpfhost_stop": "i"} {
		list = append(list, attack{"14 loop in " + hook, listening(hook, params, wasmtest.Loop), hook + late, strings.TrimPrefix(hook, "bpfhost_")})
	}
	return list
}

// flood calls a function that takes a text, without end. Where nothing else is given, the text is not
// in memory.
func flood(name string, before ...[]byte) func() []byte {
	return func() []byte {
		w := newWasmGuest(name)
		text := w.text(strings.Repeat("x", 4000))
		if before == nil {
			text = wasmtest.Cat(i32(-16), i32(64))
		}
		return w.hook("bpfhost_plan", "", endless(w.call(name, append(before, text)...), wasmtest.Drop)).bytes()
	}
}

// poller asks WASI to wake it after an hour.
func poller() []byte {
	subscription := make([]byte, 48)
	subscription[16] = 1 // the monotonic clock
	copy(subscription[24:], []byte{0, 0xa0, 0xb8, 0x30, 0x46, 0x03})
	return moduleWith(func(m *wasmtest.Module) {
		m.Imports = []wasmtest.Import{{Module: "wasi_snapshot_preview1", Name: "poll_oneoff", Params: "iiii", Results: "i"}}
		m.Data = []wasmtest.Data{{At: 64, Bytes: subscription}}
		m.Funcs[1].Code = wasmtest.Cat(wasmtest.Const(64), wasmtest.Const(256), wasmtest.Const(1), wasmtest.Const(512), wasmtest.Call(0), wasmtest.Drop, wasmtest.Const(0))
	})()
}

// exiting ends itself as if it were a command.
func exiting() []byte {
	return moduleWith(func(m *wasmtest.Module) {
		m.Imports = []wasmtest.Import{{Module: "wasi_snapshot_preview1", Name: "proc_exit", Params: "i"}}
		m.Funcs[1].Code = wasmtest.Cat(wasmtest.Const(0), wasmtest.Call(0), wasmtest.Const(0))
	})()
}

// listener is a plugin that gets the records of a ring, has a timer, and takes what comes.
func listener() *wasmGuest {
	prop := func(p abi.Prop) []byte { return i32(int64(p)) }
	w := newWasmGuest()
	w.describe("listener", nil, "program xdp", "attach xdp:*", "map ringbuf", "map-rw events")
	w.hook("bpfhost_plan", "",
		w.must(0, 0, "object_new", w.text("o")),
		w.must(0, 1, "add", local(0), i32(int64(abi.KindMap)), w.text("events")),
		w.must(0, -1, "set_u", local(1), prop(abi.PropMapType), i64(int64(spec.MapRingbuf))),
		w.must(0, -1, "set_u", local(1), prop(abi.PropMapMaxEntries), i64(4096)),
		w.must(0, 1, "add", local(0), i32(int64(abi.KindProgram)), w.text("p")),
		w.must(0, -1, "set_u", local(1), prop(abi.PropProgramType), i64(int64(spec.ProgramXDP))),
		w.must(0, -1, "insn_asm", local(1), i32(0), i32(0), w.text("r1 = map[events] ll\nr0 = 2\nexit\n")),
		w.must(0, 2, "attach_add", local(1), i32(int64(abi.AttachXDP))),
		w.must(0, -1, "set_b", local(2), prop(abi.PropAttachTarget), w.text("veth0")))
	opts := make([]byte, abi.SourceOptsSize)
	o := abi.SourceOpts{Size: abi.SourceOptsSize, BufPtr: 65536, BufLen: 65536, MaxMs: 1}
	o.Put(opts)
	w.hook("bpfhost_started", "",
		w.must(0, -1, "source_open", w.text("events"), w.text(string(opts))),
		w.must(0, -1, "timer", i32(1)))
	w.hook("bpfhost_events", "iiii", local(3), wasmtest.Return)
	w.hook("bpfhost_tick", "I")
	return w
}

// ringed is a backend with a ring for each map that is opened as one, in which there is something.
type ringed struct {
	backendtest.Recorder
	mu    sync.Mutex
	rings []*countedRing
}

// countedRing counts what is taken from it.
type countedRing struct {
	*backendtest.Ring
	taken atomic.Int64
}

// Drain hands over what there is.
func (r *countedRing) Drain(fn func([]byte) bool) (int, error) {
	n, err := r.Ring.Drain(fn)
	r.taken.Add(int64(n))
	return n, err
}

// OpenRing makes a ring.
func (b *ringed) OpenRing(backend.Map) (backend.Ring, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rings = append(b.rings, &countedRing{Ring: backendtest.NewRing("first")})
	return b.rings[len(b.rings)-1], nil
}

// Load notes a collection.
func (b *ringed) Load(c *spec.Collection, o backend.LoadOptions) (backend.Loaded, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Recorder.Load(c, o)
}

// Attach notes an attachment.
func (b *ringed) Attach(p backend.Program, a spec.Attach) (backend.Hook, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Recorder.Attach(p, a)
}

// live takes a plugin through its whole life in a host.
func live(h *Host, wasm []byte, o PluginOptions) (err error) {
	p, err := h.Open(context.Background(), wasm, o)
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
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	return errors.Join(run.Serve(ctx), run.Close())
}

// eachMode runs a test with plugins in this process, and in processes that may do nothing.
func eachMode(t *testing.T, test func(t *testing.T, mode Isolate)) {
	t.Run("in process", func(t *testing.T) { test(t, IsolateNone) })
	t.Run("isolated", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			testenv.Skip(t, testenv.Kernel, "processes are isolated on Linux")
		}
		test(t, IsolateAll)
	})
}

// TestAttackModules opens every module that should hurt, in both modes: it is refused with what is
// wrong, or does no harm. Another plugin gets each of its events all the time.
func TestAttackModules(t *testing.T) { underAttack(t, moduleAttacks) }

// TestAttackCalls is the same for what calls do.
func TestAttackCalls(t *testing.T) { underAttack(t, callAttacks) }

// attackPolicy lets a listener do what it does.
const attackPolicy = `
programs: {types: [xdp]}
attach: {xdp: ["*"]}
maps: {types: [ringbuf], runtime_rw: ["*"]}
`

// underAttack runs attacks in both modes, beside a plugin to which events come.
func underAttack(t *testing.T, attacks func() []attack) {
	eachMode(t, func(t *testing.T, mode Isolate) {
		b := &ringed{}
		h, err := New(context.Background(), Config{NoCache: true, Isolate: mode, Backend: b, Limits: Limits{
			OutputWait: time.Millisecond, StackBytes: 256 << 10,
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		send := neighbour(t, h, b)
		for _, a := range attacks() {
			t.Run(a.name, func(t *testing.T) {
				text := attackPolicy
				if a.late != "" {
					text += "wasm: {wall_ms: {" + a.late + ": 20}}\n"
				}
				o := PluginOptions{Policy: denying(t, text)}
				send(3)
				err := live(h, a.wasm(), o)
				if (err == nil) != (a.want == "") || err != nil && !strings.Contains(err.Error(), a.want) {
					t.Errorf("error %.300v\nwant %q", err, a.want)
				}
				send(2)
			})
		}
	})
}

// neighbour starts a plugin that gets events. It returns a function that sends some more, and waits
// until the host took them from the ring. At the end the plugin must have had them all.
func neighbour(t *testing.T, h *Host, b *ringed) func(n int) {
	t.Helper()
	p, err := h.Open(context.Background(), listener().bytes(), PluginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	made, err := p.Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Apply(context.Background(), made)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := serve(ctx, run)
	ring, total := b.rings[0], 1
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, run.Close()); err != nil {
			t.Error(err)
		}
		if a := run.Account(); len(a) != 1 || a[0].Delivered != uint64(total) || a[0].Dropped != 0 {
			t.Errorf("%d records were sent, and the account is %+v", total, a)
		}
	})
	return func(n int) {
		for i := range n {
			ring.Send(fmt.Sprint("record ", i))
		}
		for total += n; ring.taken.Load() < int64(total); {
			runtime.Gosched()
		}
	}
}
