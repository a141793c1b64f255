package sandbox

// A small encoder of modules, so that every input can be read in its test.

// wasmModule is a module to encode. The zero value plus newModule's memory is a valid module.
type wasmModule struct {
	types   [][2]string // parameters and results as letters: i = i32, I = i64
	imports []wasmImport
	funcs   []wasmFunc
	memory  []byte // limits; nil is none
	exports []wasmExport
	start   []byte // index; nil is none
	extra   map[byte][]byte
}

type wasmImport struct {
	module, name    string
	params, results string
}

type wasmFunc struct {
	export          string // empty is none
	params, results string
	locals          []byte // encoded groups with their count; nil is none
	code            []byte // without the final end
}

type wasmExport struct {
	name string
	kind byte
	i    int
}

// Instructions that the tests use.
var (
	opUnreachable = []byte{0x00}
	opLoop        = []byte{0x03, 0x40, 0x0c, 0x00, 0x0b} // loop br 0 end
	opDrop        = []byte{0x1a}
	opGrow        = []byte{0x40, 0x00}
)

func opConst(v int) []byte        { return append([]byte{0x41}, sleb(v)...) }
func opConst64(v int) []byte      { return append([]byte{0x42}, sleb(v)...) }
func opCall(i int) []byte         { return append([]byte{0x10}, uleb(i)...) }
func opGet(i int) []byte          { return append([]byte{0x20}, uleb(i)...) }
func opStore(off int) []byte      { return append([]byte{0x36, 0x02}, uleb(off)...) }
func opLoad(off int) []byte       { return append([]byte{0x28, 0x02}, uleb(off)...) }
func cat(parts ...[]byte) []byte  { return concat(nil, parts) }
func vec(n int, b ...byte) []byte { return append(uleb(n), b...) }

func concat(dst []byte, parts [][]byte) []byte {
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}

// uleb encodes an unsigned number.
func uleb(v int) []byte {
	var b []byte
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// sleb encodes a signed number.
func sleb(v int) []byte {
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

// str encodes a name.
func str(s string) []byte { return append(uleb(len(s)), s...) }

// rawSection encodes one section.
func rawSection(id byte, body ...[]byte) []byte {
	b := cat(body...)
	return cat([]byte{id}, uleb(len(b)), b)
}

// header is magic and version.
var header = []byte("\x00asm\x01\x00\x00\x00")

// newModule returns a module with an exported memory of one page, an ABI function that returns 7,
// and the functions given.
func newModule(funcs ...wasmFunc) *wasmModule {
	abi := wasmFunc{export: "abi", results: "i", code: opConst(7)}
	return &wasmModule{
		memory:  []byte{0x00, 0x01},
		exports: []wasmExport{{"memory", 2, 0}},
		funcs:   append([]wasmFunc{abi}, funcs...),
	}
}

// typeOf returns the index of a function type, adding it if it is new.
func (m *wasmModule) typeOf(params, results string) int {
	for i, t := range m.types {
		if t == [2]string{params, results} {
			return i
		}
	}
	m.types = append(m.types, [2]string{params, results})
	return len(m.types) - 1
}

// valueTypes encodes a vector of value types.
func valueTypes(letters string) []byte {
	b := uleb(len(letters))
	for _, c := range letters {
		b = append(b, map[rune]byte{'i': 0x7f, 'I': 0x7e, 'f': 0x7d, 'F': 0x7c}[c])
	}
	return b
}

// encode writes the module. Sections in extra replace what would be written under their id, or are
// added behind all others.
func (m *wasmModule) encode() []byte {
	imports, funcs, code := uleb(len(m.imports)), uleb(len(m.funcs)), uleb(len(m.funcs))
	for _, im := range m.imports {
		imports = cat(imports, str(im.module), str(im.name), []byte{0}, uleb(m.typeOf(im.params, im.results)))
	}
	list := m.exports
	for i, f := range m.funcs {
		funcs = append(funcs, uleb(m.typeOf(f.params, f.results))...)
		locals := f.locals
		if locals == nil {
			locals = []byte{0}
		}
		body := cat(locals, f.code, []byte{0x0b})
		code = cat(code, uleb(len(body)), body)
		if f.export != "" {
			list = append(list, wasmExport{f.export, 0, i + len(m.imports)})
		}
	}
	exports := uleb(len(list))
	for _, x := range list {
		exports = cat(exports, str(x.name), []byte{x.kind}, uleb(x.i))
	}
	types := uleb(len(m.types))
	for _, t := range m.types {
		types = cat(types, []byte{0x60}, valueTypes(t[0]), valueTypes(t[1]))
	}
	bodies := map[byte][]byte{1: types, 2: imports, 3: funcs, 7: exports, 10: code}
	if m.memory != nil {
		bodies[5] = append([]byte{1}, m.memory...)
	}
	if m.start != nil {
		bodies[8] = m.start
	}
	for id, b := range m.extra {
		bodies[id] = b
	}
	out := header
	for _, id := range []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11, 0} {
		if b, ok := bodies[id]; ok {
			out = cat(out, rawSection(id, b))
		}
	}
	return out
}
