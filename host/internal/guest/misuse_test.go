package guest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/events"
	"github.com/bpfhost/bpfhost/host/internal/isolate"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// bench is a real guest that exports every function of the ABI as it is, on an instance in which
// every kind of handle exists. What a bad guest can do is done through it.
type bench struct {
	t       *testing.T
	x       *fake
	g       Guest
	handles map[string]uint32
}

// wild are places in guest memory that do not exist.
const (
	memorySize = 2 * sandbox.PageSize
	goodPtr    = 4096
)

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchIn(t, nil, nil)
}

// newBenchIn is newBench in an engine, nil for one of its own, with an account of what the host holds
// for it.
func newBenchIn(t *testing.T, engine *sandbox.Engine, account *budget.Account) *bench {
	t.Helper()
	x := running(t)
	x.limits.Faults = 1 << 30
	x.memory, x.handles.held, x.symbols.held, x.out.memory = account, account, account, account
	table := importTable(x.of)
	imports := imports(table)
	var exports []sandbox.Export
	for _, f := range imports {
		exports = append(exports, sandbox.Export{Name: "call_" + f.Name, Params: f.Params, Results: f.Results})
	}
	x.guest = nil
	o := sandbox.Options{HostModule: abi.Module, Imports: imports, Exports: exports}
	x.guest = startBench(t, engine, trampolines(imports), o, table)
	b := &bench{t: t, x: x, g: x.guest, handles: map[string]uint32{}}
	b.open()
	return b
}

