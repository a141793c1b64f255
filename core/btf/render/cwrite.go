package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
)

const tabs = "\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t"

// declare writes the declaration of name, with the body of its type if that has no name.
func (h *header) declare(id btf.ID, name string, level int) {
	base, quals, d := h.declarator(id, name, maxParams)
	typ, err := h.t.Type(base)
	if err != nil {
		h.fail(err)
		return
	}
	switch typ := typ.(type) {
	case *btf.Struct:
		if typ.Name == "" {
			h.text(quals)
			h.body(base, typ, "", level)
			h.text(before(d))
			return
		}
	case *btf.Enum:
		if typ.Name == "" {
			h.text(quals)
			h.enum(typ, "", level)
			h.text(before(d))
			return
		}
	}
	h.text(quals + h.base(base, typ) + before(d))
}

func (h *header) fail(err error) {
	if h.err == nil {
		h.err = err
	}
}

// body writes a struct or union. It calls itself for unnamed ones, at most maxNesting deep.
func (h *header) body(id btf.ID, s *btf.Struct, name string, level int) {
	if h.err != nil {
		return
	}
	if level == maxNesting {
		h.fail(fmt.Errorf("%w: unnamed types are nested more than %d deep", ErrLimit, maxNesting))
		return
	}
	h.text(h.keyword(s) + name + " {\n")
	if shape := h.shapes[id]; shape.bytes {
		h.line(level, "/* C has no such layout */")
		h.padArray(uint64(s.Size), level)
	} else {
		h.members(s, shape, level)
	}
	h.text(tabs[:level] + "}")
	if h.shapes[id].packed {
		h.text(" __attribute__((packed))")
	}
}

func (h *header) line(level int, text string) { h.text(tabs[:level+1] + text + "\n") }

// members writes members and what fills the gaps between them.
func (h *header) members(s *btf.Struct, shape shape, level int) {
	at := uint64(0)
	size := uint64(s.Size) * 8
	for i := range s.Members {
		m := &s.Members[i]
		f := fieldOf(h.t, m)
		if place(at, f, h.memberAlign(m, shape.packed), shape.packed) != f.at {
			h.pad(at, f.at, level)
		}
		h.member(m, f, level)
		if at = f.at + f.size; s.Union {
			at = 0
		}
	}
	if s.Union {
		for i := range s.Members {
			at = max(at, fieldOf(h.t, &s.Members[i]).size)
		}
	}
	if roundUp(at, 8*uint64(max(shape.align, 1))) == size {
		return
	}
	if s.Union || len(s.Members) == 0 {
		h.padArray(uint64(s.Size), level)
		return
	}
	h.pad(at, size, level)
}

func (h *header) member(m *btf.Member, f field, level int) {
	h.text(tabs[:level+1])
	name := m.Name
	switch {
	case name != "":
		name = memberName(name)
	case f.width == 0:
		if id, inner := h.unnamed(m); inner != nil {
			h.body(id, inner, "", level+1)
			h.text(";\n")
			return
		}
		h.pads++
		name = "__unnamed" + strconv.Itoa(h.pads)
	}
	h.declare(m.Type, name, level+1)
	if f.width > 0 {
		h.text(": " + strconv.Itoa(int(f.width)))
	}
	h.text(";\n")
}

// unnamed gives the struct whose members a member without a name stands for. It may itself have a name, as
// -fms-extensions allows; plain C needs its members written out.
func (h *header) unnamed(m *btf.Member) (btf.ID, *btf.Struct) {
	id := h.t.Strip(m.Type)
	typ, err := h.t.Type(id)
	if err != nil {
		return 0, nil
	}
	s, _ := typ.(*btf.Struct)
	return id, s
}

// pad fills the bits from at up to end.
func (h *header) pad(at, end uint64, level int) {
	for _, g := range gaps(at, end) {
		if g.typ == "" {
			h.padArray(g.bits/8, level)
			continue
		}
		h.line(level, g.typ+": "+strconv.FormatUint(g.bits, 10)+";")
	}
}

// padArray writes a member of some bytes.
func (h *header) padArray(n uint64, level int) {
	h.pads++
	h.line(level, fmt.Sprintf("unsigned char __pad%d[%d];", h.pads, n))
}

// enum writes an enum and its values.
func (h *header) enum(e *btf.Enum, name string, level int) {
	h.text("enum" + name + " {\n")
	suffix, wide := "", false
	if e.Wide {
		if suffix = "ULL"; e.Signed {
			suffix = "LL"
		}
	}
	for _, v := range e.Values {
		text := strconv.FormatUint(v.Value, 10) + suffix
		if e.Signed {
			text = strconv.FormatInt(int64(v.Value), 10) + suffix
		}
		switch {
		case e.Wide && e.Signed && int64(v.Value) == -1<<63:
			text = "-9223372036854775807LL - 1"
		case e.Wide && e.Signed:
			wide = wide || int64(v.Value) != int64(int32(v.Value))
		case e.Wide:
			wide = wide || v.Value > 1<<32-1
		}
		h.line(level, h.enumerator(v.Name)+" = "+text+",")
	}
	if len(e.Values) == 0 { // C has no enums without values
		h.line(level, h.enumerator(strings.TrimPrefix(name, " ")+"___none")+" = 0,")
	}
	h.text(tabs[:level] + "}")
	switch {
	case e.Size == 1:
		h.text(" __attribute__((mode(QI)))")
	case e.Size == 2:
		h.text(" __attribute__((mode(HI)))")
	case e.Size == 8 && !wide:
		h.text(" __attribute__((mode(DI)))")
	}
}
