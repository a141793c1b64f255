package module

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// Short names for what modules are made of.
var (
	cat, vec, str, uleb, rawSection = wasmtest.Cat, wasmtest.Vec, wasmtest.Str, wasmtest.ULEB, wasmtest.Section

	header = wasmtest.Header
)

// huge is 2^32-1, what a count bomb announces.
var huge = []byte{0xff, 0xff, 0xff, 0xff, 0x0f}

// one is the start of a module with the type () -> nothing and a function of it.
var one = cat(header, rawSection(1, vec(1, 0x60, 0, 0)), rawSection(3, vec(1, 0)))

// body encodes a code section with one body.
func body(b ...[]byte) []byte {
	c := cat(b...)
	return rawSection(10, []byte{1}, uleb(len(c)), c)
}

// bombs are the cases W01 to W11 of the reliability notes and their relatives: a few bytes each
// that make some decoder allocate gigabytes or work for minutes.
var bombs = []struct {
	name   string
	module []byte
	want   string
}{
	{"W01 types", cat(header, rawSection(1, huge)), "4294967295 types are announced, 0 bytes are left"},
	{"W01 type parameters", cat(header, rawSection(1, []byte{1, 0x60}, huge, []byte{0})), "4294967295 parameters are announced"},
	{"W01 type results", cat(header, rawSection(1, []byte{1, 0x60, 0}, huge)), "4294967295 results are announced"},
	{"W02 imports", cat(header, rawSection(2, huge)), "4294967295 imports are announced"},
	{"W02 import name", cat(header, rawSection(2, []byte{1}, huge, []byte("env"))), "4294967295 bytes are announced, 3 are left"},
	{"W03 functions", cat(header, rawSection(1, vec(1, 0x60, 0, 0)), rawSection(3, huge)), "4294967295 functions are announced"},
	{"W04 bodies", cat(one, rawSection(10, huge)), "4294967295 function bodies are announced"},
	{"W04 body size", cat(one, rawSection(10, []byte{1}, huge)), "function 0 has 4294967295 bytes, the limit is 393216"},
	{"W05 data", cat(header, rawSection(11, huge)), "4294967295 data segments are announced"},
	{"W05 data size", cat(header, rawSection(11, []byte{1, 1}, huge)), "4294967295 bytes are announced"},
	{"W05 data count", cat(header, rawSection(12, huge)), "4294967295 data segments, the limit is 100000"},
	{"W06 elements", cat(header, rawSection(9, huge)), "4294967295 element segments are announced"},
	{"W06 element entries", cat(header, rawSection(9, []byte{1, 0, 0x41, 0, 0x0b}, huge)), "4294967295 element entries are announced"},
	{"W06 element expressions", cat(header, rawSection(9, []byte{1, 4, 0x41, 0, 0x0b}, huge)), "4294967295 element entries are announced"},
	{"W06 passive elements", cat(header, rawSection(9, []byte{1, 1, 0, 0})), "has an element segment that is passive or declares references, of reference types"},
	{"W07 globals", cat(header, rawSection(6, huge)), "4294967295 globals are announced"},
	{"W08 exports", cat(header, rawSection(7, huge)), "4294967295 exports are announced"},
	{"W09 locals", cat(one, body([]byte{1}, huge, []byte{0x7f, 0x0b})), "a function has more than 50000 locals"},
	{"W09 locals in groups", cat(one, body([]byte{2}, uleb(40000), []byte{0x7f}, uleb(40000), []byte{0x7f, 0x0b})), "more than 50000 locals"},
	{"W09 groups of locals", cat(one, body(huge, []byte{0x0b})), "4294967295 groups of locals are announced"},
	{"W09 locals of many functions", manyLocals(), "the functions have more than 2000000 locals together"},
	{"W10 function names", cat(header, rawSection(0, str("name"), []byte{1, 5}, huge)), "4294967295 names are announced"},
	{"W10 local names", cat(header, rawSection(0, str("name"), []byte{2, 7, 1, 0}, huge)), "4294967295 names are announced"},
	{"W10 name size", cat(header, rawSection(0, str("name"), []byte{1, 7, 1, 0}, huge)), "4294967295 bytes are announced"},
	{"W11 table", cat(header, rawSection(4, []byte{1, 0x70, 0}, uleb(1<<27))), "table of 134217728 entries, the limit is 65536"},
	{"W11 tables", cat(header, rawSection(4, vec(2, 0x70, 0, 1, 0x70, 0, 1))), "2 tables, the limit is 1"},
	{"W11 table of references", cat(header, rawSection(4, vec(1, 0x6f, 0, 1))), "has a table of type 0x6f, of reference types"},
	{"W11 table with a value", cat(header, rawSection(4, vec(1, 0x40, 0, 0x70, 0, 1))), "has a table of type 0x40, of reference types"},
	{"memories", cat(header, rawSection(5, vec(2, 0, 1, 0, 1))), "2 memories, the limit is 1"},
	{"memory of 4 GiB", cat(header, rawSection(5, vec(1, 0, 0x80, 0x80, 0x04))), "needs 65536 pages of memory"},
	{"shared memory", cat(header, rawSection(5, vec(1, 3, 1, 1))), "has a shared memory, of threads; build without -pthread"},
	{"64-bit memory", cat(header, rawSection(5, vec(1, 4, 1))), "of 64-bit memory; build for wasm32"},
	{"maximum below minimum", cat(header, rawSection(5, vec(1, 1, 2, 1))), "maximum 1 is below minimum 2"},
	{"section size", cat(header, []byte{1}, huge), "4294967295 bytes are announced, 0 are left"},
	{"section too long", cat(header, rawSection(1, vec(0, 1, 2))), "2 bytes are left over"},
	{"section twice", cat(header, rawSection(1, []byte{0}), rawSection(1, []byte{0})), "type section is out of order or there twice"},
	{"sections out of order", cat(header, rawSection(3, []byte{0}), rawSection(1, []byte{0})), "type section is out of order"},
	{"data count behind code", cat(header, rawSection(10, []byte{0}), rawSection(12, []byte{0})), "data count section is out of order"},
	{"unknown section", cat(header, []byte{13, 0}), "unknown section 13"},
	{"number too long", cat(header, []byte{1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}), "number does not fit 32 bits"},
	{"number too large", cat(header, []byte{1, 0xff, 0xff, 0xff, 0xff, 0x1f}), "number does not fit 32 bits"},
	{"function without body", one, "1 functions have 0 bodies"},
	{"body without function", cat(header, body([]byte{0, 0x0b})), "0 functions have 1 bodies"},
	{"large body", cat(one, rawSection(10, []byte{1}, uleb(393217), make([]byte, 393217))),
		"function 0 has 393217 bytes, the limit is 393216 (BodyBytes)"},
	{"type that is missing", cat(header, rawSection(3, vec(1, 7))), "type 7 of 0"},
	{"recursive type group", cat(header, rawSection(1, []byte{1, 0x4e}, huge)), "type 0x4e is not a function type"},
	{"exported function that is missing", cat(header, rawSection(7, []byte{1}, str("f"), []byte{0, 9})), "export f: function 9 of 0"},
	{"exported memory that is missing", cat(header, rawSection(7, []byte{1}, str("memory"), []byte{2, 0})), "export memory: memory 0 of 0"},
	{"export twice", cat(one, rawSection(7, []byte{2}, str("f"), []byte{0, 0}, str("f"), []byte{0, 0})), "export f is there twice"},
	{"export kind", cat(one, rawSection(7, []byte{1}, str("f"), []byte{9, 0})), "export f is of unknown kind 9"},
	{"start that is missing", cat(one, rawSection(8, []byte{4})), "function 4 of 1"},
	{"endless constant", cat(header, rawSection(6, []byte{1, 0x7f, 0}, bytes.Repeat([]byte{0x41, 0}, 50))), "ends in the middle"},
	{"code in a constant", cat(header, rawSection(6, []byte{1, 0x7f, 0, 0x10, 0, 0x0b})), "instruction 0x10 in a constant expression"},
	{"bad name", cat(header, rawSection(7, []byte{1, 2, 0xff, 0xfe, 0, 0})), "name is not UTF-8"},
	{"names twice", cat(header, rawSection(0, str("name")), rawSection(0, str("name"))), "name section is there twice"},
	{"names out of order", cat(header, rawSection(0, str("name"), []byte{1, 1, 0, 1, 1, 0})), "part 1 of the name section is out of order"},
	{"many custom sections", cat(header, bytes.Repeat(rawSection(0, str("x")), 1001)), "more than 1000 custom sections"},
}

