package render

import (
	"bytes"
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
)

const (
	maxParams = 8        // levels of parameters of parameters; below they are written void *
	maxDecl   = 64 << 10 // bytes of one declaration
)

// link is a part of a declaration: a pointer, an array or a function.
type link struct {
	kind   btf.Kind
	id     btf.ID
	quals  span // of a pointer
	spaced bool // a space follows the qualifiers of a pointer
	group  bool // parentheses stand around what the array or function is of
}

// span is a piece of the qualifiers that are at hand.
type span struct{ from, to int }

// chain is a declaration taken apart: links from the name outwards, and the type at the end.
type chain struct {
	base  btf.ID
	quals span
	first int  // in the links that are at hand
	lead  byte // what the declarator begins with; 0 for nothing
	more  bool // there are more links than is good
}

// follow takes the type of a declaration apart. After too many links it ends with a void pointer.
func (h *header) follow(id btf.ID, name string) chain {
	c := chain{base: id, first: len(h.links), quals: span{len(h.quals), len(h.quals)}}
	if name != "" {
		c.lead = name[0]
	}
	pointer, indirect := false, false // the last link, or any, was a pointer
	for range maxNesting {
		switch k := h.t.Kind(c.base); k {
		case btf.KindPointer:
			l := link{kind: k, quals: c.quals, spaced: c.lead != 0 && c.lead != '['}
			h.links = append(h.links, l)
			c.quals = span{len(h.quals), len(h.quals)}
			c.lead, pointer, indirect = '*', true, true
			if h.opaque[c.base] {
				c.base = 0
				return c
			}
		case btf.KindConst, btf.KindVolatile, btf.KindRestrict:
			h.qualify(&c, k)
		case btf.KindTypeTag:
			h.typeTag(&c, indirect)
		case btf.KindArray, btf.KindFuncProto:
			h.links = append(h.links, link{kind: k, id: c.base, group: pointer})
			switch {
			case pointer || c.lead == 0 && k == btf.KindFuncProto:
				c.lead = '('
			case c.lead == 0:
				c.lead = '['
			}
			pointer = false
		default:
			return c
		}
		c.base, _ = h.t.Ref(c.base, 0)
	}
	if !indirect {
		h.fail(fmt.Errorf("%w: a declaration has more than %d parts", ErrLimit, maxNesting))
	}
	c.base, c.quals, c.lead, c.more = 0, span{}, '*', true
	return c
}

// forget frees what follow has taken.
func (h *header) forget(c chain, quals int) { h.links, h.quals = h.links[:c.first], h.quals[:quals] }

// qualify adds a word: arrays and their elements may both be const, which C writes once.
func (h *header) qualify(c *chain, k btf.Kind) {
	word := k.String() + " "
	if !bytes.Contains(h.quals[c.quals.from:], []byte(word)) {
		h.quals = append(h.quals, word...)
		c.quals.to = len(h.quals)
	}
}

// typeTag adds a remark on what a pointer points to.
func (h *header) typeTag(c *chain, indirect bool) {
	typ, err := h.t.Type(c.base)
	tag, ok := typ.(*btf.TypeTag)
	if err != nil {
		h.fail(err)
	}
	if !ok || !indirect || tag.Attr || identifier(tag.Tag) != tag.Tag {
		return // without a pointer it means nothing in C
	}
	h.quals = append(h.quals, `__attribute__((btf_type_tag("`+tag.Tag+`"))) `...)
	c.quals.to = len(h.quals)
}

// declarator writes the links of a chain around a name.
func (h *header) declarator(c chain, name string, levels int) {
	if c.more {
		h.text("*")
	}
	last := len(h.links)
	for i := last - 1; i >= c.first; i-- {
		switch l := &h.links[i]; {
		case l.kind == btf.KindPointer:
			h.text("*")
			quals := bytes.TrimSuffix(h.quals[l.quals.from:l.quals.to], []byte(" "))
			h.out = append(h.out, quals...)
			if len(quals) > 0 && l.spaced {
				h.text(" ")
			}
		case l.group:
			h.text("(")
		}
	}
	h.text(name)
	for i := c.first; i < last; i++ {
		l := h.links[i]
		if l.group {
			h.text(")")
		}
		switch l.kind {
		case btf.KindArray:
			h.text("[")
			h.uint(uint64(h.count(l.id)))
			h.text("]")
		case btf.KindFuncProto:
			h.params(l.id, levels-1)
		}
	}
}

// count returns the number of elements of an array.
func (h *header) count(id btf.ID) uint32 {
	typ, err := h.t.Read(id, &h.small)
	if err != nil {
		h.fail(err)
	}
	a, _ := typ.(*btf.Array)
	if a == nil {
		return 0
	}
	return a.Count
}

// params writes the parameters of a function, without their names, which could be those of types.
func (h *header) params(id btf.ID, levels int) {
	if h.err != nil {
		return
	}
	h.text("(")
	n := 0
	for ; ; n++ {
		to, ok := h.t.Ref(id, n+1)
		if !ok {
			break
		}
		if to == 0 {
			if n > 0 {
				h.text(", ...")
			}
			h.text(")")
			return
		}
		if n > 0 {
			h.text(", ")
		}
		if levels > 0 {
			h.param(to, levels)
		} else {
			h.text("void *")
		}
		if len(h.out)-h.begun > maxDecl {
			h.fail(fmt.Errorf("%w: a declaration exceeds %d bytes", ErrLimit, maxDecl))
		}
		if h.err != nil {
			return
		}
	}
	if n == 0 {
		h.text("void")
	}
	h.text(")")
}

// param writes the type of a parameter. Structs that have no name, and can have none outside, and
// pointers to them are void pointers.
func (h *header) param(id btf.ID, levels int) {
	quals := len(h.quals)
	c := h.follow(id, "")
	h.out = append(h.out, h.quals[c.quals.from:c.quals.to]...)
	if h.t.Kind(c.base).Composite() && h.t.Name(c.base) == "" && c.lead == '*' {
		h.text("void")
	} else {
		h.base(c.base)
	}
	h.before(c)
	h.declarator(c, "", levels)
	h.forget(c, quals)
}

// before writes the space between a type and a declarator.
func (h *header) before(c chain) {
	if c.lead != 0 && c.lead != '[' {
		h.text(" ")
	}
}

// base writes a type that ends a chain. Unnamed ones are written out by declare; they cannot be
// written here.
func (h *header) base(id btf.ID) {
	switch k := h.t.Kind(id); k {
	case btf.KindStruct, btf.KindUnion:
		if name := h.t.Name(id); name != "" {
			h.texts(k.String(), " ", h.tag(id, k.String(), name))
		} else {
			h.text("void *")
		}
	case btf.KindEnum, btf.KindEnum64:
		if name := h.t.Name(id); name != "" {
			h.texts("enum ", h.tag(id, "enum", name))
		} else {
			h.text("int")
		}
	case btf.KindFwd:
		keyword := h.fwdKeyword(id)
		h.texts(keyword, " ", h.fwdTag(keyword, h.t.Name(id)))
	case btf.KindTypedef:
		h.text(h.ident(id, h.t.Name(id)))
	case btf.KindInt:
		h.text(h.intText(id))
	case btf.KindFloat:
		h.text(h.floatText(id))
	default:
		h.text("void")
	}
}

// fwdKeyword is what a forward declaration declares: a struct or a union.
func (h *header) fwdKeyword(id btf.ID) string {
	if typ, _ := h.t.Read(id, &h.small); typ != nil {
		if f, ok := typ.(*btf.Fwd); ok && f.Union {
			return "union"
		}
	}
	return "struct"
}
