package sandbox

import "fmt"

// Limits of the structure of a module. Real plugins of Go, Rust, C, TinyGo and AssemblyScript stay
// far below each of them; some runtimes' decoders allocate what the numbers say before they look.
const (
	maxTypes      = 16_384
	maxParams     = 128 // of one function type
	maxResults    = 16
	maxImports    = 1_024
	maxFunctions  = 65_536
	maxTable      = 65_536 // entries at the start
	maxGlobals    = 10_000
	maxExports    = 1_024
	maxElements   = 10_000  // segments
	maxEntries    = 131_072 // of all element segments
	maxBody       = 1 << 20 // bytes of one function
	maxLocals     = 50_000  // of one function
	maxAllLocals  = 2_000_000
	maxData       = 100_000 // segments
	maxNames      = 1_000_000
	maxCustom     = 1_000
	wasmVersion   = "\x01\x00\x00\x00"
	componentVers = "\x0d\x00\x01\x00"
)

// The kinds of import and export.
const (
	kindFunc uint8 = iota
	kindTable
	kindMemory
	kindGlobal
)

// Module is what can be said of a module without running it.
type Module struct {
	Imports     []ModuleImport
	Exports     []ModuleExport
	Functions   int    // defined ones
	CodeBytes   int    // of their bodies
	MemoryPages uint32 // at the start; pages of 64 KiB

	types    []funcType
	funcs    []uint32 // type index of every function, imported ones first
	entries  int      // of all element segments
	locals   int      // of all functions
	names    int      // in the name section
	custom   int      // sections
	tables   int
	memories int
	bodies   int
	hasName  bool
	start    bool
}

// ModuleImport is one imported function.
type ModuleImport struct {
	Module, Name    string
	Params, Results []ValueType
}

// ModuleExport is one export. Only functions have a type.
type ModuleExport struct {
	Name            string
	Kind            string // "function", "table", "memory", "global"
	Params, Results []ValueType
	Imported        bool // a re-exported import
}

// funcType is an entry of the type section.
type funcType struct{ params, results []ValueType }

// Scan reads the structure of a module down to sections, segments, function headers and names, but
// not instructions. It allocates a small multiple of the module's size at most. The error is
// *Reject.
func Scan(wasm []byte, l Limits) (*Module, error) {
	l = l.withDefaults()
	if err := scanHeader(wasm, l); err != nil {
		return nil, err
	}
	m, r := &Module{}, &reader{b: wasm, pos: 8, end: len(wasm), section: "module"}
	last := 0
	for r.left() > 0 {
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
		part := r.sub(s.name, size)
		if part.err == nil {
			s.scan(m, &part, l)
		}
		r.close(&part)
	}
	if r.err == nil && m.bodies != m.Functions {
		r.fail("%d functions have %d bodies", m.Functions, m.bodies)
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// scanHeader checks size, magic and version, and says what the input is instead.
func scanHeader(wasm []byte, l Limits) error {
	if len(wasm) > l.ModuleBytes {
		return reject("module has %d bytes, the limit is %d", len(wasm), l.ModuleBytes)
	}
	if kind := lookAlike(wasm); kind != "" {
		return reject("not a WebAssembly module: %s", kind)
	}
	if len(wasm) < 8 {
		return reject("not a valid module: it ends in its header")
	}
	switch version := string(wasm[4:8]); version {
	case wasmVersion:
		return nil
	case componentVers:
		return reject("this is a WebAssembly component; a plugin is a core module")
	default:
		return reject("not a valid module: version is %x, want 01000000", version)
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
	scan  func(m *Module, r *reader, l Limits)
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
