package sandbox

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/fuel"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// specScript is a script of the specification's test suite, as wast2json writes it.
type specScript struct {
	Commands []specCommand `json:"commands"`
}

type specCommand struct {
	Type     string      `json:"type"`
	Line     int         `json:"line"`
	Name     string      `json:"name"`
	Filename string      `json:"filename"`
	Action   specAction  `json:"action"`
	Expected []specValue `json:"expected"`
	Text     string      `json:"text"`
}

type specAction struct {
	Type   string      `json:"type"`
	Module string      `json:"module"`
	Field  string      `json:"field"`
	Args   []specValue `json:"args"`
}

type specValue struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// bits returns the value as the runtime has it, and false for types that are not numbers.
func (v specValue) bits() (uint64, bool) {
	var text string
	if json.Unmarshal(v.Value, &text) != nil {
		return 0, false
	}
	switch {
	case v.Type == "f32" && strings.HasPrefix(text, "nan"):
		return uint64(math.Float32bits(float32(math.NaN()))), true
	case v.Type == "f64" && strings.HasPrefix(text, "nan"):
		return math.Float64bits(math.NaN()), true
	case v.Type == "i32" || v.Type == "f32":
		n, err := strconv.ParseUint(text, 10, 32)
		return n, err == nil
	case v.Type == "i64" || v.Type == "f64":
		n, err := strconv.ParseUint(text, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// same compares a result, all NaN being one.
func (v specValue) same(got uint64) bool {
	want, _ := v.bits()
	switch v.Type {
	case "f32":
		a, b := math.Float32frombits(uint32(want)), math.Float32frombits(uint32(got))
		return a != a && b != b || uint32(want) == uint32(got)
	case "f64":
		a, b := math.Float64frombits(want), math.Float64frombits(got)
		return a != a && b != b || want == got
	case "i32":
		return uint32(want) == uint32(got)
	}
	return want == got
}

// TestSpecMetered runs the specification's test suite on metered modules: calls return and trap as
// it says. Modules that plugins cannot be, and what is asked of them, are passed over.
func TestSpecMetered(t *testing.T) {
	calls := 0
	for _, version := range []string{"v1", "v2"} {
		scripts, err := filepath.Glob(filepath.Join(wazeroDir(t), "internal/integration_test/spectest", version, "testdata/*.json"))
		if err != nil || len(scripts) < 20 {
			t.Fatal(len(scripts), err)
		}
		for i, path := range scripts {
			if testing.Short() && i%10 != 0 {
				continue
			}
			calls += runSpec(t, path)
		}
	}
	t.Logf("%d calls", calls)
	if calls < 20_000 && !testing.Short() && !testenv.Race {
		t.Errorf("only %d calls were made", calls)
	}
}

// runSpec runs one script and returns how many calls it made.
func runSpec(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var script specScript
	if err := json.Unmarshal(text, &script); err != nil {
		t.Fatal(err)
	}
	s := newSpecRun(t, path)
	defer s.runtime.Close(context.Background())
	for i := range script.Commands {
		c := &script.Commands[i]
		switch c.Type {
		case "module":
			s.module(c)
		case "assert_return", "assert_trap", "action", "assert_exhaustion":
			if c.Action.Type == "invoke" && c.Action.Module == "" {
				s.call(c)
			}
		}
	}
	return s.calls
}

// specRun is a script that runs.
type specRun struct {
	t       *testing.T
	path    string
	runtime wazero.Runtime
	current api.Module // nil is one that was passed over
	calls   int
}

// newSpecRun makes a runtime with what the scripts import: functions that print, and fuel.
func newSpecRun(t *testing.T, path string) *specRun {
	t.Helper()
	ctx := context.Background()
	r := newRuntime(Limits{MemoryPages: 65536}.WithDefaults(), nil)
	b := r.NewHostModuleBuilder("spectest")
	const i32, i64, f32, f64 = api.ValueTypeI32, api.ValueTypeI64, api.ValueTypeF32, api.ValueTypeF64
	for name, params := range map[string][]api.ValueType{"print": nil, "print_i32": {i32}, "print_i64": {i64},
		"print_f32": {f32}, "print_f64": {f64}, "print_i32_f32": {i32, f32}, "print_f64_f64": {f64, f64}} {
		b.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(context.Context, []uint64) {}), params, nil).Export(name)
	}
	if _, err := b.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	_, err := r.NewHostModuleBuilder(fuel.Module).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, mod api.Module, _ []uint64) {
			if int64(mod.ExportedGlobal(fuel.Stack).Get()) < 0 {
				panic("exhausted")
			}
			mod.ExportedGlobal(fuel.Fuel).(api.MutableGlobal).Set(100)
		}), nil, nil).Export(fuel.Refill).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return &specRun{t: t, path: path, runtime: r}
}

// module instantiates a module, metered.
func (s *specRun) module(c *specCommand) {
	s.current = nil
	wasm, err := os.ReadFile(filepath.Join(filepath.Dir(s.path), c.Filename))
	if err != nil {
		s.t.Fatal(err)
	}
	out, ok := tryMeter(s.t, wasm)
	if !ok {
		return
	}
	mod, err := s.runtime.InstantiateWithConfig(context.Background(), out, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err == nil {
		s.current = mod
	}
}

// call makes a call and compares.
func (s *specRun) call(c *specCommand) {
	if s.current == nil {
		return
	}
	f := s.current.ExportedFunction(c.Action.Field)
	if f == nil {
		s.t.Errorf("%s:%d: %s is not exported", s.path, c.Line, c.Action.Field)
		return
	}
	args := make([]uint64, len(c.Action.Args))
	for i, a := range c.Action.Args {
		var ok bool
		if args[i], ok = a.bits(); !ok {
			return
		}
	}
	for _, want := range c.Expected {
		if _, ok := want.bits(); !ok && c.Type == "assert_return" {
			return
		}
	}
	s.calls++
	stack := s.current.ExportedGlobal(fuel.Stack).(api.MutableGlobal)
	full := stack.Get()
	got, err := f.Call(context.Background(), args...)
	if err == nil && stack.Get() != full {
		s.t.Errorf("%s:%d: %s leaves %d of the stack, want %d", s.path, c.Line, c.Action.Field, stack.Get(), full)
	}
	stack.Set(full) // a guest is not called again after a trap, but the scripts do
	if traps := c.Type == "assert_trap" || c.Type == "assert_exhaustion"; traps != (err != nil) {
		s.t.Errorf("%s:%d: %s: %v, %v; want %s %s", s.path, c.Line, c.Action.Field, got, err, c.Type, c.Text)
		return
	}
	for i, want := range c.Expected {
		if err == nil && c.Type == "assert_return" && !want.same(got[i]) {
			s.t.Errorf("%s:%d: %s: result %d is %#x, want %s", s.path, c.Line, c.Action.Field, i, got[i], want.Value)
		}
	}
}