// manyLocals has 100 functions with 40,000 locals each in 800 bytes.
func manyLocals() []byte {
	const n = 100
	f := cat([]byte{1}, uleb(40000), []byte{0x7f, 0x0b})
	f = cat(uleb(len(f)), f)
	return cat(header, rawSection(1, vec(1, 0x60, 0, 0)),
		rawSection(3, vec(n, make([]byte, n)...)), rawSection(10, uleb(n), bytes.Repeat(f, n)))
}

func TestScanHeader(t *testing.T) {
	for _, tt := range []struct{ input, want string }{
		{"", "not a WebAssembly module: it is empty"},
		{"\x00as", "not a WebAssembly module: it starts with 006173, want 0061736d"},
		{"\x00asm\x01", "not a valid module: it ends in its header"},
		{"\x7fELF\x02\x01\x01", "not a WebAssembly module: this is an ELF object; give it as an object, not as the plugin"},
		{"\x1f\x8b\x08", "not a WebAssembly module: this is a gzip file"},
		{"PK\x03\x04", "not a WebAssembly module: this is a zip file"},
		{"(module)", "not a WebAssembly module: this is WebAssembly text; assemble it first (wat2wasm)"},
		{"#!/bin/sh", "not a WebAssembly module: this is a script"},
		{"\x89PNG\r\n", "not a WebAssembly module: it starts with 89504e47, want 0061736d"},
		{"\x00asm\x0d\x00\x01\x00", "this is a WebAssembly component; a plugin is a core module"},
		{"\x00asm\x02\x00\x00\x00", "not a valid module: version is 02000000, want 01000000"},
		{strings.Repeat("x", 101), "module has 101 bytes, the limit is 100"},
	} {
		_, err := Scan([]byte(tt.input), Limits{Bytes: 100})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.input, err, tt.want)
		}
	}
}

