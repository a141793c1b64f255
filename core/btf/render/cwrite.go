package render

import (
	"fmt"
	"strconv"

	"github.com/bpfhost/bpfhost/core/btf"
)

const tabs = "\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t"

// declare writes the declaration of name, with the body of its type if that has no name.
func (h *header) declare(id btf.ID, name string, level int) {
	quals := len(h.quals)
	d := h.decompose(id, name)
	h.out = append(h.out, h.quals[d.quals.from:d.quals.to]...)
	switch k := h.t.Kind(d.base); {
	case k.Composite() && h.t.Name(d.base) == "":
		if s := h.structAt(d.base, level); s != nil {
			h.body(d.base, s, "", level)
		}
	case k.Enum() && h.t.Name(d.base) == "":
		h.enum(d.base, "", level)
	default:
		h.base(d.base)
	}
	h.space(d)
	h.begun = len(h.out)
	h.declarator(d, name, maxParams)
	h.release(d, quals)
}

// structAt reads a struct that is written at a level. It is good until the next one at this level;
// nil after an error.
func (h *header) structAt(id btf.ID, level int) *btf.Struct {
	for len(h.levels) <= level {
		h.levels = append(h.levels, new(btf.Scratch))
	}
	typ, err := h.t.Read(id, h.levels[level])
	if err != nil {
		h.fail(err)
		return nil
	}
	s, _ := typ.(*btf.Struct)
	if s != nil {
		h.dropUntyped(s)
	}
	return s
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
	h.texts(h.keyword(s), name, " {\n")
	layout := *h.structs.at(id)
	if layout.asBytes {
		h.line(level, "/* C has no such layout */")
		h.padArray(uint64(s.Size), level)
	} else {
		h.members(s, layout, level)
	}
	h.texts(tabs[:level], "}")
	if layout.packed {
		h.text(" __attribute__((packed))")
	}
}

func (h *header) line(level int, text string) { h.texts(tabs[:level+1], text, "\n") }

// members writes members and what fills the gaps between them.
func (h *header) members(s *btf.Struct, layout structLayout, level int) {
	at, most := uint64(0), uint64(0)
	size := uint64(s.Size) * 8
	for i := range s.Members {
		m := &s.Members[i]
		typ := h.typeLayout(m.Type)
		f := newMemberLayout(m, typ)
		if nextOffset(at, f, typ.alignIn(layout.packed), layout.packed) != f.offset {
			h.pad(at, f.offset, level)
		}
		if h.member(m, f, level); h.full() {
			return
		}
		most = max(most, f.size)
		if at = f.offset + f.size; s.Union {
			at = 0
		}
	}
	if s.Union {
		at = most
	}
	if roundUp(at, 8*uint64(max(layout.align, 1))) == size {
		return
	}
	if s.Union || len(s.Members) == 0 {
		h.padArray(uint64(s.Size), level)
		return
	}
	h.pad(at, size, level)
}

func (h *header) member(m *btf.Member, f memberLayout, level int) {
	h.text(tabs[:level+1])
	name := m.Name
	switch {
	case name != "":
		name = identifier(name)
	case f.width == 0:
		if id, inner := h.unnamed(m, level+1); inner != nil {
			h.body(id, inner, "", level+1)
			h.text(";\n")
			return
		}
		h.pads++
		name = "__unnamed" + strconv.Itoa(h.pads)
	}
	h.declare(m.Type, name, level+1)
	if f.width > 0 {
		h.text(": ")
		h.uint(uint64(f.width))
	}
	h.text(";\n")
}

// unnamed returns the struct whose members a member without a name holds. It may itself have a
// name, as -fms-extensions allows; plain C needs its members written out.
func (h *header) unnamed(m *btf.Member, level int) (btf.ID, *btf.Struct) {
	id := h.t.Strip(m.Type)
	if !h.t.Kind(id).Composite() {
		return 0, nil
	}
	return id, h.structAt(id, level)
}

// pad fills the bits from at up to end.
func (h *header) pad(at, end uint64, level int) {
	for _, g := range gaps(at, end) {
		if g.typ == "" {
			h.padArray(g.bits/8, level)
			continue
		}
		h.texts(tabs[:level+1], g.typ, ": ")
		h.uint(g.bits)
		h.text(";\n")
	}
}

// padArray writes a member of some bytes.
func (h *header) padArray(n uint64, level int) {
	h.pads++
	h.line(level, fmt.Sprintf("unsigned char __pad%d[%d];", h.pads, n))
}

// enum writes an enum and its values.
func (h *header) enum(id btf.ID, name string, level int) {
	typ, err := h.t.Read(id, &h.small)
	e, ok := typ.(*btf.Enum)
	if err != nil || !ok {
		h.fail(err)
		return
	}
	sep := ""
	if name != "" {
		sep = " "
	}
	h.texts("enum", sep, name, " {\n")
	wide := false
	for i := range e.Values {
		v := &e.Values[i]
		h.texts(tabs[:level+1], h.enumerator(v.Name), " = ")
		h.enumValue(e, v.Value)
		h.text(",\n")
		if n := int64(v.Value); e.Signed {
			wide = wide || n != int64(int32(n)) && n != -1<<63
		} else {
			wide = wide || v.Value > 1<<32-1
		}
		if h.full() {
			return
		}
	}
	if len(e.Values) == 0 { // C has no enums without values
		h.line(level, h.enumerator(name+"___none")+" = 0,")
	}
	h.texts(tabs[:level], "}")
	switch {
	case e.Size == 1:
		h.text(" __attribute__((mode(QI)))")
	case e.Size == 2:
		h.text(" __attribute__((mode(HI)))")
	case e.Size == 8 && !wide:
		h.text(" __attribute__((mode(DI)))")
	}
}

// enumValue writes a value with the suffix that it needs.
func (h *header) enumValue(e *btf.Enum, v uint64) {
	switch {
	case e.Wide && e.Signed && int64(v) == -1<<63:
		h.text("-9223372036854775807LL - 1")
		return
	case e.Signed:
		h.out = strconv.AppendInt(h.out, int64(v), 10)
	default:
		h.uint(v)
	}
	if e.Wide {
		if e.Signed {
			h.text("LL")
		} else {
			h.text("ULL")
		}
	}
}
