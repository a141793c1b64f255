package module

import (
	"testing"

	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// Functions as LLVM's linker puts them around exports are told from what only looks like them.
func TestRunsConstructors(t *testing.T) {
	const constructors, hook, destructors = 1, 2, 3
	wrap := func(code ...[]byte) []byte {
		return wasmtest.Cat(append([][]byte{wasmtest.Call(constructors)}, code...)...)
	}
	both := wrap(wasmtest.Get(0), wasmtest.Get(1), wasmtest.Call(hook))
	for _, tt := range []struct {
		name string
		code []byte // of the second export
		edit func(m *wasmtest.Module)
		want bool
	}{
		{"wrapped", both, nil, true},
		{"wrapped, with destructors", wrap(wasmtest.Get(0), wasmtest.Get(1), wasmtest.Call(hook), wasmtest.Call(destructors)), nil, true},
		{"no constructors", both, func(m *wasmtest.Module) { m.Funcs[0].Code = nil }, false},
		{"an export is not wrapped", both, func(m *wasmtest.Module) { m.Funcs[3].Code = wasmtest.Const(1) }, false},
		{"another first function", wasmtest.Cat(wasmtest.Call(destructors), wasmtest.Get(0), wasmtest.Get(1), wasmtest.Call(hook)), nil, false},
		{"parameters swapped", wrap(wasmtest.Get(1), wasmtest.Get(0), wasmtest.Call(hook)), nil, false},
		{"works itself", wrap(wasmtest.Const(1)), nil, false},
		{"works after the call", wrap(wasmtest.Get(0), wasmtest.Get(1), wasmtest.Call(hook), []byte{0x45}), nil, false},
		{"has locals", both, func(m *wasmtest.Module) { m.Funcs[4].Locals = []byte{1, 1, 0x7f} }, false},
		{"asks the host first", both, func(m *wasmtest.Module) {
			m.Funcs[3].Code = wasmtest.Cat(wasmtest.Call(0), wasmtest.Call(4))
			m.Funcs[4].Code = wasmtest.Cat(wasmtest.Call(0), wasmtest.Get(0), wasmtest.Get(1), wasmtest.Call(hook))
		}, false},
		{"re-exports", both, func(m *wasmtest.Module) { m.Exports = []wasmtest.Export{{Name: "same", Index: 0}} }, false},
		{"exports no function", both, func(m *wasmtest.Module) { m.Funcs[3].Export, m.Funcs[4].Export = "", "" }, false},
	} {
		m := &wasmtest.Module{
			Imports: []wasmtest.Import{{Module: "h", Name: "f"}},
			Memory:  []byte{0, 1},
			Funcs: []wasmtest.Func{
				{Code: wasmtest.Call(0)}, // the constructors
				{Params: "ii", Results: "i", Code: wasmtest.Get(0)},
				{},
				{Export: "abi", Results: "i", Code: wasmtest.Cat(wasmtest.Call(constructors), wasmtest.Call(6))},
				{Export: "hook", Params: "ii", Results: "i", Code: tt.code},
				{Results: "i", Code: wasmtest.Const(1)},
			},
		}
		if tt.edit != nil {
			tt.edit(m)
		}
		wasm := m.Bytes()
		scan, err := Scan(wasm, Limits{})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := scan.RunsConstructors(wasm); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