func TestScanBombs(t *testing.T) {
	for _, tt := range bombs {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Scan(tt.module, Limits{})
			runtime.ReadMemStats(&after)
			var refused *Error
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
				t.Errorf("%d bytes were allocated for %d bytes of input", used, len(tt.module))
			}
		})
	}
}

// fullModule has every kind of section.
func fullModule() []byte {
	m := &wasmtest.Module{
		Imports: []wasmtest.Import{{Module: "host_v1", Name: "add", Params: "iI", Results: "i"}},
		Memory:  []byte{1, 1, 4},
		Exports: []wasmtest.Export{{Name: "memory", Kind: 2}, {Name: "counter", Kind: 3}, {Name: "table", Kind: 1}},
		Funcs: []wasmtest.Func{
			{Export: "abi", Results: "i", Code: wasmtest.Const(7)},
			{Export: "run", Results: "i", Code: cat(wasmtest.Const(1), wasmtest.Const64(2), wasmtest.Call(0))},
			{Results: "i", Locals: []byte{1, 3, 0x7e}, Code: wasmtest.Const(0)},
		},
	}
	expr := cat(wasmtest.Const(0), []byte{0x0b})
	m.Extra = map[byte][]byte{
		4: {1, 0x70, 1, 8, 8},
		6: cat([]byte{2, 0x7f, 1}, expr, []byte{0x7c, 0, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b}),
		9: cat([]byte{3, 0}, expr, vec(2, 1, 2), []byte{2, 0}, expr, []byte{0}, vec(1, 1),
			[]byte{4}, expr, vec(1, 0xd2, 1, 0x0b)),
		12: {2},
		11: cat([]byte{2, 0}, expr, str("hello"), []byte{1}, str("later")),
		0: cat(str("name"), []byte{0}, vec(2, str("m")...), []byte{1}, vec(7, 2, 0, 1, 'a', 1, 1, 'b'),
			[]byte{2}, vec(6, 1, 1, 1, 0, 1, 'x')),
	}
	return m.Bytes()
}

func TestScan(t *testing.T) {
	m, err := Scan(fullModule(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := &Module{
		Imports: []Import{{"host_v1", "add", []ValueType{0x7f, 0x7e}, []ValueType{0x7f}}},
		Exports: []Export{
			{Name: "memory", Kind: "memory"}, {Name: "counter", Kind: "global"}, {Name: "table", Kind: "table"},
			{Name: "abi", Kind: "function", Index: 1, Results: []ValueType{0x7f}},
			{Name: "run", Kind: "function", Index: 2, Results: []ValueType{0x7f}},
		},
		Functions: 3, CodeBytes: 18, MemoryPages: 1,
	}
	got := &Module{Imports: m.Imports, Exports: m.Exports, Functions: m.Functions, CodeBytes: m.CodeBytes, MemoryPages: m.MemoryPages}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(Module{})); d != "" {
		t.Errorf("scan (-want +got):\n%s", d)
	}
}

// TestScanDamage cuts a valid module everywhere and changes every byte: no panic.
func TestScanDamage(t *testing.T) {
	wasm := fullModule()
	for n := range wasm {
		Scan(wasm[:n], Limits{})
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			b := bytes.Clone(wasm)
			b[n] ^= flip
			Scan(b, Limits{})
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add(fullModule())
	for _, b := range bombs {
		if len(b.module) < 1024 {
			f.Add(b.module)
		}
	}
	for _, w := range walks {
		f.Add(w.module())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Scan(b, Limits{MemoryPages: 16})
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("error %q", err)
			}
			return
		}
		if len(m.Exports)+len(m.Imports)+m.Functions > len(b) {
			t.Errorf("%d bytes have %d exports, %d imports, %d functions", len(b), len(m.Exports), len(m.Imports), m.Functions)
		}
		for i := 1; i < len(m.Marks); i++ {
			if m.Marks[i].Pos < m.Marks[i-1].Pos {
				t.Errorf("mark %+v after %+v", m.Marks[i], m.Marks[i-1])
			}
		}
	})
}
