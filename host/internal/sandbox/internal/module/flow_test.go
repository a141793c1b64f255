package module

import (
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// TestCarried holds which locals a loop carries from round to round, by the rules of definite
// assignment. Local 0 is a parameter; 1 to 6 are locals of all types.
func TestCarried(t *testing.T) {
	get, set := wasmtest.Get, func(i int) []byte { return []byte{0x21, byte(i)} }
	cond := wasmtest.Const(1)
	add := func(i int) []byte { return cat(get(i), wasmtest.Const(1), []byte{0x6a}, set(i)) }
	block := func(op byte, parts ...[]byte) []byte { return cat([]byte{op, 0x40}, cat(parts...), []byte{0x0b}) }
	brIf := func(label byte) []byte { return cat(cond, []byte{0x0d, label}) }
	for _, tt := range []struct {
		name string
		code []byte // of a loop
		want []uint32
	}{
		{"only read", cat(get(0), wasmtest.Drop), nil},
		{"only set", cat(get(0), set(1)), nil},
		{"read, then set", add(1), []uint32{1}},
		{"set, then read", cat(cond, set(1), get(1), wasmtest.Drop), nil},
		{"parameter", add(0), []uint32{0}},
		{"set in a block", cat(block(0x02, cond, set(1)), add(1)), nil},
		{"set in a block that is left before", cat(block(0x02, brIf(0), cond, set(1)), add(1)), []uint32{1}},
		{"set in a block that is left after", cat(block(0x02, cond, set(1), brIf(0)), add(1)), nil},
		{"set in an if", cat(cond, block(0x04, cond, set(1)), add(1)), []uint32{1}},
		{"set in both halves of an if", cat(cond, []byte{0x04, 0x40}, cond, set(1), []byte{0x05}, cond, set(1), []byte{0x0b}, add(1)), nil},
		{"set where the rest is not reached", cat(cond, block(0x04, []byte{0x0c, 1}), cond, set(1), add(1)), nil},
		{"half that does not end", cat(cond, []byte{0x04, 0x40}, cond, set(1), []byte{0x05, 0x00, 0x0b}, add(1)), nil},
		{"set in a loop", cat(block(0x03, cond, set(1), brIf(0)), add(1)), nil},
		{"carried by a loop inside", block(0x03, add(1), brIf(0)), []uint32{1}},
		{"set before the loop inside", cat(cond, set(1), block(0x03, add(1), brIf(0))), nil},
		{"branch table", block(0x02, block(0x02, cond, []byte{0x0e, 1, 0, 1}), cond, set(1), add(2)), []uint32{2}},
		{"table over a set", cat(block(0x02, block(0x02, cond, []byte{0x0e, 1, 0, 1}), cond, set(1)), add(1)), []uint32{1}},
		{"left from a loop inside", cat(block(0x02, cond, set(1), block(0x03, brIf(1), cond, set(2))), add(1), add(2)), []uint32{2}},
		{"left from two loops inside", cat(block(0x02, cond, set(1), block(0x03, cond, set(2), block(0x03, brIf(2)))), add(1), add(2)), nil},
		{"carried around the loop inside", cat(block(0x03, add(1)), cond, set(2), block(0x03, add(2))), []uint32{1}},
		{"all kinds of instructions", cat([]byte{0x44}, make([]byte, 8), []byte{0x1a, 0x43}, make([]byte, 4), []byte{0x1a, 0x3f, 0, 0x1a},
			wasmtest.Const64(1<<40), wasmtest.Drop, []byte{0xfd, 12}, make([]byte, 16), []byte{0xfd, 21, 3, 0x1a}, []byte{0x41, 0, 0x28, 2, 0, 0x1a}, add(1)), []uint32{1}},
	} {
		m := &wasmtest.Module{Memory: []byte{0, 1}, Funcs: []wasmtest.Func{{Params: "i", Locals: []byte{1, 6, 0x7f},
			Code: cat([]byte{0x03, 0x40}, tt.code, brIf(0), []byte{0x0b})}}}
		scan, err := Scan(m.Bytes(), Limits{})
		if err != nil {
			t.Fatal(tt.name, err)
		}
		var got []uint32
		for _, local := range scan.CarriedBy(&scan.Loops[0]) {
			got = append(got, local.Index)
		}
		if slices.Sort(got); !slices.Equal(got, tt.want) {
			t.Errorf("%s: carries %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestCarriedTypes holds the types of locals, and that those after the first 64 are passed over.
func TestCarriedTypes(t *testing.T) {
	same := func(i int) []byte { return cat(wasmtest.Get(i), []byte{0x21}, uleb(i)) }
	m := &wasmtest.Module{Funcs: []wasmtest.Func{{Params: "i", Locals: []byte{6, 1, 0x7e, 2, 0x7d, 1, 0x7c, 0, 0x7f, 1, 0x7b, 60, 0x7f}, Code: cat(
		[]byte{0x03, 0x40}, same(0), same(1), same(2), same(3), same(4), same(5), same(63), same(64), same(65), []byte{0x0b})}}}
	scan, err := Scan(m.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Local{{0, 0x7f}, {1, 0x7e}, {2, 0x7d}, {3, 0x7d}, {4, 0x7c}, {5, 0x7b}, {63, 0x7f}}
	if got := scan.CarriedBy(&scan.Loops[0]); !slices.Equal(got, want) {
		t.Errorf("carries %v, want %v", got, want)
	}
}
