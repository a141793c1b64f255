package host

import (
	"slices"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// wasmGuest writes WebAssembly modules for tests: every import of the ABI, one page of memory or
// more, data, and functions made of the few instructions below.
type wasmGuest struct {
	pages   uint32
	data    []wasmtest.Data
	funcs   []wasmFunc
	imports []abi.Func
	next    uint32 // where the next text goes
	extra   []string
	version int32
}

type wasmFunc struct {
	export string
	params string // 'i' and 'I'
	locals int    // i32, after the parameters
	code   []byte
}

// newWasmGuest begins a module that imports the functions named, or all if none is.
func newWasmGuest(names ...string) *wasmGuest {
	w := &wasmGuest{pages: 2, next: 1024, version: int32(abi.Current)}
	for _, f := range abi.Funcs() {
		if len(names) == 0 || slices.Contains(names, f.Name) {
			w.imports = append(w.imports, f)
		}
	}
	return w
}

// text puts bytes into memory and returns instructions that push pointer and length.
func (w *wasmGuest) text(s string) []byte {
	at := w.next
	w.data = append(w.data, wasmtest.Data{At: at, Bytes: []byte(s)})
	w.next += uint32(len(s)+7) &^ 7
	return slices.Concat(i32(int64(at)), i32(int64(len(s))))
}

// hook adds an exported function. A code that falls through returns 0.
func (w *wasmGuest) hook(export, params string, code ...[]byte) *wasmGuest {
	w.funcs = append(w.funcs, wasmFunc{export, params, 8, slices.Concat(slices.Concat(code...), i32(0))})
	return w
}

// must calls a function of the ABI; a negative result becomes that of the hook. The result is left
// in a local, counted from 0 after the parameters (n of them), when into is not negative.
func (w *wasmGuest) must(params, into int, name string, args ...[]byte) []byte {
	tmp := params + 7
	if into >= 0 {
		tmp = params + into
	}
	return slices.Concat(
		w.call(name, args...), wasmtest.Tee(tmp),
		i32(0), []byte{0x48}, // i32.lt_s
		[]byte{0x04, 0x40}, wasmtest.Get(tmp), []byte{0x0f, 0x0b}, // if local.get return end
	)
}

// call calls a function of the ABI and leaves its result on the stack.
func (w *wasmGuest) call(name string, args ...[]byte) []byte {
	i := slices.IndexFunc(w.imports, func(f abi.Func) bool { return f.Name == name })
	if i < 0 {
		panic("not imported: " + name)
	}
	return slices.Concat(slices.Concat(args...), wasmtest.Call(i))
}

func local(i int) []byte { return wasmtest.Get(i) }
func i32(v int64) []byte { return wasmtest.Const(int(v)) }
func i64(v int64) []byte { return wasmtest.Const64(v) }

// paramsOf is the signature of a function of the ABI.
func paramsOf(ps []abi.Param) string {
	s := ""
	for _, p := range ps {
		switch {
		case p.Kind == abi.U64:
			s += "I"
		case p.Kind.Pair():
			s += "ii"
		default:
			s += "i"
		}
	}
	return s
}

// bytes returns the module.
func (w *wasmGuest) bytes() []byte {
	if !slices.ContainsFunc(w.funcs, func(f wasmFunc) bool { return f.export == "bpfhost_abi" }) {
		w.funcs = append(w.funcs, wasmFunc{"bpfhost_abi", "", 0, i32(int64(w.version))})
	}
	m := wasmtest.Module{
		Memory:  append([]byte{0}, wasmtest.ULEB(int(w.pages))...),
		Exports: []wasmtest.Export{{Name: "memory", Kind: 2}},
		Data:    w.data,
	}
	for _, f := range w.imports {
		m.Imports = append(m.Imports, wasmtest.Import{Module: abi.Module, Name: f.Name, Params: paramsOf(f.Params), Results: "i"})
	}
	for _, name := range w.extra {
		m.Imports = append(m.Imports, wasmtest.Import{Module: abi.Module, Name: name, Results: "i"})
	}
	for _, f := range w.funcs {
		var locals []byte
		if f.locals > 0 {
			locals = wasmtest.Cat([]byte{1}, wasmtest.ULEB(f.locals), []byte{0x7f})
		}
		m.Funcs = append(m.Funcs, wasmtest.Func{Export: f.export, Params: f.params, Results: "i", Locals: locals, Code: f.code})
	}
	return m.Bytes()
}
