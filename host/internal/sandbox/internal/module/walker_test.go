package module

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/internal/wasmtest"
)

// walk is a body to walk through, and the error that it must have; empty is none.
type walk struct {
	name, want string
	code       []byte
}

// module puts the body between two others, with a memory, a table, a mutable and an immutable
// global.
func (w walk) module() []byte {
	expr := cat(wasmtest.Const(0), []byte{0x0b})
	m := wasmtest.Module{
		Imports: []wasmtest.Import{{Module: "h", Name: "f", Params: "i"}},
		Memory:  []byte{0, 1},
		Funcs: []wasmtest.Func{
			{Params: "ii", Results: "i", Code: wasmtest.Const(0)},
			{Params: "i", Results: "i", Locals: []byte{1, 2, 0x7e}, Code: w.code},
			{},
		},
		Extra: map[byte][]byte{
			4:  {1, 0x70, 0, 4},
			6:  cat([]byte{2, 0x7f, 1}, expr, []byte{0x7f, 0}, expr),
			9:  cat([]byte{1, 0}, expr, vec(1, 1)),
			12: {1},
			11: cat([]byte{1, 1}, str("x")),
		},
	}
	return m.Bytes()
}

// code makes a body from bytes, with a result at the end.
func code(b ...byte) []byte { return append(b, 0x41, 0) }

var walks = []walk{
	{"nothing", "", code()},
	{"every kind of block", "", code(0x02, 0x40, 0x03, 0x7f, 0x41, 0, 0x0b, 0x04, 0x40, 0x05, 0x0b, 0x0b)},
	{"block of a type", "", code(0x41, 0, 0x41, 0, 0x02, 1, 0x1a, 0x0b, 0x1a)},
	{"branches", "", code(0x02, 0x40, 0x20, 0, 0x0d, 0, 0x20, 0, 0x0e, 1, 0, 0, 0x0b)},
	{"return", "", []byte{0x41, 1, 0x0f}},
	{"not reached", "", []byte{0x00, 0x6a, 0x1a, 0x1b}},
	{"calls", "", code(0x41, 1, 0x10, 0, 0x41, 1, 0x41, 2, 0x10, 1, 0x1a, 0x41, 0, 0x41, 0, 0x41, 0, 0x11, 1, 0, 0x1a)},
	{"memory", "", code(0x3f, 0, 0x40, 0, 0x28, 2, 0, 0x1a)},
	{"bulk memory", "", code(0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 0, 0, 0xfc, 9, 0,
		0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0)},
	{"tables", "", code(0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 12, 0, 0, 0xfc, 13, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 14, 0, 0)},
	{"vectors", "", code(0x41, 0, 0xfd, 15, 0xfd, 98, 0xfd, 21, 3, 0x1a)},
	{"long numbers", "", code(0x41, 0xff, 0xff, 0xff, 0xff, 0x07, 0x1a, 0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f, 0x1a)},
	{"long index", "", code(0x41, 1, 0x10, 0x80, 0x80, 0x80, 0x80, 0x00)},

	{"lacks operands", "an instruction lacks operands", code(0x6a)},
	{"operands of another block", "an instruction lacks operands", code(0x41, 0, 0x02, 0x40, 0x1a, 0x0b)},
	{"too many operands", "1 operands are left at the end of a block", code(0x41, 0)},
	{"if that changes the stack", "an if without else that changes the stack", code(0x41, 0, 0x04, 0x7f, 0x41, 0, 0x0b, 0x1a)},
	{"else outside", "an else outside of an if", code(0x05)},
	{"open block", "ends inside of a block", []byte{0x41, 0, 0x02, 0x40}},
	{"code after the end", "bytes are left over", []byte{0x41, 0, 0x0b}},
	{"local", "local 3 of 3", code(0x20, 3, 0x1a)},
	{"global", "global 2 of 2", code(0x23, 2, 0x1a)},
	{"immutable global", "global 1 is set and cannot be", code(0x41, 0, 0x24, 1)},
	{"function", "function 4 of 4", code(0x10, 4)},
	{"type", "type 9 of 4", code(0x41, 0, 0x11, 9, 0)},
	{"table", "uses table 1 of 1", code(0x41, 0, 0x11, 1, 1)},
	{"label", "branches to label 1 of 1", code(0x0c, 1)},
	{"arity", "targets of a br_table take", []byte{0x02, 0x40, 0x41, 0, 0x41, 0, 0x0e, 1, 0, 1, 0x0b, 0x41, 0}},
	{"data segment", "uses data segment 1 of 1", code(0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 1, 0)},
	{"block type", "block of type 9 of 4", code(0x02, 9, 0x0b)},
	{"number too long", "number does not fit 32 bits", code(0x41, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x1a)},
	{"unknown instruction", "unknown instruction 0xff", code(0xff)},
	{"unknown vector instruction", "unknown vector instruction 154", code(0xfd, 0x9a, 1)},
	{"tail call", "instruction 0x12 of tail calls; build with -mno-tail-call", code(0x12, 0)},
	{"exception", "build with -fno-exceptions", code(0x08, 0)},
	{"table.grow", "instruction 0xfc of reference types; build with -mno-reference-types", code(0xfc, 15, 0)},
	{"ref.func", "instruction 0xd2 of reference types", code(0xd2, 0)},
	{"select with a type", "build with -mno-reference-types", code(0x1c, 1, 0x7f)},
	{"atomic", "instruction 0xfe of threads; build without -pthread", code(0xfe, 0)},
}

