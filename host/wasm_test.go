package host

import (
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/abi"
)

// wasmGuest writes WebAssembly modules for tests: every import of the ABI, one page of memory or
// more, data, and functions made of the few instructions below.
type wasmGuest struct {
	pages   uint32
	data    []wasmData
	funcs   []wasmFunc
	imports []abi.Func
	next    uint32 // where the next text goes
	extra   []string
	version int32
}

type wasmData struct {
	at    uint32
	bytes []byte
}

type wasmFunc struct {
	export string
	params string // 'i' and 'l'
	locals int    // i32, behind the parameters
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

// text puts bytes into memory and gives instructions that push pointer and length.
func (w *wasmGuest) text(s string) []byte {
	at := w.next
	w.data = append(w.data, wasmData{at, []byte(s)})
	w.next += uint32(len(s)+7) &^ 7
	return slices.Concat(i32(int64(at)), i32(int64(len(s))))
}

// hook adds an exported function. A code that falls through returns 0.
func (w *wasmGuest) hook(export, params string, code ...[]byte) *wasmGuest {
	w.funcs = append(w.funcs, wasmFunc{export, params, 8, slices.Concat(slices.Concat(code...), i32(0))})
	return w
}

// must calls a function of the ABI; a negative result becomes that of the hook. The result is left in
// a local, counted from 0 behind the parameters (n of them), when into is not negative.
func (w *wasmGuest) must(params, into int, name string, args ...[]byte) []byte {
	tmp := params + 7
	if into >= 0 {
		tmp = params + into
	}
	return slices.Concat(
		w.call(name, args...), op(0x22, uint64(tmp)), // local.tee
		i32(0), []byte{0x48}, // i32.lt_s
		[]byte{0x04, 0x40}, op(0x20, uint64(tmp)), []byte{0x0f, 0x0b}, // if local.get return end
	)
}

// call calls a function of the ABI and leaves its result on the stack.
func (w *wasmGuest) call(name string, args ...[]byte) []byte {
	i := slices.IndexFunc(w.imports, func(f abi.Func) bool { return f.Name == name })
	if i < 0 {
		panic("not imported: " + name)
	}
	return slices.Concat(slices.Concat(args...), op(0x10, uint64(i)))
}

func op(code byte, arg uint64) []byte { return append([]byte{code}, leb(arg)...) }
func local(i int) []byte              { return op(0x20, uint64(i)) }
func i32(v int64) []byte              { return append([]byte{0x41}, sleb(v)...) }
func i64(v int64) []byte              { return append([]byte{0x42}, sleb(v)...) }

// Instructions and pieces of code.
var (
	opTrap = []byte{0x00}
	opDrop = []byte{0x1a}
	opRet  = []byte{0x0f}
	opLoop = []byte{0x03, 0x40, 0x0c, 0x00, 0x0b} // loop br 0 end
)

func leb(v uint64) []byte {
	var b []byte
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func sleb(v int64) []byte {
	var b []byte
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func wasmName(s string) []byte { return append(leb(uint64(len(s))), s...) }

func wasmVec(items [][]byte) []byte {
	return append(leb(uint64(len(items))), slices.Concat(items...)...)
}

func wasmSection(id byte, body []byte) []byte {
	return slices.Concat([]byte{id}, leb(uint64(len(body))), body)
}

// funcType is a signature with one i32 as its result.
func funcType(params string) []byte {
	types := make([]byte, len(params))
	for i, c := range params {
		if types[i] = 0x7f; c == 'l' {
			types[i] = 0x7e
		}
	}
	return slices.Concat([]byte{0x60}, leb(uint64(len(types))), types, []byte{1, 0x7f})
}

// paramsOf is the signature of a function of the ABI.
func paramsOf(ps []abi.Param) string {
	s := ""
	for _, p := range ps {
		switch {
		case p.Kind == abi.U64:
			s += "l"
		case p.Kind.Pair():
			s += "ii"
		default:
			s += "i"
		}
	}
	return s
}

// bytes gives the module.
func (w *wasmGuest) bytes() []byte {
	if !slices.ContainsFunc(w.funcs, func(f wasmFunc) bool { return f.export == "bpfhost_abi" }) {
		w.funcs = append(w.funcs, wasmFunc{"bpfhost_abi", "", 0, i32(int64(w.version))})
	}
	var types, imports, funcs, exports, codes, datas [][]byte
	for _, f := range w.imports {
		imports = append(imports, slices.Concat(wasmName(abi.Module), wasmName(f.Name), []byte{0}, leb(uint64(len(types)))))
		types = append(types, funcType(paramsOf(f.Params)))
	}
	for _, name := range w.extra {
		imports = append(imports, slices.Concat(wasmName(abi.Module), wasmName(name), []byte{0}, leb(uint64(len(types)))))
		types = append(types, funcType(""))
	}
	exports = append(exports, slices.Concat(wasmName("memory"), []byte{2, 0}))
	for i, f := range w.funcs {
		funcs = append(funcs, leb(uint64(len(types))))
		types = append(types, funcType(f.params))
		exports = append(exports, slices.Concat(wasmName(f.export), []byte{0}, leb(uint64(len(imports)+i))))
		locals := []byte{0}
		if f.locals > 0 {
			locals = slices.Concat([]byte{1}, leb(uint64(f.locals)), []byte{0x7f})
		}
		body := slices.Concat(locals, f.code, []byte{0x0b})
		codes = append(codes, append(leb(uint64(len(body))), body...))
	}
	for _, d := range w.data {
		datas = append(datas, slices.Concat([]byte{0}, i32(int64(d.at)), []byte{0x0b}, leb(uint64(len(d.bytes))), d.bytes))
	}
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		wasmSection(1, wasmVec(types)), wasmSection(2, wasmVec(imports)), wasmSection(3, wasmVec(funcs)),
		wasmSection(5, slices.Concat([]byte{1, 0}, leb(uint64(w.pages)))),
		wasmSection(7, wasmVec(exports)), wasmSection(10, wasmVec(codes)), wasmSection(11, wasmVec(datas)))
}

// trampolines is a guest that exports every function of the ABI as it is, under call_ and its name.
func trampolines() []byte {
	w := newWasmGuest()
	for i, f := range abi.Funcs() {
		params := paramsOf(f.Params)
		var code []byte
		for p := range len(params) {
			code = append(code, local(p)...)
		}
		w.funcs = append(w.funcs, wasmFunc{fmt.Sprintf("call_%s", f.Name), params, 0, slices.Concat(code, op(0x10, uint64(i)))})
	}
	return w.bytes()
}
