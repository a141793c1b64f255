package fuel

import (
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// TestGraphCosts holds what calls cost at most, and where that has no bound.
func TestGraphCosts(t *testing.T) {
	loop := []byte{0x03, 0x40, 0x0b}
	m := &wasmtest.Module{
		Imports: []wasmtest.Import{{Module: "h", Name: "f"}},
		Memory:  []byte{0, 1},
		Funcs: []wasmtest.Func{
			{}, // 1
			{Code: wasmtest.Cat(wasmtest.Call(1), wasmtest.Call(1))},
			{Code: wasmtest.Cat(wasmtest.Call(2), wasmtest.Call(1))},
			{Code: wasmtest.Call(0)},
			{Code: loop}, // 5
			{Code: wasmtest.Cat(loop, wasmtest.Call(1))},
			{Code: wasmtest.Cat([]byte{0x03, 0x40}, wasmtest.Call(1), []byte{0x0b})},
			{Code: wasmtest.Call(9)}, // 8
			{Code: wasmtest.Call(8)},
			{Code: []byte{0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0}},
			{Code: wasmtest.Cat(wasmtest.Call(1), wasmtest.Call(10))},
		},
	}
	scan, err := module.Scan(m.Bytes(), module.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []uint32{2, 40, 78, 203, unbounded, unbounded, unbounded, unbounded, unbounded, unbounded, unbounded}
	if got := newGraph(scan).costs; !slices.Equal(got, want) {
		t.Errorf("costs %v, want %v", got, want)
	}
}

// TestGraph holds which functions take from the stack, and how much. A function without locals
// holds frameOverhead.
func TestGraph(t *testing.T) {
	indirect := wasmtest.Cat(wasmtest.Const(0), []byte{0x11, 0, 0})
	big := []byte{1, 200, 1, 0x7f} // 200 locals
	calls := func(fs ...int) []byte {
		var code []byte
		for _, f := range fs {
			code = append(code, wasmtest.Call(f)...)
		}
		return code
	}
	chain := make([]wasmtest.Func, 50)
	for i := range len(chain) - 1 {
		chain[i].Code = calls(i + 1)
	}
	for _, tt := range []struct {
		name  string
		funcs []wasmtest.Func
		want  map[int]int64
	}{
		{"leaf", []wasmtest.Func{{Code: calls(1)}, {}}, nil},
		{"itself", []wasmtest.Func{{Code: calls(0)}}, map[int]int64{0: 6}},
		{"cycle", []wasmtest.Func{{Code: calls(1)}, {Code: calls(2)}, {Code: calls(1, 3)}, {}}, map[int]int64{1: 18}},
		{"two cycles", []wasmtest.Func{{Code: calls(1, 2)}, {Code: calls(0)}, {Code: calls(0)}}, map[int]int64{0: 12}},
		{"cycle entered twice", []wasmtest.Func{{Code: calls(1, 2)}, {Code: calls(2)}, {Code: calls(1)}}, map[int]int64{1: 12}},
		{"table", []wasmtest.Func{{Code: indirect}, {}, {Code: calls(1)}}, map[int]int64{0: 19}}, // 7 and the 12 of function 2
		{"large leaf", []wasmtest.Func{{Code: calls(1)}, {Locals: big}}, map[int]int64{1: 206}},
		{"long chain", chain, map[int]int64{6: 132, 28: 132}},
	} {
		m := &wasmtest.Module{Funcs: tt.funcs, Extra: map[byte][]byte{4: {1, 0x70, 0, 4}}}
		scan, err := module.Scan(m.Bytes(), module.Limits{})
		if err != nil {
			t.Fatal(tt.name, err)
		}
		g := newGraph(scan)
		for i := range scan.Bodies {
			want, takes := tt.want[i]
			if g.takes[i] != takes || takes && g.frame(&scan.Bodies[i], i) != want {
				t.Errorf("%s: function %d takes %v, %d, want %v, %d", tt.name, i, g.takes[i], g.frame(&scan.Bodies[i], i), takes, want)
			}
		}
		if !slices.IsSorted(firstMarks(scan)) {
			t.Errorf("%s: first marks %v", tt.name, firstMarks(scan))
		}
	}
}
