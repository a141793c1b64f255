package sandbox

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// call runs the run hook with a deadline that only an endless call meets.
func call(g *Guest) (int32, error) {
	return g.Call(context.Background(), "run", time.Minute)
}

func TestGuestFailures(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	recursion := cat(wasmtest.Call(1))
	for _, tt := range []struct {
		name    string
		code    []byte
		imports []wasmtest.Import
		want    string
	}{
		{name: "unreachable", code: wasmtest.Unreachable, want: "trap in run: unreachable"},
		{name: "loop", code: cat(wasmtest.Loop, wasmtest.Const(0)), want: "wall time limit of 100ms reached in run"},
		{name: "recursion", code: recursion, want: "call stack limit of 8 MiB reached in run"},
		{name: "load beyond memory", code: cat(wasmtest.Const(-4), wasmtest.Load(0)), want: "trap in run: out of bounds memory access"},
		{name: "division by zero", code: cat(wasmtest.Const(1), wasmtest.Const(0), []byte{0x6d}), want: "trap in run: integer divide by zero"},
		{name: "exit 0", code: cat(wasmtest.Const(0), wasmtest.Call(0), wasmtest.Const(1)),
			imports: []wasmtest.Import{imported(wasiModule, "proc_exit", "i", "")}, want: "trap in run: called proc_exit(0)"},
		{name: "exit like a deadline", code: cat(wasmtest.Const(-0x10000001), wasmtest.Call(0), wasmtest.Const(1)),
			imports: []wasmtest.Import{imported(wasiModule, "proc_exit", "i", "")}, want: "trap in run: called proc_exit(4026531839)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newModule(run(tt.code))
			m.Imports = tt.imports
			g := load(t, e, m, testOptions())
			timeout := time.Minute
			if tt.name == "loop" {
				timeout = 100 * time.Millisecond
			}
			if _, err := g.Call(context.Background(), "run", timeout); err == nil || err.Error() != tt.want {
				t.Fatalf("error %v, want %s", err, tt.want)
			}
			if _, err := g.Call(context.Background(), "abi", 0); !errors.Is(err, ErrPoisoned) {
				t.Errorf("after the failure: %v, want ErrPoisoned", err)
			}
			if err := g.Poisoned(); err == nil || err.Error() != tt.want {
				t.Errorf("poisoned by %v, want %s", err, tt.want)
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	g := load(t, e, newModule(run(wasmtest.Const(1))), testOptions())
	if v, err := call(g); v != 1 || err != nil {
		t.Errorf("the next guest: %d, %v", v, err)
	}
}

func TestGuestErrorTypes(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	var trap *Trap
	_, err := call(load(t, e, newModule(run(wasmtest.Unreachable)), testOptions()))
	if !errors.As(err, &trap) || trap.Export != "run" || !strings.Contains(trap.Trace, "wasm stack trace") {
		t.Errorf("trap: %#v", err)
	}
	var limit *budget.LimitError
	endless := load(t, e, newModule(run(wasmtest.Loop, wasmtest.Const(0))), testOptions())
	_, err = endless.Call(context.Background(), "run", 100*time.Millisecond)
	if !errors.As(err, &limit) || limit.What != "wall time" || limit.Max != uint64(100*time.Millisecond) || limit.Export != "run" {
		t.Errorf("limit: %#v", err)
	}
}

func TestGuestMemoryGrow(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	o := testOptions()
	o.Limits.MemoryPages = 4
	// The first growth fits, the second is refused to the guest and does no harm.
	m := newModule(run(wasmtest.Const(3), wasmtest.Grow, wasmtest.Drop, wasmtest.Const(1), wasmtest.Grow))
	g := load(t, e, m, o)
	if v, err := call(g); v != -1 || err != nil {
		t.Errorf("growing past the limit: %d, %v; want -1", v, err)
	}
	if n := g.MemorySize(); n != 4*PageSize {
		t.Errorf("memory of %d bytes, want %d", n, 4*PageSize)
	}
}

// writeTo fails at run time when m is nil.
func writeTo(m map[int]int) { m[0] = 1 }

func TestGuestHostFailures(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	wanted := errors.New("quota used up")
	for _, tt := range []struct {
		name string
		fn   func(g *Guest)
		want string
	}{
		{"panic", func(*Guest) { panic("lost\x1b[2J") }, `trap in run: host function note panicked: "lost\x1b[2J"`},
		{"runtime error", func(*Guest) { writeTo(nil) },
			"trap in run: host function note panicked: assignment to entry in nil map"},
		{"abort", func(g *Guest) {
			if err := g.Expired(); err != nil {
				panic(err)
			}
			g.Abort(wanted)
		}, "quota used up"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := testOptions()
			o.Imports[1].Fn = func(g *Guest, _ []uint64) { tt.fn(g) }
			m := newModule(run(wasmtest.Const(1), wasmtest.Call(0), wasmtest.Const(1)))
			m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
			g := load(t, e, m, o)
			_, err := call(g)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if tt.name == "abort" && err != wanted {
				t.Error("Abort's error is wrapped")
			}
			if !errors.Is(g.Poisoned(), err) {
				t.Errorf("poisoned by %v", g.Poisoned())
			}
		})
	}
}

// TestGuestExpired tells a host function that takes long that its call is not wanted any more.
func TestGuestExpired(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	ctx, cancel := context.WithCancelCause(context.Background())
	unwanted := errors.New("the run is over")
	o := testOptions()
	o.Imports[1].Fn = func(g *Guest, _ []uint64) {
		if err := g.Expired(); err != nil {
			t.Errorf("before: %v", err)
		}
		cancel(unwanted)
		if err := g.Expired(); !errors.Is(err, unwanted) {
			t.Errorf("after: %v", err)
		} else {
			g.Abort(err)
		}
	}
	m := newModule(run(wasmtest.Const(1), wasmtest.Call(0), wasmtest.Const(1)))
	m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
	g := load(t, e, m, o)
	if _, err := g.Call(ctx, "run", time.Minute); !errors.Is(err, unwanted) {
		t.Errorf("error %v", err)
	}
}

func TestGuestHostCallLimit(t *testing.T) {
	o := testOptions()
	o.Limits.HostCalls = 1000
	// loop { note(1); br 0 }
	m := newModule(run([]byte{0x03, 0x40}, wasmtest.Const(1), wasmtest.Call(0), []byte{0x0c, 0x00, 0x0b}, wasmtest.Const(1)))
	m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
	calls := 0
	o.Imports[1].Fn = func(*Guest, []uint64) { calls++ }
	g := load(t, newEngine(t, EngineOptions{}), m, o)
	_, err := g.Call(context.Background(), "run", time.Minute)
	if want := "host calls limit of 1000 reached in run"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if calls != 1000 {
		t.Errorf("%d calls were made, want 1000", calls)
	}
}

func TestGuestReentry(t *testing.T) {
	o := testOptions()
	var inner error
	o.Imports[1].Fn = func(g *Guest, _ []uint64) {
		_, inner = g.Call(g.Context(), "abi", 0)
	}
	m := newModule(run(wasmtest.Const(1), wasmtest.Call(0), wasmtest.Const(3)))
	m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
	g := load(t, newEngine(t, EngineOptions{}), m, o)
	if v, err := call(g); v != 3 || err != nil {
		t.Errorf("outer call: %d, %v", v, err)
	}
	if !errors.Is(inner, ErrReentered) {
		t.Errorf("inner call: %v, want ErrReentered", inner)
	}
}

func TestGuestConcurrentCalls(t *testing.T) {
	o := testOptions()
	running := 0
	o.Imports[1].Fn = func(*Guest, []uint64) {
		running++ // the race detector sees two calls at once
		time.Sleep(time.Microsecond)
		running--
	}
	m := newModule(run(wasmtest.Const(1), wasmtest.Call(0), wasmtest.Const(3)))
	m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
	g := load(t, newEngine(t, EngineOptions{}), m, o)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if v, err := g.Call(context.Background(), "run", time.Minute); v != 3 || err != nil {
					t.Errorf("call: %d, %v", v, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestGuestContext(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	why := errors.New("operator left")
	ctx, cancel := context.WithCancelCause(context.Background())
	o := testOptions()
	o.Imports[1].Fn = func(*Guest, []uint64) { cancel(why) }
	m := newModule(run(wasmtest.Const(1), wasmtest.Call(0), wasmtest.Loop, wasmtest.Const(3)))
	m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
	g := load(t, e, m, o)
	_, err := g.Call(ctx, "run", time.Minute)
	if !errors.Is(err, why) || err.Error() != "call run: operator left" {
		t.Errorf("error %v, want the cause of the context", err)
	}
	g = load(t, e, newModule(run(wasmtest.Const(1))), testOptions())
	if _, err := g.Call(ctx, "run", 0); !errors.Is(err, why) {
		t.Errorf("ended context: %v", err)
	}
	if _, err := e.Load(ctx, newModule().Bytes(), testOptions()); !errors.Is(err, why) {
		t.Errorf("load with an ended context: %v", err)
	}
}

func TestGuestCloseStopsCall(t *testing.T) {
	o := testOptions()
	started := make(chan bool)
	o.Imports[1].Fn = func(*Guest, []uint64) { close(started) }
	m := newModule(run(wasmtest.Const(1), wasmtest.Call(0), wasmtest.Loop, wasmtest.Const(3)))
	m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
	g := load(t, newEngine(t, EngineOptions{}), m, o)
	result := make(chan error)
	go func() {
		_, err := g.Call(context.Background(), "run", time.Hour)
		result <- err
	}()
	<-started
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; !errors.Is(err, ErrClosed) {
		t.Errorf("closed call: %v, want ErrClosed", err)
	}
	if _, err := g.Call(context.Background(), "abi", 0); !errors.Is(err, ErrClosed) {
		t.Errorf("call after close: %v, want ErrClosed", err)
	}
	if err := g.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestGuestOutput(t *testing.T) {
	// fd_write(1, iovec at 0, 1, written at 16) with an iovec of "hello\n" at 32.
	data := cat([]byte{1}, []byte{0}, wasmtest.Const(0), []byte{0x0b}, vec(8, 32, 0, 0, 0, 6, 0, 0, 0))
	text := cat([]byte{2}, data[1:], []byte{0}, wasmtest.Const(32), []byte{0x0b}, str("hello\n"))
	write := func(fd int) []byte {
		return cat(wasmtest.Const(fd), wasmtest.Const(0), wasmtest.Const(1), wasmtest.Const(16), wasmtest.Call(0))
	}
	m := newModule(run(write(1), wasmtest.Drop, write(2)))
	m.Imports = []wasmtest.Import{imported(wasiModule, "fd_write", "iiii", "i")}
	m.Extra = map[byte][]byte{11: text}
	var out, talk bytes.Buffer
	o := testOptions()
	o.Stdout, o.Stderr = &out, &talk
	e := newEngine(t, EngineOptions{})
	if v, err := call(load(t, e, m, o)); v != 0 || err != nil {
		t.Fatalf("run: %d, %v", v, err)
	}
	if out.String() != "hello\n" || talk.String() != "hello\n" {
		t.Errorf("stdout %q, stderr %q", &out, &talk)
	}
	if v, err := call(load(t, e, m, testOptions())); v != 0 || err != nil {
		t.Errorf("discarded output: %d, %v", v, err)
	}
}

// TestGuestDeterministic shows that clock and random numbers are the same for every guest, and that
// sleeping does not take time.
func TestGuestDeterministic(t *testing.T) {
	// clock_time_get(1, 0, 8), random_get(16, 8), poll_oneoff of one clock subscription at 64 with
	// a timeout of an hour; returns the low half of both, added.
	sub := make([]byte, 48)
	copy(sub[24:], []byte{0x00, 0xa0, 0xb8, 0x30, 0x46, 0x03, 0x00, 0x00}) // 3.6e12 ns
	seg := cat([]byte{1, 0}, wasmtest.Const(64), []byte{0x0b}, vec(len(sub), sub...))
	m := newModule(run(
		wasmtest.Const(64), wasmtest.Const(128), wasmtest.Const(1), wasmtest.Const(24), wasmtest.Call(2), wasmtest.Drop,
		wasmtest.Const(1), wasmtest.Const64(0), wasmtest.Const(8), wasmtest.Call(0), wasmtest.Drop,
		wasmtest.Const(16), wasmtest.Const(8), wasmtest.Call(1), wasmtest.Drop,
		wasmtest.Const(8), wasmtest.Load(0), wasmtest.Const(16), wasmtest.Load(0), []byte{0x6a}))
	m.Imports = []wasmtest.Import{
		imported(wasiModule, "clock_time_get", "iIi", "i"), imported(wasiModule, "random_get", "ii", "i"),
		imported(wasiModule, "poll_oneoff", "iiii", "i"),
	}
	m.Extra = map[byte][]byte{11: seg}
	e := newEngine(t, EngineOptions{})
	first, err := call(load(t, e, m, testOptions()))
	if err != nil {
		t.Fatal(err)
	}
	second, err := call(load(t, e, m, testOptions()))
	if err != nil || first != second || first == 0 {
		t.Errorf("two guests saw %d and %d, %v", first, second, err)
	}
}

// TestGuestIsolation shows that two guests with the same name, code and imports share nothing.
func TestGuestIsolation(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	m := newModule(
		run(wasmtest.Const(0), wasmtest.Load(0), wasmtest.Call(0)),
		wasmtest.Func{Export: "tick", Params: "I", Results: "i", Code: cat(wasmtest.Const(0), wasmtest.Const(99), wasmtest.Store(0), wasmtest.Const(0))},
	)
	m.Imports = []wasmtest.Import{imported("host_v1", "who", "i", "i")}
	name := cat(str("name"), []byte{0}, vec(len("host_v1")+1, str("host_v1")...))
	m.Extra = map[byte][]byte{0: name}
	guest := func(id uint64) *Guest {
		o := testOptions()
		o.Imports = []Import{{Name: "who", Params: []ValueType{I32}, Results: []ValueType{I32},
			Fn: func(_ *Guest, s []uint64) { s[0] += id }}}
		return load(t, e, m, o)
	}
	a, b := guest(1000), guest(2000)
	if _, err := a.Call(context.Background(), "tick", 0, 0); err != nil {
		t.Fatal(err)
	}
	va, erra := call(a)
	vb, errb := call(b)
	if va != 1099 || vb != 2000 || erra != nil || errb != nil {
		t.Errorf("guests answer %d, %v and %d, %v; want 1099 and 2000", va, erra, vb, errb)
	}
}
