package sandbox

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// fill is memory.fill of 32 MiB from 0.
var fill = cat(wasmtest.Const(0), wasmtest.Const(0), wasmtest.Const(32<<20), []byte{0xfc, 11, 0})

// tree has functions that each call the next one twice, so that 2^depth calls need no loop.
func tree(depth int, leaf []byte) []wasmtest.Func {
	var fs []wasmtest.Func
	for i := range depth - 1 {
		fs = append(fs, wasmtest.Func{Code: cat(wasmtest.Call(i+2), wasmtest.Call(i+2))})
	}
	return append(fs, wasmtest.Func{Code: leaf})
}

// attacks run for ever, or nearly so, in a hook with a deadline.
var attacks = []struct {
	name  string
	pages int
	funcs []wasmtest.Func // from index 1 on; "run" is put after them
	run   []byte
}{
	{"loop", 1, nil, wasmtest.Loop},
	{"tree of calls", 1, tree(60, nil), wasmtest.Call(1)},
	{"tree of fills", 512, tree(40, fill), wasmtest.Call(1)},
	{"loop of fills", 512, nil, cat([]byte{0x03, 0x40}, fill, []byte{0x0c, 0, 0x0b})},
	{"line of fills", 512, nil, bytes.Repeat(fill, 200)},
	{"loop of copies", 512, nil, cat([]byte{0x03, 0x40}, wasmtest.Const(0), wasmtest.Const(8), wasmtest.Const(31<<20),
		[]byte{0xfc, 10, 0, 0}, []byte{0x0c, 0, 0x0b})},
	{"loop that grows", 1, nil, cat([]byte{0x03, 0x40}, wasmtest.Const(1), wasmtest.Grow, wasmtest.Drop, []byte{0x0c, 0, 0x0b})},
	{"loop of host calls", 1, nil, cat([]byte{0x03, 0x40}, wasmtest.Const(1), wasmtest.Const64(1), wasmtest.Call(0),
		wasmtest.Drop, []byte{0x0c, 0, 0x0b})},
	{"nested loops", 1, nil, cat([]byte{0x03, 0x40, 0x03, 0x40, 0x41, 1, 0x0d, 0, 0x0b, 0x0c, 0, 0x0b})},
}

// attackModule builds a module around an attack.
func attackModule(i int) *wasmtest.Module {
	a := attacks[i]
	funcs := []wasmtest.Func{}
	for _, f := range a.funcs {
		f.Code = bytes.Clone(f.Code)
		funcs = append(funcs, f)
	}
	m := &wasmtest.Module{
		Imports: []wasmtest.Import{imported("host_v1", "add", "iI", "i")},
		Memory:  cat([]byte{1}, uleb(a.pages), uleb(512)),
		Exports: []wasmtest.Export{{Name: "memory", Kind: 2}},
		Funcs: append(funcs, wasmtest.Func{Export: "abi", Results: "i", Code: wasmtest.Const(7)},
			wasmtest.Func{Export: "run", Results: "i", Code: cat(a.run, wasmtest.Const(0))}),
	}
	return m
}

// TestAttacks shows that nothing that a guest does outlasts its deadline, and that the collector
// gets its turn and other guests run while it tries.
func TestAttacks(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	other := load(t, e, newModule(run(wasmtest.Const(5))), testOptions())
	for i := range attacks {
		t.Run(attacks[i].name, func(t *testing.T) {
			t.Parallel()
			o := testOptions()
			o.Limits.HostCalls = 1 << 60
			g := load(t, e, attackModule(i), o)
			done := make(chan error)
			go func() {
				_, err := g.Call(context.Background(), "run", 200*time.Millisecond)
				done <- err
			}()
			runtime.GC()
			if v, err := other.Call(context.Background(), "run", time.Minute); v != 5 || err != nil {
				t.Errorf("another guest: %d, %v", v, err)
			}
			var limit *budget.LimitError
			if err := <-done; !errors.As(err, &limit) || limit.What != "wall time" {
				t.Errorf("error %v, want the wall time limit", err)
			}
		})
	}
}

