package fuel

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// rewrite scans and rewrites.
func rewrite(t *testing.T, m *wasmtest.Module) ([]byte, *module.Module) {
	t.Helper()
	wasm := m.Bytes()
	scan, err := module.Scan(wasm, module.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := Rewrite(wasm, scan, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := Rewrite(wasm, scan, 1000); !bytes.Equal(again, out) {
		t.Error("a second time it is another module")
	}
	after, err := module.Scan(out, module.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return out, after
}

// TestRewriteBody holds what functions become against code written by hand.
func TestRewriteBody(t *testing.T) {
	const (
		take  = "10 03"                      // the function that takes a portion
		check = "42 00 59 04 40 05 10 00 0b" // >= 0, or else: call refill
		enter = "23 01 42 06 7d 24 01"       // take from the stack
		exit  = "23 01 42 06 7c 24 01"       // put it back
	)
	for _, tt := range []struct {
		name string
		code []byte
		want string
	}{
		{"small", []byte{0x01}, "00 01 0b"},
		{"call of a leaf", wasmtest.Call(1), "00 10 02 0b"},
		{"recursion", wasmtest.Call(0),
			"00" + enter + "23 00 42 13 7d 24 00 23 00 23 01 84" + check + "02 40 10 01 0b" + exit + "0b"},
		{"return", wasmtest.Cat(wasmtest.Call(0), []byte{0x02, 0x40, 0x0f, 0x0b}),
			"00" + enter + "23 00 42 16 7d 24 00 23 00 23 01 84" + check + "02 40 10 01 02 40 0c 01 0b 0b" + exit + "0b"},
		{"loop", []byte{0x03, 0x40, 0x02, 0x40, 0x0b, 0x0b},
			"01 01 7e" + "23 00 42 07 7d 24 00 23 00" + check + "42 04 21 00 02 40" +
				"03 40 20 00 42 04 7d 22 00 42 00 59 04 40 02 40 0b" +
				"05 42 80 08" + take + "20 00 7c 42 04 7c 21 00 0c 01 0b 0b" +
				"0b 23 00 20 00 7c 24 00 0b"},
		{"loop with a call", wasmtest.Cat([]byte{0x03, 0x40}, wasmtest.Call(0), []byte{0x0b}),
			"00" + enter + "23 00 42 03 7d 24 00 23 00 23 01 84" + check + "02 40 03 40 10 01 0b 0b" + exit + "0b"},
		{"loop with a call of a leaf", wasmtest.Cat([]byte{0x03, 0x40}, wasmtest.Call(1), []byte{0x0b}),
			"00 03 40 23 00 42 16 7d 24 00 23 00 42 00 59 04 40 10 02 05 10 00 23 00 42 16 7c 24 00 0c 01 0b 0b 0b"},
		{"loop that does more than it calls", wasmtest.Cat([]byte{0x03, 0x40}, bytes.Repeat([]byte{0x3f, 0, 0x1a}, 64), wasmtest.Call(0), []byte{0x0b}),
			"00 23 01 42 07 7d 24 01" + "02 40 03 40 23 00 42 96 01 7d 24 00 23 00 23 01 84 42 00 59 04 40" + strings.Repeat("3f 00 1a", 64) + "10 01" +
				"05 10 00 23 00 42 96 01 7c 24 00 0c 01 0b 0b 0b 23 01 42 07 7c 24 01 0b"},
		{"call that is not in each round", wasmtest.Cat([]byte{0x03, 0x40, 0x41, 0, 0x0d, 0}, wasmtest.Call(0), []byte{0x0b}),
			"00 23 01 42 07 7d 24 01 02 40 03 40 23 00 42 18 7d 24 00 23 00 23 01 84 42 00 59 04 40 41 00 0d 01 10 01" +
				"05 10 00 23 00 42 18 7c 24 00 0c 01 0b 0b 0b 23 01 42 07 7c 24 01 0b"},
		{"branches out of loops", []byte{0x02, 0x40, 0x03, 0x40, 0x03, 0x40, 0x41, 0, 0x0e, 3, 0, 1, 2, 3, 0x0b, 0x0b, 0x0b},
			"01 01 7e" + "23 00 42 08 7d 24 00 23 00" + check + "42 03 21 00 02 40 02 40" +
				"03 40 20 00 42 03 7d 22 00 42 00 59 04 40" + "03 40 20 00 42 04 7d 22 00 42 00 59 04 40" +
				"41 00 0e 03 01 03 04 05" +
				"05 42 80 08" + take + "20 00 7c 42 04 7c 21 00 0c 01 0b 0b" + "05 42 80 08" + take + "20 00 7c 42 03 7c 21 00 0c 01 0b 0b" +
				"0b 0b 23 00 20 00 7c 24 00 0b"},
		{"return out of a loop", []byte{0x03, 0x40, 0x02, 0x40, 0x0f, 0x0b, 0x0b},
			"01 01 7e" + "23 00 42 08 7d 24 00 23 00" + check + "42 05 21 00 02 40" +
				"03 40 20 00 42 05 7d 22 00 42 00 59 04 40 02 40 0c 03 0b" +
				"05 42 80 08" + take + "20 00 7c 42 05 7c 21 00 0c 01 0b 0b" + "0b 23 00 20 00 7c 24 00 0b"},
		{"loop with a result", []byte{0x03, 0x7f, 0x02, 0x40, 0x0b, 0x41, 0, 0x0b, 0x1a},
			"01 01 7e" + "23 00 42 09 7d 24 00 23 00" + check + "42 05 21 00 02 40" +
				"03 7f 20 00 42 05 7d 22 00 42 00 59 04 7f 02 40 0b 41 00" +
				"05 42 80 08" + take + "20 00 7c 42 05 7c 21 00 0c 01 0b 0b 1a" + "0b 23 00 20 00 7c 24 00 0b"},
		{"loop to copy", []byte{0x03, 0x40, 0x41, 0, 0x0d, 0, 0x0b},
			"01 01 7e" + "23 00 42 07 7d 24 00 23 00" + check + "42 04 21 00 02 40" +
				"02 40 03 40 20 00 42 10 7d 22 00 42 00 59 04 40 05 42 80 08" + take + "20 00 7c 21 00 0b" +
				"41 00 45 0d 01 41 00 45 0d 01 41 00 45 0d 01 41 00 0d 00 0b 0b" + "0b 23 00 20 00 7c 24 00 0b"},
		{"fill", []byte{0x41, 0, 0x41, 0, 0x41, 8, 0xfc, 11, 0},
			"01 01 7f" + "23 00 42 16 7d 24 00 23 00" + check + "41 00 41 00 41 08" +
				"22 00 41 80 08 4d 04 40 05 23 00 20 00 ad 42 03 88 7d 24 00 23 00" + check + "0b 20 00 fc 0b 00 0b"},
		{"copy of a table", []byte{0x41, 0, 0x41, 0, 0x41, 8, 0xfc, 14, 0, 0},
			"01 01 7f" + "23 00 42 16 7d 24 00 23 00" + check + "41 00 41 00 41 08" +
				"22 00 41 80 01 4d 04 40 05 23 00 20 00 ad 7d 24 00 23 00" + check + "0b 20 00 fc 0e 00 00 0b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &wasmtest.Module{Memory: []byte{0, 1}, Funcs: []wasmtest.Func{{Code: tt.code}, {}}, Extra: map[byte][]byte{4: {1, 0x70, 0, 1}}}
			out, after := rewrite(t, m)
			got := hex.EncodeToString(out[after.Bodies[0].Locals:after.Bodies[0].End])
			if want := compact(tt.want); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// TestRewriteCarried holds the copies of what a loop carries, by type, before it asks for a portion.
func TestRewriteCarried(t *testing.T) {
	same := func(i int) []byte { return wasmtest.Cat(wasmtest.Get(i), []byte{0x21, byte(i)}) }
	m := &wasmtest.Module{Funcs: []wasmtest.Func{{Locals: []byte{5, 1, 0x7f, 1, 0x7e, 1, 0x7d, 1, 0x7c, 1, 0x7b}, Code: wasmtest.Cat(
		[]byte{0x03, 0x40}, same(0), same(1), same(2), same(3), same(4), []byte{0x0c, 0, 0x0b})}}}
	out, _ := rewrite(t, m)
	copies := compact("20 00 20 00 72 21 00" + "20 01 20 01 84 21 01" + "20 02 bc be 21 02" + "20 03 bd bf 21 03" + "20 04 20 04 fd 50 21 04")
	if want := "05" + copies + compact("42 80 08 10 02"); !strings.Contains(hex.EncodeToString(out), want) {
		t.Errorf("%x\nlacks %s", out, want)
	}
}

// compact removes the spaces.
func compact(s string) string { return string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)) }

// TestRewriteIndexes shows that every place with the index of a function follows it.
func TestRewriteIndexes(t *testing.T) {
	expr := wasmtest.Cat(wasmtest.Const(0), []byte{0x0b})
	m := &wasmtest.Module{
		Imports: []wasmtest.Import{{Module: "h", Name: "f"}},
		Funcs:   []wasmtest.Func{{Export: "run", Code: wasmtest.Cat(wasmtest.Call(0), wasmtest.Call(2))}, {}},
		Start:   []byte{2},
		Exports: []wasmtest.Export{{Name: "same", Kind: 0, Index: 0}},
		Extra: map[byte][]byte{
			4: {1, 0x70, 0, 4},
			9: wasmtest.Cat([]byte{2, 0}, expr, wasmtest.Vec(2, 0, 2), []byte{4}, expr, wasmtest.Vec(1, 0xd2, 2, 0x0b)),
			0: wasmtest.Cat(wasmtest.Str("name"), []byte{1}, wasmtest.Vec(7, 2, 0, 1, 'a', 2, 1, 'b'),
				[]byte{2}, wasmtest.Vec(6, 1, 2, 1, 0, 1, 'x')),
		},
	}
	_, after := rewrite(t, m)
	var got []uint32
	for _, mark := range after.Marks {
		if mark.Kind == module.Index {
			got = append(got, mark.Arg)
		}
	}
	// exports, start, elements, code with the refill in it, names
	want := []uint32{0, 2, 3, 0, 3, 3, 1, 0, 3, 1, 0, 3, 3}
	if len(got) != len(want) {
		t.Fatalf("indexes %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("indexes %v, want %v", got, want)
		}
	}
	if im := after.Imports[1]; im.Module != Module || im.Name != Refill {
		t.Errorf("the second import is %v", im)
	}
}

// TestRewriteEmpty shows that sections that are missing are made.
func TestRewriteEmpty(t *testing.T) {
	_, after := rewrite(t, &wasmtest.Module{Extra: map[byte][]byte{0: wasmtest.Str("x")}})
	if after.Globals != 2 || len(after.Imports) != 1 || len(after.Bodies) != 1 || len(after.Exports) != 2 {
		t.Errorf("module %+v", after)
	}
}

func TestRewriteTakenName(t *testing.T) {
	wasm := (&wasmtest.Module{Funcs: []wasmtest.Func{{Export: Fuel}}}).Bytes()
	scan, err := module.Scan(wasm, module.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Rewrite(wasm, scan, 1000); err == nil || err.Error() != "exports bpfhost.fuel, a name that the host uses itself" {
		t.Errorf("error %v", err)
	}
}
