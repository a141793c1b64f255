package sim

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
)

// sampleTypes has struct outer with a field of every kind.
func sampleTypes(t testing.TB) *btf.Types {
	t.Helper()
	var b btf.Builder
	i32 := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	u8 := b.Add(&btf.Int{Name: "unsigned char", Size: 1})
	u16 := b.Add(&btf.Int{Name: "unsigned short", Size: 2})
	u64 := b.Add(&btf.Int{Name: "unsigned long", Size: 8})
	e := b.Add(&btf.Enum{Name: "colour", Size: 4, Values: []btf.Enumerator{{Name: "RED", Value: 1}, {Name: "BLUE", Value: 7}}})
	inner := b.Add(&btf.Struct{Name: "inner", Size: 4, Members: []btf.Member{{Name: "n", Type: i32}}})
	pInner, pVoid, pU64 := b.Add(&btf.Pointer{Type: inner}), b.Add(&btf.Pointer{}), b.Add(&btf.Pointer{Type: u64})
	anon := b.Add(&btf.Struct{Union: true, Size: 2, Members: []btf.Member{{Name: "x", Type: u16}, {Name: "y", Type: u8}, {Name: "port", Type: b.Add(&btf.Typedef{Name: "__be16", Type: u16})}}})
	name := b.Add(&btf.Array{Type: u8, Index: i32, Count: 4})
	list := b.Add(&btf.Array{Type: u16, Index: i32, Count: 2})
	alias := b.Add(&btf.Typedef{Name: "alias", Type: b.Add(&btf.Const{Type: i32})})
	b.Add(&btf.Struct{Name: "outer___old", Size: 56, Members: []btf.Member{
		{Name: "a", Type: alias}, {Name: "low", Type: i32, Offset: 32, BitSize: 3}, {Name: "high", Type: i32, Offset: 35, BitSize: 5},
		{Type: anon, Offset: 48}, {Name: "name", Type: name, Offset: 64}, {Name: "colour", Type: e, Offset: 96},
		{Name: "inner", Type: inner, Offset: 128}, {Name: "list", Type: list, Offset: 160},
		{Name: "p", Type: pInner, Offset: 192}, {Name: "any", Type: pVoid, Offset: 256}, {Name: "numbers", Type: pU64, Offset: 320},
		{Name: "big", Type: u64, Offset: 384},
	}})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func sampleEncoder(t testing.TB) encoder {
	t.Helper()
	p := programOf(t, "main", spec.ProgramRawTracepoint, "r1 = *(u64 *)(r1 + 0)\nr0 = *(u64 *)(r1 + 0)\nexit")
	m, err := vm.New(&spec.Collection{License: "GPL", Programs: []*spec.Program{p}}, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return encoder{sampleTypes(t), m}
}

func TestEncode(t *testing.T) {
	for _, tt := range []struct{ json, want, err string }{
		{`{}`, "", ""},
		{`{"a": -2}`, "feffffff", ""},
		{`{"a": "0x10"}`, "10000000", ""},
		{`{"a": "10.1.2.3"}`, "0a010203", ""},
		{`{"a": true}`, "01000000", ""},
		{`{"low": -3, "high": -15}`, "000000008d", ""},
		{`{"high": -1}`, "00000000f8", ""},
		{`{"x": 258}`, "0000000000000201", ""},
		{`{"port": 258}`, "0000000000000102", ""},
		{`{"y": 3}`, "0000000000000300", ""},
		{`{"name": "abc"}`, "0000000000000000616263", ""},
		{`{"name": [1, 2]}`, "00000000000000000102", ""},
		{`{"colour": "BLUE"}`, "00000000000000000000000007", ""},
		{`{"colour": 9}`, "00000000000000000000000009", ""},
		{`{"inner": {"n": 4}, "list": [1, 2]}`, "000000000000000000000000000000000400000001000200", ""},
		{`{"big": 18446744073709551615}`, strings.Repeat("00", 48) + "ffffffffffffffff", ""},
		{`{"p": null, "any": 4096}`, strings.Repeat("00", 33) + "10", ""},
		{`[1]`, "", "JSON array does not belong here"},
		{`{"a": 4294967296}`, "", "a: 4294967296 does not fit the value (alias), which takes -2147483648 to 2147483647"},
		{`{"a": 2147483648}`, "", "a: 2147483648 does not fit"},
		{`{"a": "t"}`, "", `a: "t" is not a number`},
		{`{"big": -1}`, "", "big: -1 does not fit the value (unsigned long), which takes 0 to 18446744073709551615"},
		{`{"low": 8}`, "", "low: 8 does not fit the value (int, 3 bits), which takes -4 to 3"},
		{`{"name": "abcde"}`, "", "name: text of 5 bytes does not fit into 4"},
		{`{"list": [1,2,3]}`, "", "list: 3 values do not fit into an array of 2"},
		{`{"list": [1,"x"]}`, "", `list: [1]: "x" is not a number, as the value (unsigned short) is`},
		{`{"colour": "BLEU"}`, "", `colour: "BLEU" is not a value of enum colour, did you mean "BLUE"?`},
		{`{"lo": 1}`, "", `has no field "lo", did you mean "low"?`},
		{`{"inner": {"m": 4}}`, "", `inner: struct inner has no field "m"`},
		{`{"any": {"n": 1, "m": 2}}`, "", `any: what is pointed to needs its type, {"TYPE": …}; there are 2 keys`},
		{`{"any": [1]}`, "", "any: a list needs a type that the pointer is to"},
		{`{"any": {"iner": {}}}`, "", `any: there is no type "iner", did you mean "inner"?`},
		{`{"p": ` + strings.Repeat(`{"inner":`, 100) + `1` + strings.Repeat(`}`, 100) + `}`, "", `p: struct inner has no field "inner"`},
	} {
		e := sampleEncoder(t)
		id, err := e.named("outer")
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 56)
		err = e.value([]byte(tt.json), id, got, 0)
		want := tt.want + strings.Repeat("00", 56-len(tt.want)/2)
		switch {
		case tt.err == "" && (err != nil || hex.EncodeToString(got) != want):
			t.Errorf("%s: %x, %v, want %s", tt.json, got, err, want)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: %v, want %s", tt.json, err, tt.err)
		}
	}
}

// TestEncodePointers reads what arguments point to in a program.
func TestEncodePointers(t *testing.T) {
	for _, tt := range []struct {
		json string
		want uint64
	}{
		{`"abcdefg"`, 0x67666564636261},
		{`{"unsigned long": 12345678901}`, 12345678901},
	} {
		e := sampleEncoder(t)
		addr, err := e.argument([]byte(tt.json))
		if err != nil {
			t.Fatal(err)
		}
		ctx := make([]byte, 8)
		putUint(ctx, addr)
		if r, err := e.machine.Run("main", vm.Input{Context: ctx}); err != nil || r.Return != tt.want {
			t.Errorf("%s: %#x, %v", tt.json, r.Return, err)
		}
	}
	e := sampleEncoder(t)
	outer := make([]byte, 56)
	id, _ := e.named("outer")
	if err := e.value([]byte(`{"p":{"n":5},"numbers":[3,4],"any":{"outer":{"a":6,"low":1}}}`), id, outer, 0); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[int]uint64{32: 1<<32 + 6, 40: 3} {
		if r, err := e.machine.Run("main", vm.Input{Context: outer[at : at+8]}); err != nil || r.Return != want {
			t.Errorf("at %d: %#x, %v", at, r.Return, err)
		}
	}
	if _, err := e.machine.Run("main", vm.Input{Context: outer[24:32]}); err == nil { // 4 bytes are there
		t.Error("a read past the object is not stopped")
	}
}

func FuzzEncode(f *testing.F) {
	f.Add(`{"p":{"n":5},"numbers":[3,4],"any":{"alias":6},"name":"a","low":1,"colour":"RED"}`)
	f.Fuzz(func(t *testing.T, text string) {
		e := sampleEncoder(t)
		id, _ := e.named("outer")
		_ = e.value([]byte(text), id, make([]byte, 56), 0)
	})
}