// TestAttackStart runs the tree in the start function and in _initialize.
func TestAttackStart(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	o := testOptions()
	o.Limits.Start = 100 * time.Millisecond
	for _, where := range []string{"start", initialize} {
		m := newModule(append(tree(60, nil), wasmtest.Func{Export: initialize, Code: nil})...)
		if where == "start" {
			m.Start = []byte{1}
		} else {
			m.Funcs[len(m.Funcs)-1].Code = wasmtest.Call(2)
		}
		for i := range m.Funcs { // no import here: indexes are one less
			m.Funcs[i].Code = bytes.Clone(m.Funcs[i].Code)
		}
		_, err := e.Load(context.Background(), m.Bytes(), o)
		if want := "wall time limit of 100ms reached in " + where; err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", where, err, want)
		}
	}
}

// TestRecursion shows that the stack is bounded, and how deep it may be.
func TestRecursion(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	// down(n): if n { down(n-1) }
	down := wasmtest.Func{Params: "i", Code: cat(wasmtest.Get(0), []byte{0x04, 0x40}, wasmtest.Get(0), wasmtest.Const(1),
		[]byte{0x6b}, wasmtest.Call(1), []byte{0x0b})}
	for _, tt := range []struct {
		depth int
		want  string
	}{{50_000, ""}, {1 << 30, "call stack limit of 8 MiB reached in run"}} {
		m := newModule(down, run(wasmtest.Const(tt.depth), wasmtest.Call(1), wasmtest.Const(3)))
		g := load(t, e, m, testOptions())
		_, err := g.Call(context.Background(), "run", time.Minute)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
			t.Errorf("depth %d: %v, want %q", tt.depth, err, tt.want)
		}
	}
}

