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

// derivation is one step from the type of a declarator to the type that it is derived from, as C
// calls it: a pointer, an array or a function.
type derivation struct {
	kind   btf.Kind
	id     btf.ID
	quals  span // of a pointer
	spaced bool // a space follows the qualifiers of a pointer
	group  bool // what the array or function is of takes parentheses
}

// span is a range of header.quals.
type span struct{ from, to int }

// declaration is a declaration taken apart: derivations from the name outwards, and the type at the
// end.
type declaration struct {
	base      btf.ID
	quals     span
	first     int  // in header.derivations
	lead      byte // what the declarator begins with; 0 for nothing
	truncated bool // there were more derivations than maxNesting
}

// decompose takes the type of a declaration apart. After maxNesting derivations it ends with a void
// pointer.
func (h *header) decompose(id btf.ID, name string) declaration {
	d := declaration{base: id, first: len(h.derivations), quals: span{len(h.quals), len(h.quals)}}
	if name != "" {
		d.lead = name[0]
	}
	pointer, indirect := false, false // the last derivation, or any, is a pointer
	for range maxNesting {
		switch k := h.t.Kind(d.base); k {
		case btf.KindPointer:
			l := derivation{kind: k, quals: d.quals, spaced: d.lead != 0 && d.lead != '['}
			h.derivations = append(h.derivations, l)
			d.quals = span{len(h.quals), len(h.quals)}
			d.lead, pointer, indirect = '*', true, true
			if h.opaque[d.base] {
				d.base = 0
				return d
			}
		case btf.KindConst, btf.KindVolatile, btf.KindRestrict:
			h.qualify(&d, k)
		case btf.KindTypeTag:
			h.typeTag(&d, indirect)
		case btf.KindArray, btf.KindFuncProto:
			h.derivations = append(h.derivations, derivation{kind: k, id: d.base, group: pointer})
			switch {
			case pointer || d.lead == 0 && k == btf.KindFuncProto:
				d.lead = '('
			case d.lead == 0:
				d.lead = '['
			}
			pointer = false
		default:
			return d
		}
		d.base, _ = h.t.Ref(d.base, 0)
	}
	if !indirect {
		h.fail(fmt.Errorf("%w: a declaration has more than %d parts", ErrLimit, maxNesting))
	}
	d.base, d.quals, d.lead, d.truncated = 0, span{}, '*', true
	return d
}

// release frees what decompose has taken.
func (h *header) release(d declaration, quals int) {
	h.derivations, h.quals = h.derivations[:d.first], h.quals[:quals]
}

// qualify adds a word: arrays and their elements may both be const, which C writes once.
func (h *header) qualify(d *declaration, k btf.Kind) {
	word := k.String() + " "
	if !bytes.Contains(h.quals[d.quals.from:], []byte(word)) {
		h.quals = append(h.quals, word...)
		d.quals.to = len(h.quals)
	}
}

// typeTag adds the attribute of what a pointer points to.
func (h *header) typeTag(d *declaration, indirect bool) {
	typ, err := h.t.Type(d.base)
	tag, ok := typ.(*btf.TypeTag)
	if err != nil {
		h.fail(err)
	}
	if !ok || !indirect || tag.Attr || identifier(tag.Tag) != tag.Tag {
		return // without a pointer it means nothing in C
	}
	h.quals = append(h.quals, `__attribute__((btf_type_tag("`+tag.Tag+`"))) `...)
	d.quals.to = len(h.quals)
}

// declarator writes the derivations of a declaration around a name.
func (h *header) declarator(d declaration, name string, levels int) {
	if d.truncated {
		h.text("*")
	}
	last := len(h.derivations)
	for i := last - 1; i >= d.first; i-- {
		switch l := &h.derivations[i]; {
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
	for i := d.first; i < last; i++ {
		l := h.derivations[i]
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
	d := h.decompose(id, "")
	h.out = append(h.out, h.quals[d.quals.from:d.quals.to]...)
	if h.t.Kind(d.base).Composite() && h.t.Name(d.base) == "" && d.lead == '*' {
		h.text("void")
	} else {
		h.base(d.base)
	}
	h.space(d)
	h.declarator(d, "", levels)
	h.release(d, quals)
}

// space writes the space between a type and a declarator.
func (h *header) space(d declaration) {
	if d.lead != 0 && d.lead != '[' {
		h.text(" ")
	}
}

// base writes the type at the end of a declaration. Unnamed ones are written out by declare; they
// cannot be written here.
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
