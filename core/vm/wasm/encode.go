package wasm

import (
	"fmt"
	"strconv"
	"strings"
)

// The types of values, and the type of a block without results.
const (
	typeI32  = 0x7f
	typeI64  = 0x7e
	typeVoid = 0x40
)

// code is the instructions of a function that is being written.
type code struct{ b []byte }

// op writes instructions without operands.
func (c *code) op(ops ...opcode) {
	for _, o := range ops {
		c.b = append(c.b, byte(o))
	}
}

// with writes an instruction with an index.
func (c *code) with(o opcode, index uint32) { c.b = appendUint(append(c.b, byte(o)), index) }

func (c *code) get(local uint32) { c.with(opLocalGet, local) }
func (c *code) set(local uint32) { c.with(opLocalSet, local) }
func (c *code) tee(local uint32) { c.with(opLocalTee, local) }
func (c *code) call(f uint32)    { c.with(opCall, f) }
func (c *code) i32(v int32)      { c.b = appendInt(append(c.b, byte(opI32Const)), int64(v)) }
func (c *code) i64(v int64)      { c.b = appendInt(append(c.b, byte(opI64Const)), v) }
func (c *code) enter(o opcode)   { c.b = append(c.b, byte(o), typeVoid) }
func (c *code) callTable(t, typ uint32) {
	c.b = appendUint(appendUint(append(c.b, byte(opCallIndirect)), typ), t)
}

// mem writes a load or store without alignment at an offset from the address on the stack.
func (c *code) mem(o opcode, offset uint32) { c.b = appendUint(append(c.b, byte(o), 0), offset) }

// text writes instructions in the text format, one after the other, with plain numbers for locals,
// functions, labels and offsets. It is for what is part of this package.
func (c *code) text(s string) {
	words := strings.Fields(s)
	for i := 0; i < len(words); i++ {
		o, ok := opNames[words[i]]
		if !ok {
			panic("wasm: no instruction " + words[i])
		}
		number := func() int64 {
			i++
			n, err := strconv.ParseInt(words[i], 0, 64)
			if err != nil {
				panic(fmt.Sprintf("wasm: operand of %s: %v", words[i-1], err))
			}
			return n
		}
		switch {
		case o == opBlock || o == opLoop || o == opIf:
			c.enter(o)
		case o.isMemory():
			c.mem(o, uint32(number()))
		case o == opI32Const || o == opI64Const:
			c.b = appendInt(append(c.b, byte(o)), number())
		case o == opBr || o == opBrIf || o == opCall || o == opLocalGet || o == opLocalSet || o == opLocalTee:
			c.with(o, uint32(number()))
		default:
			c.op(o)
		}
	}
}

// appendUint appends an unsigned number in LEB128.
func appendUint(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendInt appends a signed number in LEB128.
func appendInt(b []byte, v int64) []byte {
	for v < -64 || v >= 64 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}

// appendName appends a string with its length before it.
func appendName(b []byte, s string) []byte { return append(appendUint(b, uint32(len(s))), s...) }

// module is a module that is being written.
type module struct{ b []byte }

// Numbers of sections (section 5.5 of the specification).
const (
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionTable    = 4
	sectionMemory   = 5
	sectionExport   = 7
	sectionElement  = 9
	sectionCode     = 10
)

// Kinds of imports and exports.
const (
	kindFunction = 0
	kindTable    = 1
	kindMemory   = 2
	typeFuncref  = 0x70
)

func newModule() *module { return &module{[]byte("\x00asm\x01\x00\x00\x00")} }

// section appends a section with a vector of items, which are encoded already.
func (m *module) section(id byte, items ...[]byte) {
	if len(items) == 0 {
		return
	}
	n := len(appendUint(nil, uint32(len(items))))
	for _, it := range items {
		n += len(it)
	}
	m.b = appendUint(append(m.b, id), uint32(n))
	m.b = appendUint(m.b, uint32(len(items)))
	for _, it := range items {
		m.b = append(m.b, it...)
	}
}

// functionType returns the type of a function.
func functionType(params, results string) []byte {
	b := []byte{0x60}
	for _, s := range []string{params, results} {
		b = appendUint(b, uint32(len(s)))
		for _, t := range s {
			b = append(b, map[rune]byte{'i': typeI32, 'l': typeI64}[t])
		}
	}
	return b
}

// locals is a group of locals of one type.
type locals struct {
	n   uint32
	typ byte
}

// body returns an entry of the code section.
func body(c *code, groups ...locals) []byte {
	b := appendUint(nil, uint32(len(groups)))
	for _, g := range groups {
		b = append(appendUint(b, g.n), g.typ)
	}
	b = append(b, c.b...)
	b = append(b, byte(opEnd))
	return append(appendUint(nil, uint32(len(b))), b...)
}
