// Package module reads WebAssembly modules before anything else does: every section and every
// instruction, trusting no number. What it lets through has the shape that the format asks for,
// stays within [Limits] and is compiled in bounded time. The types of operands are left to the
// runtime, which checks them before it compiles.
//
// [Scan] also marks the places that a rewriter needs, so that nothing else has to decode
// instructions.
package module

import (
	"fmt"
	"time"
)

// The kinds of import and export.
const (
	kindFunc uint8 = iota
	kindTable
	kindMemory
	kindGlobal
)

const (
	wasmVersion      = "\x01\x00\x00\x00"
	componentVersion = "\x0d\x00\x01\x00"
)

// ValueType is the type of a value, by its number in the binary format.
type ValueType uint8

// String names the type, e.g. "i32"; "unknown" is none of WebAssembly 2.0.
func (t ValueType) String() string {
	switch t {
	case 0x7f:
		return "i32"
	case 0x7e:
		return "i64"
	case 0x7d:
		return "f32"
	case 0x7c:
		return "f64"
	case 0x7b:
		return "v128"
	case 0x70:
		return "funcref"
	case 0x6f:
		return "externref"
	}
	return "unknown"
}

// Module is what can be said of a module without running it.
type Module struct {
	Imports     []Import
	Exports     []Export
	Functions   int           // defined ones
	Globals     int           // defined ones
	Memories    int           // defined ones
	CodeBytes   int           // of their bodies
	MemoryPages uint32        // at the start; pages of 64 KiB
	Start       bool          // there is a start function
	CompileTime time.Duration // that the compiler is predicted to need at most

	Types  []FuncType
	Funcs  []uint32 // type index of every function, imported ones first
	Spans  []Span   // of sections
	Bodies []Body
	Marks  []Mark
	Loops  []Loop

	Carried []Local // see CarriedBy

	globals  []global
	elements int
	entries  int // of all element segments
	locals   int // of all functions
	names    int // in the name section
	custom   int // sections
	tables   int
	data     int // data segments announced by the data count section; -1 is none
	segments int
	hasName  bool
}

// Import is one imported function.
type Import struct {
	Module, Name    string
	Params, Results []ValueType
}

// Export is one export. Only functions have a type.
type Export struct {
	Name            string
	Kind            string // "function", "table", "memory", "global"
	Index           uint32
	Params, Results []ValueType
	Imported        bool // a re-exported import
}

// FuncType is an entry of the type section.
type FuncType struct{ Params, Results []ValueType }

// global is what instructions have to know of a global.
type global struct{ mutable bool }

// Scan reads a module down to its instructions. It allocates a small multiple of the module's size
// at most. The error is *Error.
func Scan(wasm []byte, l Limits) (*Module, error) {
	l = l.WithDefaults()
	if err := scanHeader(wasm, l); err != nil {
		return nil, err
	}
	m, r := &Module{data: -1}, &reader{b: wasm, pos: 8, end: len(wasm), section: "module"}
	last := 0
	for r.left() > 0 {
		head := r.pos
		id := r.u8()
		size := r.u32()
		if int(id) >= len(sections) {
			r.fail("unknown section %d", id)
			break
		}
		s := sections[id]
		if s.order != 0 && s.order <= last {
			r.fail("%s is out of order or there twice", s.name)
			break
		}
		last = max(last, s.order)
		at := r.pos
		part := r.sub(s.name, size)
		if part.err == nil {
			m.mark(Size, head+1, uint32(part.end))
			m.Spans = append(m.Spans, Span{id, head, at, part.end})
			s.scan(m, &part, &l)
		}
		r.close(&part)
	}
	switch {
	case r.err != nil:
	case len(m.Bodies) != m.Functions:
		r.fail("%d functions have %d bodies", m.Functions, len(m.Bodies))
	case m.data >= 0 && m.data != m.segments:
		r.fail("%d data segments are announced, there are %d", m.data, m.segments)
	case m.CompileTime > l.CompileTime:
		r.exceed("CompileTime", "compiling takes about %v, the limit is %v", m.CompileTime.Round(time.Millisecond), l.CompileTime)
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// Trim drops what only a rewriter needs.
func (m *Module) Trim() {
	m.Spans, m.Bodies, m.Marks, m.Types, m.Funcs, m.globals = nil, nil, nil, nil, nil, nil
	m.Loops, m.Carried = nil, nil
}

// scanHeader checks size, magic and version, and says what the input is instead.
func scanHeader(wasm []byte, l Limits) *Error {
	if len(wasm) > l.Bytes {
		return &Error{Limit: "Bytes", Reason: fmt.Sprintf("module has %d bytes, the limit is %d", len(wasm), l.Bytes), plain: true}
	}
	if kind := lookAlike(wasm); kind != "" {
		return unsupported("not a WebAssembly module: %s", kind)
	}
	if len(wasm) < 8 {
		return unsupported("not a valid module: it ends in its header")
	}
	switch version := string(wasm[4:8]); version {
	case wasmVersion:
		return nil
	case componentVersion:
		return unsupported("this is a WebAssembly component; a plugin is a core module")
	default:
		return unsupported("not a valid module: version is %x, want 01000000", version)
	}
}

// lookAlike names inputs that are not WebAssembly; empty means that the magic number is right.
func lookAlike(b []byte) string {
	starts := func(magic string) bool { return len(b) >= len(magic) && string(b[:len(magic)]) == magic }
	switch {
	case starts("\x00asm"):
		return ""
	case len(b) == 0:
		return "it is empty"
	case starts("\x7fELF"):
		return "this is an ELF object; give it as an object, not as the plugin"
	case starts("\x1f\x8b"):
		return "this is a gzip file"
	case starts("PK\x03\x04"):
		return "this is a zip file"
	case starts("(module"):
		return "this is WebAssembly text; assemble it first (wat2wasm)"
	case starts("#!"):
		return "this is a script"
	}
	return fmt.Sprintf("it starts with %x, want 0061736d", b[:min(len(b), 4)])
}

// section is how one kind of section is read. Sections other than custom ones come once, in order.
type section struct {
	name  string
	order int
	scan  func(m *Module, r *reader, l *Limits)
}

// sections by id (WebAssembly 2.0, section 5.5.2).
var sections = [...]section{
	0:  {"custom section", 0, (*Module).scanCustom},
	1:  {"type section", 1, (*Module).scanTypes},
	2:  {"import section", 2, (*Module).scanImports},
	3:  {"function section", 3, (*Module).scanFunctions},
	4:  {"table section", 4, (*Module).scanTables},
	5:  {"memory section", 5, (*Module).scanMemories},
	6:  {"global section", 6, (*Module).scanGlobals},
	7:  {"export section", 7, (*Module).scanExports},
	8:  {"start section", 8, (*Module).scanStart},
	9:  {"element section", 9, (*Module).scanElements},
	10: {"code section", 11, (*Module).scanCode},
	11: {"data section", 12, (*Module).scanData},
	12: {"data count section", 10, (*Module).scanDataCount},
}