// TestRecursionKinds shows that every way into endless recursion ends at the limit of the stack, not
// at the runtime's.
func TestRecursionKinds(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	indirect := cat(wasmtest.Const(0), []byte{0x11, 1, 0}) // call_indirect of type () -> nothing
	var chain []wasmtest.Func
	for i := range 300 {
		chain = append(chain, wasmtest.Func{Code: wasmtest.Call(i + 2)})
	}
	for name, funcs := range map[string][]wasmtest.Func{
		"itself":                {{Code: wasmtest.Call(1)}},
		"two functions":         {{Code: wasmtest.Call(2)}, {Code: wasmtest.Call(1)}},
		"table":                 {{Code: indirect}},
		"table, large frame":    {{Code: wasmtest.Call(2)}, {Locals: cat([]byte{1}, uleb(3000), []byte{0x7e}), Code: cat(live(3000), indirect, use(3000))}},
		"large frame":           {{Locals: cat([]byte{1}, uleb(3000), []byte{0x7e}), Code: cat(live(3000), wasmtest.Call(1), use(3000))}},
		"chain around":          append(chain[:299:299], wasmtest.Func{Code: wasmtest.Call(1)}),
		"chain through a table": append(chain[:299:299], wasmtest.Func{Code: indirect}),
		"not the tail":          {{Code: cat(wasmtest.Call(1), wasmtest.Call(1))}},
		"with loops":            {{Code: cat([]byte{0x03, 0x40}, wasmtest.Call(1), []byte{0x0c, 0, 0x0b})}},
	} {
		m := newModule(append(slices.Clone(funcs), wasmtest.Func{Export: "run", Results: "i", Code: cat(wasmtest.Call(1), wasmtest.Const(1))})...)
		m.Extra = map[byte][]byte{4: {1, 0x70, 0, 1}, 9: cat([]byte{1, 0}, wasmtest.Const(0), []byte{0x0b}, vec(1, 1))}
		_, err := load(t, e, m, testOptions()).Call(context.Background(), "run", time.Minute)
		if want := "call stack limit of 8 MiB reached in run"; err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// live sets so many locals to what nobody can foresee, and use needs them.
func live(n int) []byte {
	var code []byte
	for i := range n {
		code = cat(code, []byte{0x3f, 0, 0xad}, wasmtest.Const64(int64(i)), []byte{0x7c, 0x21}, uleb(i)) // memory.size + i
	}
	return code
}

func use(n int) []byte {
	code := wasmtest.Const64(0)
	for i := range n {
		code = cat(code, wasmtest.Get(i), []byte{0x85}) // i64.xor
	}
	return append(code, wasmtest.Drop...)
}

// TestStackBalance leaves functions in every way, often: each has to put back what it took from the
// stack.
func TestStackBalance(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	for name, leave := range map[string][]byte{
		"end":            wasmtest.Const(1),
		"return":         cat(wasmtest.Const(1), wasmtest.Return, wasmtest.Const(2)),
		"return, nested": cat([]byte{0x02, 0x40, 0x03, 0x40}, wasmtest.Const(1), wasmtest.Return, []byte{0x0b, 0x0b}, wasmtest.Const(2)),
		"br":             cat(wasmtest.Const(1), []byte{0x0c, 0}),
		"br, nested":     cat([]byte{0x02, 0x40, 0x02, 0x40}, wasmtest.Const(1), []byte{0x0c, 2, 0x0b, 0x0b}, wasmtest.Const(2)),
		"br_if":          cat(wasmtest.Const(1), wasmtest.Const(1), []byte{0x0d, 0}),
		"br_table":       cat([]byte{0x02, 0x7f}, wasmtest.Const(1), wasmtest.Const(9), []byte{0x0e, 1, 0, 1, 0x0b}),
		"return, loop": cat([]byte{0x03, 0x40}, wasmtest.Const(1), []byte{0x04, 0x40}, wasmtest.Const(1), wasmtest.Return,
			[]byte{0x0b, 0x0c, 0, 0x0b, 0x00}),
	} {
		// way() is recursive, were it not for a condition, and leaves; run() calls it 100,000 times.
		m := newModule(wasmtest.Func{}, wasmtest.Func{Results: "i", Code: cat(wasmtest.Const(0), []byte{0x04, 0x40}, wasmtest.Call(2),
			wasmtest.Drop, []byte{0x0b}, leave)},
			wasmtest.Func{Export: "run", Results: "i", Locals: []byte{1, 1, 0x7f}, Code: cat(wasmtest.Const(100_000), []byte{0x21, 0},
				[]byte{0x03, 0x40}, wasmtest.Call(2), wasmtest.Drop, wasmtest.Get(0), wasmtest.Const(1),
				[]byte{0x6b, 0x22, 0, 0x0d, 0, 0x0b}, wasmtest.Const(1))})
		o := testOptions()
		o.Limits.Stack = 8 << 10
		g := load(t, e, m, o)
		if _, err := g.Call(context.Background(), "run", time.Minute); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if left := g.meter.stack.Get(); left != 1<<10 {
			t.Errorf("%s: %d values of the stack are left, want 1024", name, left)
		}
	}
}

// TestFuelGolden holds how much fuel modules use. It is the same on every machine; a change of the
// numbers changes what policies that limit fuel let through.
func TestFuelGolden(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	count := func(n int) []byte { // a loop of n rounds
		return cat(wasmtest.Const(n), []byte{0x21, 0, 0x03, 0x40}, wasmtest.Get(0), wasmtest.Const(1),
			[]byte{0x6b, 0x22, 0, 0x0d, 0, 0x0b})
	}
	locals := []byte{1, 1, 0x7f}
	for _, tt := range []struct {
		name string
		code []byte
		want uint64
	}{
		{"nothing", nil, 0},
		{"10 rounds", count(10), 90},
		{"1,000,000 rounds", count(1_000_000), 7_000_006},
		{"1 call of the host", cat(wasmtest.Const(1), wasmtest.Const64(1), wasmtest.Call(0), wasmtest.Drop), 207},
		{"fill of 64 KiB", cat(wasmtest.Const(0), wasmtest.Const(0), wasmtest.Const(1<<16), []byte{0xfc, 11, 0}), 8215},
		{"growth by 2 pages", cat(wasmtest.Const(2), wasmtest.Grow, wasmtest.Drop), 16_640},
	} {
		m := newModule(wasmtest.Func{Export: "run", Results: "i", Locals: locals, Code: cat(tt.code, wasmtest.Const(1))})
		m.Imports = []wasmtest.Import{imported("host_v1", "add", "iI", "i")}
		for range 2 {
			g := load(t, e, m, testOptions())
			if _, err := g.Call(context.Background(), "run", time.Minute); err != nil {
				t.Fatal(err)
			}
			if got := g.FuelUsed(); got != tt.want {
				t.Errorf("%s: %d units of fuel, want %d", tt.name, got, tt.want)
			}
			once := g.FuelUsed()
			if _, err := g.Call(context.Background(), "run", time.Minute); err != nil {
				t.Fatal(err)
			}
			if got := g.FuelUsed(); tt.name != "growth by 2 pages" && got != 2*once {
				t.Errorf("%s: %d units of fuel after two calls, %d after one", tt.name, got, once)
			}
		}
	}
}

// TestFuelLimit ends a call by fuel, at the same point each time.
func TestFuelLimit(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	m := newModule(wasmtest.Func{Export: "run", Results: "i", Code: cat(
		[]byte{0x03, 0x40}, wasmtest.Const(1), wasmtest.Call(0), []byte{0x0c, 0, 0x0b}, wasmtest.Const(1))})
	m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
	var counts []int
	for range 3 {
		n := 0
		o := testOptions()
		o.Imports[1].Fn = func(*Guest, []uint64) { n++ }
		o.Limits.Fuel = 1_000_000
		g := load(t, e, m, o)
		for range 2 { // what one call uses is not missing in the next
			if _, err := g.Call(context.Background(), "abi", time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		_, err := g.Call(context.Background(), "run", time.Minute)
		if want := "fuel limit of 1000000 reached in run"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		counts = append(counts, n)
	}
	if counts[0] != counts[1] || counts[1] != counts[2] || counts[0] < 4000 {
		t.Errorf("the limit came after %v host calls", counts)
	}
}

func TestCharge(t *testing.T) {
	o := testOptions()
	o.Imports[1].Fn = func(g *Guest, _ []uint64) { g.Charge(1000) }
	m := newModule(run(wasmtest.Const(1), wasmtest.Call(0), wasmtest.Const(1)))
	m.Imports = []wasmtest.Import{imported("host_v1", "note", "i", "")}
	g := load(t, newEngine(t, EngineOptions{}), m, o)
	if _, err := call(g); err != nil {
		t.Fatal(err)
	}
	if got := g.FuelUsed(); got != 1205 {
		t.Errorf("%d units of fuel, want 1205", got)
	}
}

// TestMeterNames shows that a module cannot import or export what belongs to the meter.
func TestMeterNames(t *testing.T) {
	e := newEngine(t, EngineOptions{})
	m := newModule()
	m.Imports = []wasmtest.Import{imported("bpfhost.meter", "refill", "", "")}
	if _, err := e.Load(context.Background(), m.Bytes(), testOptions()); err == nil || !strings.HasPrefix(err.Error(), "imports bpfhost.meter.refill; only") {
		t.Errorf("import: %v", err)
	}
	m = newModule(wasmtest.Func{Export: "bpfhost.stack"})
	if _, err := e.Load(context.Background(), m.Bytes(), testOptions()); err == nil || !strings.HasPrefix(err.Error(), "exports bpfhost.stack") {
		t.Errorf("export: %v", err)
	}
}

// FuzzRewrite holds rewriting against the runtime: it never fails, and the result is valid where
// its input is.
func FuzzRewrite(f *testing.F) {
	f.Add(fullModule().Bytes())
	for i := range attacks {
		if m := attackModule(i).Bytes(); len(m) < 4096 {
			f.Add(m)
		}
	}
	for _, wasm := range guestModules(f) {
		f.Add(wasm)
	}
	r := validator(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		out, ok := tryMeter(t, b)
		if !ok {
			return
		}
		// The runtime refuses a custom section without content at the end of a file, and no other.
		was := valid(r, b) || valid(r, cat(b, rawSection(0, str("x"), []byte{0})))
		if is := valid(r, out); was != is {
			t.Errorf("valid before %v, after %v", was, is)
		}
	})
}