func TestWalk(t *testing.T) {
	for _, tt := range walks {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Scan(tt.module(), Limits{})
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// heavy are bodies of a few kilobytes that compile for many seconds, or megabytes.
var heavy = []struct {
	name, limit string
	code        []byte
}{
	{"nested blocks", "Nesting", cat(bytes.Repeat([]byte{0x02, 0x40}, 5000), bytes.Repeat([]byte{0x0b}, 5000))},
	{"nested loops", "CompileTime", cat(bytes.Repeat([]byte{0x03, 0x40}, 4000), bytes.Repeat([]byte{0x0b}, 4000))},
	{"nested ifs", "Nesting", cat(bytes.Repeat([]byte{0x41, 0, 0x04, 0x40}, 20000), bytes.Repeat([]byte{0x0b}, 20000))},
	{"ifs", "CompileTime", bytes.Repeat([]byte{0x20, 0, 0x04, 0x40, 0x0b}, 16000)},
	{"loops", "CompileTime", bytes.Repeat([]byte{0x03, 0x40, 0x20, 0, 0x0d, 0, 0x0b}, 16000)},
	{"br_table", "BranchTargets", cat([]byte{0x02, 0x40, 0x41, 0, 0x0e}, uleb(16384), make([]byte, 16385), []byte{0x0b})},
	{"br_tables", "CompileTime", bytes.Repeat(cat([]byte{0x02, 0x40, 0x20, 0, 0x0e}, uleb(4096), make([]byte, 4097), []byte{0x0b}), 20)},
	{"fills", "CompileTime", bytes.Repeat([]byte{0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0}, 10000)},
	{"operands", "OperandStack", cat(bytes.Repeat([]byte{0x41, 0}, 20000), bytes.Repeat([]byte{0x1a}, 20000))},
	{"live locals", "CompileTime", liveLocals(4000, 400)},
	{"body", "BodyBytes", make([]byte, 400<<10)},
}

// liveLocals sets locals, goes through loops, and uses the locals.
func liveLocals(locals, loops int) []byte {
	var set, get []byte
	for i := range locals {
		set = append(append(set, 0x42, 1, 0x21), uleb(i+1)...)
		get = append(append(append(get, 0x20), uleb(i+1)...), 0x1a)
	}
	return cat(set, bytes.Repeat([]byte{0x03, 0x40, 0x20, 0, 0x0d, 0, 0x0b}, loops), get)
}

func TestScanHeavy(t *testing.T) {
	for _, tt := range heavy {
		m := wasmtest.Module{Memory: []byte{0, 1}, Funcs: []wasmtest.Func{
			{}, {Params: "i", Locals: cat([]byte{1}, uleb(4001), []byte{0x7e}), Code: tt.code}, {}}}
		_, err := Scan(m.Bytes(), Limits{})
		var e *Error
		if !errors.As(err, &e) || e.Limit != tt.limit || e.Section != "code section" || e.Offset == 0 ||
			!strings.HasSuffix(err.Error(), "("+tt.limit+")") {
			t.Errorf("%s: %v, want the limit %s", tt.name, err, tt.limit)
		}
		// Raised, each of them lets the module through.
		l := Limits{BodyBytes: 1 << 20, Nesting: 1 << 20, BranchTargets: 1 << 20, OperandStack: 1 << 20, CompileTime: time.Hour}
		if _, err := Scan(m.Bytes(), l); err != nil && tt.name != "body" {
			t.Errorf("%s with larger limits: %v", tt.name, err)
		}
	}
}