// startBench starts the guest, with BPFHOST_TEST_ISOLATE in the environment in a separate process.
func startBench(t *testing.T, engine *sandbox.Engine, wasm []byte, o sandbox.Options, table []function) Guest {
	t.Helper()
	if os.Getenv("BPFHOST_TEST_ISOLATE") != "" {
		g, err := new(isolate.Launcher).Load(context.Background(), wasm, isolate.Options{Options: o, Calls: calls(table)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { g.Close() })
		return g
	}
	if engine == nil {
		var err error
		if engine, err = sandbox.NewEngine(sandbox.EngineOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { engine.Close() })
	}
	g, err := engine.Load(context.Background(), wasm, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

// trampolines is a guest that exports every function of the ABI as it is, under call_ and its name.
func trampolines(imports []sandbox.Import) []byte {
	m := wasmtest.Module{
		Memory:  append([]byte{0}, wasmtest.ULEB(memorySize/sandbox.PageSize)...),
		Exports: []wasmtest.Export{{Name: "memory", Kind: 2}},
	}
	for i, f := range imports {
		params := ""
		var code []byte
		for n, p := range f.Params {
			params += map[sandbox.ValueType]string{sandbox.I32: "i", sandbox.I64: "I"}[p]
			code = append(code, wasmtest.Get(n)...)
		}
		m.Imports = append(m.Imports, wasmtest.Import{Module: abi.Module, Name: f.Name, Params: params, Results: "i"})
		m.Funcs = append(m.Funcs, wasmtest.Func{Export: "call_" + f.Name, Params: params, Results: "i", Code: append(code, wasmtest.Call(i)...)})
	}
	return m.Bytes()
}

// open makes one handle of every kind.
func (b *bench) open() {
	x := b.x
	x.tx = tx.New("fake", []tx.Input{{Name: "drops", Source: "drops.o", Collection: backendtest.Collection()}}, x.memory)
	o := x.tx.Objects[0]
	source := events.NewSource(events.Options{Name: "drops/events", Ring: backendtest.NewRing(), Size: 4096})
	x.live.Events.Add(source)
	for k, obj := range map[abi.Kind]any{
		abi.KindPlugin: pluginRef{x.state}, abi.KindObject: o, abi.KindProgram: tx.ProgramRef{Object: o, Program: o.Work.Programs[0]},
		abi.KindMap: tx.MapRef{Object: o, Map: o.Work.Maps[0]}, abi.KindVar: tx.VarRef{Object: o, Var: o.Work.Vars[0]}, abi.KindAttach: o.Attachment(0),
		abi.KindParam: &declaredParam{plan.Param{Name: "p", Type: plan.ParamString}}, abi.KindRequest: &declaredRequest{"program xdp"}, abi.KindSection: &declaredSection{},
		abi.KindLiveMap: x.live.Maps[0], abi.KindSource: source,
	} {
		h, err := x.handles.open(k, obj)
		if err != nil {
			b.t.Fatal(err)
		}
		b.handles[k.String()] = uint32(h)
	}
}

// call makes one call of the guest in a phase in which it is allowed.
func (b *bench) call(f abi.Func, args ...uint64) int32 {
	b.t.Helper()
	b.x.phase = f.Phases & -f.Phases // the first
	return b.callIn(f, args...)
}

func (b *bench) callIn(f abi.Func, args ...uint64) int32 {
	b.t.Helper()
	rc, err := b.g.Call(context.Background(), "call_"+f.Name, 0, args...)
	if err != nil {
		b.t.Fatalf("%s(%#x): %v", f.Name, args, err)
	}
	return rc
}

// good are arguments that are in order as far as the decoder can tell.
func (b *bench) good(f abi.Func) []uint64 {
	var args []uint64
	for _, p := range f.Params {
		switch {
		case p.Kind == abi.Handle32:
			kind := p.Of
			if kind == "" {
				kind = "program"
			}
			args = append(args, uint64(b.handles[kind]))
		case p.Kind == abi.InRecord:
			size := recordSize(p.Of)
			view, _ := b.g.View(goodPtr, size)
			clear(view)
			binary.LittleEndian.PutUint32(view, size)
			args = append(args, goodPtr, uint64(size))
		case p.Kind.Pair():
			args = append(args, 0, 0)
		case p.Kind == abi.OutU64:
			args = append(args, goodPtr)
		default:
			args = append(args, 0)
		}
	}
	return args
}

func recordSize(name string) uint32 {
	for _, r := range abi.Records() {
		if r.Name == name {
			return r.Size
		}
	}
	return 0
}

// eachParam calls f with the index in the arguments of every parameter.
func eachParam(f abi.Func, do func(p abi.Param, at int)) {
	at := 0
	for _, p := range f.Params {
		do(p, at)
		at++
		if p.Kind.Pair() {
			at++
		}
	}
}

func TestMisusePhase(t *testing.T) {
	b := newBench(t)
	for _, f := range abi.Funcs() {
		for phase := abi.PhaseInit; phase <= abi.PhaseStop; phase <<= 1 {
			if f.Phases&phase != 0 {
				continue
			}
			b.x.phase = phase
			errnoIn(t, fmt.Sprintf("%s in phase %s", f.Name, phase), b.callIn(f, b.good(f)...), abi.ErrPhase)
			if b.x.last.fn != f.ID {
				t.Errorf("%s in phase %s: err_info is about %s", f.Name, phase, b.x.last.fn)
			}
		}
	}
}

func TestMisusePointer(t *testing.T) {
	b := newBench(t)
	for _, f := range abi.Funcs() {
		eachParam(f, func(p abi.Param, at int) {
			args := b.good(f)
			if p.Kind == abi.OutU64 {
				for _, ptr := range []uint64{memorySize, memorySize - 7, 0xffff_ffff} {
					args[at] = ptr
					errnoIn(t, fmt.Sprintf("%s: %s at %#x", f.Name, p.Name, ptr), b.call(f, args...), abi.ErrFault)
				}
				return
			}
			if !p.Kind.Pair() {
				return
			}
			for _, bad := range [][2]uint64{{memorySize, 1}, {memorySize - 1, 64}, {0xffff_fff0, 0x20}, {8, 0xffff_ffff}, {0xffff_ffff, 0xffff_ffff}} {
				args[at], args[at+1] = bad[0], bad[1]
				errnoIn(t, fmt.Sprintf("%s: %s at %#x, %#x", f.Name, p.Name, bad[0], bad[1]), b.call(f, args...), abi.ErrFault)
			}
		})
	}
}

// A length of zero means that the pointer is not looked at.
func TestMisuseEmptyAnywhere(t *testing.T) {
	b := newBench(t)
	for _, f := range abi.Funcs() {
		eachParam(f, func(p abi.Param, at int) {
			if !p.Kind.Pair() {
				return
			}
			args := b.good(f)
			args[at], args[at+1] = 0xdead_0000, 0
			if rc := b.call(f, args...); rc == -int32(abi.ErrFault) {
				t.Errorf("%s: an empty %s at a wild pointer is a fault", f.Name, p.Name)
			}
			newBenchState(b)
		})
	}
}

// newBenchState makes up for calls that changed something.
func newBenchState(b *bench) {
	b.x.handles.closeAll()
	b.x.live.Events = events.NewLoop(nil, nil)
	b.open()
}

func TestMisuseHandle(t *testing.T) {
	b := newBench(t)
	for _, f := range abi.Funcs() {
		eachParam(f, func(p abi.Param, at int) {
			if p.Kind != abi.Handle32 || f.Name == "plan_note" {
				return
			}
			args := b.good(f)
			stale := args[at] + 1<<handleIndexBits
			for _, h := range []uint64{0, 1, 0xffff_ffff, stale} {
				args[at] = h
				errnoIn(t, fmt.Sprintf("%s: handle %#x", f.Name, h), b.call(f, args...), abi.ErrBadh)
			}
			if p.Of == "" {
				return
			}
			for kind, h := range b.handles {
				if kind != p.Of {
					args[at] = uint64(h)
					errnoIn(t, f.Name+": handle of kind "+kind, b.call(f, args...), abi.ErrKind)
				}
			}
		})
	}
	note, _ := abi.LookupFunc("plan_note")
	errnoIn(t, "plan_note: stale handle", b.call(note, 0xffff_ffff, 0, 0, 0), abi.ErrBadh)
}

func TestMisuseText(t *testing.T) {
	b := newBench(t)
	long := make([]byte, abi.MaxName+1)
	for i := range long {
		long[i] = 'a'
	}
	for _, f := range abi.Funcs() {
		eachParam(f, func(p abi.Param, at int) {
			bad := [][]byte{[]byte("\xff\xfe"), []byte("a\x00b")}
			switch p.Kind {
			case abi.Name:
				bad = append(bad, long, []byte("a\nb"), []byte("\x1b[2J"), []byte("a\u009bb"))
			case abi.Text:
			default:
				return
			}
			for _, text := range bad {
				args := b.good(f)
				view, ok := b.g.View(goodPtr+1024, uint32(len(text)))
				if !ok {
					t.Fatal("write text")
				}
				copy(view, text)
				args[at], args[at+1] = goodPtr+1024, uint64(len(text))
				errnoIn(t, fmt.Sprintf("%s: %s %.20q", f.Name, p.Name, text), b.call(f, args...), abi.ErrInval)
			}
		})
	}
}

func TestMisuseRecord(t *testing.T) {
	b := newBench(t)
	for _, f := range abi.Funcs() {
		eachParam(f, func(p abi.Param, at int) {
			if p.Kind != abi.InRecord {
				return
			}
			size := recordSize(p.Of)
			for _, tt := range []struct {
				name string
				size uint32 // in the record
				n    uint64 // of the call
				tail byte
				want abi.Errno
			}{
				{"size and length differ", size, uint64(size) - 4, 0, abi.ErrInval},
				{"no room for the size", 0, 3, 0, abi.ErrInval},
				{"longer, and the tail says something", size + 8, uint64(size) + 8, 1, abi.ErrToobig},
			} {
				args := b.good(f)
				view, _ := b.g.View(goodPtr, size+8)
				clear(view)
				binary.LittleEndian.PutUint32(view, tt.size)
				view[size+7] = tt.tail
				args[at], args[at+1] = goodPtr, tt.n
				errnoIn(t, f.Name+": "+tt.name, b.call(f, args...), tt.want)
			}
		})
	}
}

// Whatever a guest passes, the host neither panics nor hangs, and what it answers is a code or a
// result.
func TestMisuseRandom(t *testing.T) {
	b := newBench(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	values := []uint64{0, 1, 2, 3, 7, 8, 255, goodPtr, memorySize - 8, memorySize, 1 << 31, 0xffff_ffff, 1 << 63, ^uint64(0)}
	funcs := slices.DeleteFunc(abi.Funcs(), func(f abi.Func) bool { return f.Name == "handle_close" })
	for range 20_000 {
		f := funcs[rnd.IntN(len(funcs))]
		args := make([]uint64, len(b.good(f)))
		for i := range args {
			args[i] = values[rnd.IntN(len(values))]
		}
		eachParam(f, func(p abi.Param, at int) {
			if p.Kind == abi.Handle32 && rnd.IntN(8) > 0 {
				args[at] = uint64(b.handles[abi.Kind(1+rnd.IntN(10)).String()])
			}
		})
		b.x.phase = abi.PhaseInit << rnd.IntN(7)
		if rc := b.callIn(f, args...); rc < 0 && abi.Errno(-rc) > abi.ErrInternal {
			t.Fatalf("%s(%#x) = %d, which is not a code", f.Name, args, rc)
		}
		if rnd.IntN(50) == 0 {
			newBenchState(b)
		}
	}
}

func TestFaultsEndTheGuest(t *testing.T) {
	var x *fake
	calls := 0
	x = startFake(t, abi.PhasePlan, Go{Hooks: map[string]GoHook{"bpfhost_plan": func(context.Context, Functions, ...uint64) (int32, error) {
		for {
			calls++
			errnoIn(t, "bad pointer", x.refuseCall(abi.FuncSelf, abi.ErrFault), abi.ErrFault)
		}
	}}})
	x.limits.Faults = 3
	_, err := x.Call(context.Background(), "bpfhost_plan", time.Minute)
	var limit *budget.LimitError
	if !errors.As(err, &limit) || *limit != (budget.LimitError{Export: "bpfhost_plan", What: "bad pointers", Used: 4, Max: 3}) || calls != 4 {
		t.Errorf("after %d bad pointers: %v, want a limit of them", calls, err)
	}
}
