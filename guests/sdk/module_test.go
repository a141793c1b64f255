// Package sdk_test checks what the SDKs leave in a module, in every language alike.
package sdk_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
)

// module is what a WebAssembly module imports and exports: signature by name.
type module struct {
	imports map[string]string // "module.name"
	exports map[string]string
}

// reader walks the binary format. The modules are our own, so malformed ones may panic.
type reader struct{ b []byte }

func (r *reader) u32() uint32 {
	v, n := binary.Uvarint(r.b)
	r.b = r.b[n:]
	return uint32(v)
}

func (r *reader) take(n uint32) []byte {
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) name() string { return string(r.take(r.u32())) }

func (r *reader) byte() byte { return r.take(1)[0] }

// parse reads the type, import, function and export sections.
func parse(t *testing.T, b []byte) module {
	t.Helper()
	if !strings.HasPrefix(string(b), "\x00asm\x01\x00\x00\x00") {
		t.Fatal("not a WebAssembly module")
	}
	m := module{map[string]string{}, map[string]string{}}
	var types, funcs []string
	for r := (&reader{b[8:]}); len(r.b) > 0; {
		id := r.byte()
		s := &reader{r.take(r.u32())}
		switch id {
		case 1:
			for range s.u32() {
				types = append(types, s.funcType())
			}
		case 2:
			for range s.u32() {
				name := s.name() + "." + s.name()
				if kind := s.byte(); kind != 0 {
					t.Fatalf("import %s is not a function", name)
				}
				funcs = append(funcs, types[s.u32()])
				m.imports[name] = funcs[len(funcs)-1]
			}
		case 3:
			for range s.u32() {
				funcs = append(funcs, types[s.u32()])
			}
		case 7:
			for range s.u32() {
				name, kind, i := s.name(), s.byte(), s.u32()
				m.exports[name] = [...]string{"", "table", "memory", "global"}[kind]
				if kind == 0 {
					m.exports[name] = funcs[i]
				}
			}
		}
	}
	return m
}

// funcType reads a function type as text, like "(i32 i64) i32".
func (r *reader) funcType() string {
	names := map[byte]string{0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64"}
	list := func() string {
		var out []string
		for range r.u32() {
			out = append(out, names[r.byte()])
		}
		return strings.Join(out, " ")
	}
	r.byte()
	return fmt.Sprintf("(%s) %s", list(), list())
}

// signature is what the table says about parameters, in the same form.
func signature(params []abi.Param) string {
	var out []string
	for _, p := range params {
		switch {
		case p.Kind == abi.U64:
			out = append(out, "i64")
		case p.Kind.Pair():
			out = append(out, "i32", "i32")
		default:
			out = append(out, "i32")
		}
	}
	return fmt.Sprintf("(%s) i32", strings.Join(out, " "))
}

// checkModule holds a module to the table. wasi says whether it may import WASI.
func checkModule(t *testing.T, b []byte, wasi bool) module {
	t.Helper()
	m := parse(t, b)
	for name, sig := range m.imports {
		from, fn, _ := strings.Cut(name, ".")
		if wasi && from == "wasi_snapshot_preview1" {
			continue
		}
		f, ok := abi.LookupFunc(fn)
		if from != abi.Module || !ok || sig != signature(f.Params) {
			t.Errorf("imports %s%s; the table has %q %s", name, sig, f.Name, signature(f.Params))
		}
	}
	for _, h := range abi.Hooks() {
		sig, ok := m.exports[h.Name]
		if ok && sig != signature(h.Params) || !ok && h.Required {
			t.Errorf("exports %s%s, want %s", h.Name, sig, signature(h.Params))
		}
	}
	if m.exports["memory"] != "memory" {
		t.Error("does not export its memory")
	}
	if v, hash, ok := abi.FindMarker(b); !ok || v != abi.Current.String() || hash != abi.Hash() {
		t.Errorf("marker says %q %q", v, hash)
	}
	return m
}
