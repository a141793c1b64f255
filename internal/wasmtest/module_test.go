package wasmtest

import (
	"encoding/hex"
	"testing"
)

// TestBytes holds a module with one of everything against its bytes, written by hand from the
// specification (WebAssembly 2.0, section 5).
func TestBytes(t *testing.T) {
	m := Module{
		Imports: []Import{{Module: "h", Name: "f", Params: "iI", Results: "i"}},
		Funcs: []Func{
			{Export: "run", Params: "i", Results: "i", Code: Cat(Get(0), Const64(-1), Call(0))},
			{Params: "iI", Results: "i", Locals: []byte{1, 2, 0x7f}, Code: Const(300)},
		},
		Memory:  []byte{0, 1},
		Exports: []Export{{Name: "memory", Kind: 2}},
		Start:   []byte{2},
		Data:    []Data{{At: 8, Bytes: []byte("hi")}},
		Extra:   map[byte][]byte{0: Str("x")},
	}
	const want = "0061736d01000000" +
		"010c0260027f7e017f60017f017f" + // two types
		"020701016801660000" + // h.f of type 0
		"0303020100" + // types of the functions
		"0503010001" + // a page of memory
		"071002066d656d6f7279020003" + "72756e0001" + // memory, run
		"080102" + // start
		"0a120208002000427f10000b070102" + "7f41ac020b" + // code
		"0b080100" + "41080b026869" + // data
		"00020178" // custom
	if got := hex.EncodeToString(m.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if again := hex.EncodeToString(m.Bytes()); again != want {
		t.Error("a second time it is another module")
	}
}
