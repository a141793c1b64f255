package wasm

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
)

// Types of functions in modules.
const (
	typeHost   = 0 // (pc, what i32, r10, r1 … r5 i64) → i64
	typeFunc   = 1 // (r1 … r5, r10 i64) → i64
	typeAccess = 2 // (pc i32, addr, n i64, write i32) → i32
	typeOwned  = 3 // (addr, n i64, write i32) → i32
	typeNumber = 4 // (i64) → i64
	typeIndex  = 5 // (i64) → i32
)

var types = [][]byte{
	functionType("iillllll", "l"), functionType("llllll", "l"), functionType("illi", "i"),
	functionType("lli", "i"), functionType("l", "l"), functionType("l", "i"),
}

// hostIndex is the index of the imported function.
const hostIndex = 0

// Tables of modules: that of programs, which is imported, and that of functions called back.
const (
	tablePrograms  = 0
	tableCallbacks = 1
)

// translator makes a module of a program.
type translator struct {
	p     *Program
	g     *cfg.Graph
	funcs []int // of the program, which are those of the module from firstFunc on
	index map[int]uint32

	supportIndex map[string]uint32 // of functions that are not of the program
	support      []supportFunc
	callbacks    []int // functions whose address is taken
	dom          *cfg.Dominators
	postorder    []int32
}

// supportFunc is a function of a module that is not of the program.
type supportFunc struct {
	typ    uint32
	code   code
	locals []locals
}

// Translate returns the module of a program. It exports EntryName, which runs the program from its first
// instruction on, and puts it into the table of programs. sizes are the bytes of its functions, from which the
// time to compile it follows. Errors wrap ErrNotTranslated.
func Translate(p *Program) (code []byte, sizes []int, err error) {
	g, err := cfg.NewWithTables(p.Insns, p.Funcs, p.Tables)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNotTranslated, err)
	}
	t := &translator{p: p, g: g, index: map[int]uint32{}, supportIndex: map[string]uint32{}}
	for i := range g.Funcs {
		if g.Funcs[i].Reachable {
			t.index[i] = uint32(1 + len(t.funcs))
			t.funcs = append(t.funcs, i)
		}
		for _, c := range g.Funcs[i].Calls {
			if c.Address && !contains(t.callbacks, c.Func) && g.Funcs[c.Func].Reachable {
				t.callbacks = append(t.callbacks, c.Func)
			}
		}
	}
	var bodies [][]byte
	for _, i := range t.funcs {
		b, err := t.function(i)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: function %d: %w", ErrNotTranslated, i, err)
		}
		bodies, sizes = append(bodies, b), append(sizes, len(b))
	}
	return t.module(bodies), sizes, nil
}

func contains(list []int, n int) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}

// module puts the module together.
func (t *translator) module(bodies [][]byte) []byte {
	m := newModule()
	m.section(sectionType, types...)
	item := func(from, name string, rest ...byte) []byte {
		return append(appendName(appendName(nil, from), name), rest...)
	}
	m.section(sectionImport,
		item(HostModule, HostFunction, kindFunction, typeHost),
		item(SharedModule, TableName, kindTable, typeFuncref, 0, 0),
		item(SharedModule, MemoryName, kindMemory, 0, 1))
	var list [][]byte
	for range t.funcs {
		list = append(list, []byte{typeFunc})
	}
	for _, s := range t.support {
		list = append(list, appendUint(nil, s.typ))
		bodies = append(bodies, body(&s.code, s.locals...))
	}
	m.section(sectionFunction, list...)
	elements := [][]byte{element(tablePrograms, int32(t.p.Slot), t.index[0])}
	if len(t.callbacks) > 0 {
		m.section(sectionTable, appendUint([]byte{typeFuncref, 0}, uint32(len(t.callbacks))))
		var functions []uint32
		for _, f := range t.callbacks {
			functions = append(functions, t.index[f])
		}
		elements = append(elements, element(tableCallbacks, 0, functions...))
	}
	m.section(sectionExport, appendUint(append(appendName(nil, EntryName), kindFunction), t.index[0]))
	m.section(sectionElement, elements...)
	m.section(sectionCode, bodies...)
	return m.b
}

// element returns a segment that puts functions into a table.
func element(table uint32, at int32, functions ...uint32) []byte {
	b := []byte{0}
	if table != 0 {
		b = appendUint([]byte{2}, table)
	}
	b = append(appendInt(append(b, byte(opI32Const)), int64(at)), byte(opEnd))
	if table != 0 {
		b = append(b, 0) // the kind: functions
	}
	b = appendUint(b, uint32(len(functions)))
	for _, f := range functions {
		b = appendUint(b, f)
	}
	return b
}

// helper returns the index of a function that is not of the program; write writes it when it is asked
// for first.
func (t *translator) helper(name string, typ uint32, write func(c *code) []locals) uint32 {
	i, ok := t.supportIndex[name]
	if !ok {
		i = uint32(1 + len(t.funcs) + len(t.support))
		t.supportIndex[name] = i
		t.support = append(t.support, supportFunc{typ: typ})
		at := len(t.support) - 1
		var c code
		groups := write(&c)
		t.support[at].code, t.support[at].locals = c, groups
	}
	return i
}

// callee returns the number of a callback that an address is of, if it is one.
func (t *translator) callee(addr uint64) (f int, ok bool) {
	for _, f := range t.callbacks {
		if addr == t.p.Code|(t.p.Start+uint64(t.g.Funcs[f].Start)) {
			return f, true
		}
	}
	return 0, false
}

// calls reports whether an instruction calls a function of the program.
func calls(in *asm.Insn) bool {
	return in.Op == asm.OpCall && (in.Ref == asm.RefLabel || in.Ref == asm.RefFunc)
}
