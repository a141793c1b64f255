// Package wasmtest writes WebAssembly modules for tests, so that every input can be read in its
// test. What is wrong in a module is written as it is.
package wasmtest

import "slices"

// Module is a module to encode. Its types follow from what is imported and defined.
type Module struct {
	Imports []Import
	Funcs   []Func
	Memory  []byte // limits; nil is none
	Exports []Export
	Start   []byte // index; nil is none
	Data    []Data

	// Extra are bodies of sections by id. They replace what would be written under that id; those
	// of custom sections (0) come last.
	Extra map[byte][]byte

	types [][2]string // parameters and results
}

// Import is an imported function. Parameters and results are letters: i is i32, I is i64, f is f32,
// F is f64.
type Import struct {
	Module, Name    string
	Params, Results string
}

// Func is a function.
type Func struct {
	Export          string // empty is none
	Params, Results string // as in Import
	Locals          []byte // encoded groups with their count; nil is none
	Code            []byte // without the final end
}

// Export is an export of something else than a function of Funcs.
type Export struct {
	Name  string
	Kind  byte // 0 function, 1 table, 2 memory, 3 global
	Index int
}

// Data is what stands in memory from the start.
type Data struct {
	At    uint32
	Bytes []byte
}

// Header is magic and version.
var Header = []byte("\x00asm\x01\x00\x00\x00")

// ids are the sections in the order in which they are written.
var ids = []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11, 0}

// Bytes writes the module.
func (m *Module) Bytes() []byte {
	bodies := m.code()
	bodies[1] = m.typeSection()
	if m.Memory != nil {
		bodies[5] = append([]byte{1}, m.Memory...)
	}
	if m.Start != nil {
		bodies[8] = m.Start
	}
	if m.Data != nil {
		bodies[11] = m.dataSection()
	}
	for id, b := range m.Extra {
		bodies[id] = b
	}
	out := slices.Clone(Header)
	for _, id := range ids {
		if b, ok := bodies[id]; ok {
			out = append(out, Section(id, b)...)
		}
	}
	return out
}

// code makes the sections of imports, functions, exports and code.
func (m *Module) code() map[byte][]byte {
	imports, funcs, code := ULEB(len(m.Imports)), ULEB(len(m.Funcs)), ULEB(len(m.Funcs))
	for _, im := range m.Imports {
		imports = Cat(imports, Str(im.Module), Str(im.Name), []byte{0}, ULEB(m.typeOf(im.Params, im.Results)))
	}
	list := slices.Clone(m.Exports)
	for i, f := range m.Funcs {
		funcs = append(funcs, ULEB(m.typeOf(f.Params, f.Results))...)
		locals := f.Locals
		if locals == nil {
			locals = []byte{0}
		}
		body := Cat(locals, f.Code, []byte{0x0b})
		code = Cat(code, ULEB(len(body)), body)
		if f.Export != "" {
			list = append(list, Export{f.Export, 0, i + len(m.Imports)})
		}
	}
	exports := ULEB(len(list))
	for _, x := range list {
		exports = Cat(exports, Str(x.Name), []byte{x.Kind}, ULEB(x.Index))
	}
	return map[byte][]byte{2: imports, 3: funcs, 7: exports, 10: code}
}

// typeOf returns the index of a function type, adding it if it is new.
func (m *Module) typeOf(params, results string) int {
	t := [2]string{params, results}
	i := slices.Index(m.types, t)
	if i < 0 {
		i = len(m.types)
		m.types = append(m.types, t)
	}
	return i
}

func (m *Module) typeSection() []byte {
	b := ULEB(len(m.types))
	for _, t := range m.types {
		b = Cat(b, []byte{0x60}, valueTypes(t[0]), valueTypes(t[1]))
	}
	return b
}

// valueTypes encodes a vector of value types.
func valueTypes(letters string) []byte {
	b := ULEB(len(letters))
	for _, c := range letters {
		b = append(b, map[rune]byte{'i': 0x7f, 'I': 0x7e, 'f': 0x7d, 'F': 0x7c}[c])
	}
	return b
}

func (m *Module) dataSection() []byte {
	b := ULEB(len(m.Data))
	for _, d := range m.Data {
		b = Cat(b, []byte{0}, Const(int(d.At)), []byte{0x0b}, ULEB(len(d.Bytes)), d.Bytes)
	}
	return b
}
