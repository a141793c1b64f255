package wasm

import (
	"fmt"
	"strings"
	"testing"
)

// names is opNames the other way round.
var names = func() map[opcode]string {
	out := map[opcode]string{}
	for name, o := range opNames {
		out[o] = name
	}
	return out
}()

// reader reads what encode.go writes.
type reader struct{ b []byte }

func (r *reader) byte() byte {
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uint() (v uint64) {
	for shift := 0; ; shift += 7 {
		c := r.byte()
		if v |= uint64(c&0x7f) << shift; c < 0x80 {
			return v
		}
	}
}

func (r *reader) int() (v int64) {
	for shift := 0; ; {
		c := r.byte()
		v |= int64(c&0x7f) << shift
		if shift += 7; c < 0x80 {
			if shift < 64 && c&0x40 != 0 {
				v |= -1 << shift
			}
			return v
		}
	}
}

// section returns the contents of a section of a module, as bytes of its items.
func section(t *testing.T, module []byte, id byte) *reader {
	t.Helper()
	r := &reader{module[8:]}
	for len(r.b) > 0 {
		got, n := r.byte(), r.uint()
		if got == id {
			return &reader{r.b[:n]}
		}
		r.b = r.b[n:]
	}
	t.Fatalf("there is no section %d", id)
	return nil
}

// functions returns the text of the functions of a module.
func functions(t *testing.T, module []byte) []string {
	t.Helper()
	r := section(t, module, sectionCode)
	var out []string
	for n := r.uint(); n > 0; n-- {
		size := r.uint()
		f := &reader{r.b[:size]}
		r.b = r.b[size:]
		for groups := f.uint(); groups > 0; groups-- {
			f.uint()
			f.byte()
		}
		out = append(out, f.text())
	}
	return out
}

// text returns instructions, one a line, indented by their nesting.
func (r *reader) text() string {
	var b strings.Builder
	for depth := 0; len(r.b) > 0; {
		o := opcode(r.byte())
		if o == opEnd || o == opElse {
			depth--
		}
		if depth < 0 {
			break
		}
		fmt.Fprintf(&b, "%s%s", strings.Repeat(" ", depth), names[o])
		switch {
		case o == opBlock || o == opLoop || o == opIf:
			r.byte()
			depth++
		case o == opElse:
			depth++
		case o == opI32Const || o == opI64Const:
			fmt.Fprintf(&b, " %d", r.int())
		case o == opBrTable:
			for n := r.uint() + 1; n > 0; n-- {
				fmt.Fprintf(&b, " %d", r.uint())
			}
		case o == opCallIndirect:
			fmt.Fprintf(&b, " %d", r.uint())
			fmt.Fprintf(&b, " %d", r.uint())
		case o.isMemory():
			r.uint()
			fmt.Fprintf(&b, " %d", r.uint())
		case o == opBr || o == opBrIf || o == opCall || o >= opLocalGet && o <= opLocalTee:
			fmt.Fprintf(&b, " %d", r.uint())
		}
		b.WriteString("\n")
	}
	return b.String()
}
