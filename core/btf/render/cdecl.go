package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
)

const (
	maxParams = 8        // levels of parameters of parameters; below they are written void *
	maxDecl   = 64 << 10 // bytes of one declaration
)

// declarator wraps the links of a chain around name, from the outermost inwards, and gives the type at the end of the
// chain with its qualifiers. Behind too many links stands a void pointer.
func (h *header) declarator(id btf.ID, name string, levels int) (base btf.ID, quals, d string) {
	d = name
	pointer, indirect := false, false // the last link, or any, was a pointer
	for range maxNesting {
		typ, err := h.t.Type(id)
		if err != nil {
			h.fail(err)
			return 0, "", d
		}
		switch typ := typ.(type) {
		case *btf.Pointer:
			d, quals, pointer, indirect = "*"+spaced(quals, d), "", true, true
			opaque := h.opaque[id]
			if id = typ.Type; opaque || id == 0 {
				return 0, "", d
			}
		case *btf.Const:
			id, quals = typ.Type, qualify(quals, "const ")
		case *btf.Volatile:
			id, quals = typ.Type, qualify(quals, "volatile ")
		case *btf.Restrict:
			id, quals = typ.Type, qualify(quals, "restrict ")
		case *btf.TypeTag:
			id, quals = typ.Type, quals+typeTag(typ, indirect)
		case *btf.Array:
			n := strconv.FormatUint(uint64(typ.Count), 10)
			d, pointer, id = group(d, pointer)+"["+n+"]", false, typ.Type
		case *btf.FuncProto:
			d, pointer, id = group(d, pointer)+h.params(typ, levels-1), false, typ.Return
		default:
			return id, quals, d
		}
		if len(d) > maxDecl {
			h.fail(fmt.Errorf("%w: a declaration exceeds %d bytes", ErrLimit, maxDecl))
			return 0, "", ""
		}
	}
	if !indirect {
		h.fail(fmt.Errorf("%w: a declaration has more than %d parts", ErrLimit, maxNesting))
	}
	return 0, "", "*" + d
}

// qualify adds a word: arrays and their elements may both be const, which C writes once.
func qualify(quals, word string) string {
	if strings.Contains(quals, word) {
		return quals
	}
	return quals + word
}

// typeTag writes a remark on what a pointer points to.
func typeTag(t *btf.TypeTag, indirect bool) string {
	if !indirect || t.Attr || identifier(t.Tag) != t.Tag {
		return "" // without a pointer it means nothing in C
	}
	return `__attribute__((btf_type_tag("` + t.Tag + `"))) `
}

// params writes the parameters of a function, without their names, which could be those of types.
func (h *header) params(f *btf.FuncProto, levels int) string {
	n := len(f.Params)
	if n == 0 {
		return "(void)"
	}
	var b strings.Builder
	b.WriteByte('(')
	for i, p := range f.Params {
		if i > 0 {
			b.WriteString(", ")
		}
		switch {
		case p.Type == 0 && i == 0:
			return "()"
		case p.Type == 0:
			b.WriteString("...)")
			return b.String()
		case levels <= 0:
			b.WriteString("void *")
		default:
			b.WriteString(h.param(p.Type, levels))
		}
		if b.Len() > maxDecl || h.err != nil {
			h.fail(fmt.Errorf("%w: a declaration exceeds %d bytes", ErrLimit, maxDecl))
			break
		}
	}
	b.WriteByte(')')
	return b.String()
}

// param writes the type of a parameter. Those that have no name and can have none outside are void pointers.
func (h *header) param(id btf.ID, levels int) string {
	base, quals, d := h.declarator(id, "", levels)
	typ, err := h.t.Type(base)
	if err != nil {
		h.fail(err)
		return ""
	}
	return quals + h.base(base, typ) + before(d)
}

// before puts the space between a type and a declarator.
func before(d string) string {
	if d == "" || d[0] == '[' {
		return d
	}
	return " " + d
}

// spaced joins qualifiers and a declarator.
func spaced(quals, d string) string {
	quals = strings.TrimSuffix(quals, " ")
	if quals == "" {
		return d
	}
	return quals + before(d)
}

// group puts parentheses around a declarator that begins with a pointer.
func group(d string, pointer bool) string {
	if pointer {
		return "(" + d + ")"
	}
	return d
}

// base writes a type that ends a chain. Unnamed ones are written out by declare; here they are bytes of their size.
func (h *header) base(id btf.ID, typ btf.Type) string {
	switch typ := typ.(type) {
	case *btf.Void:
		return "void"
	case *btf.Struct:
		if typ.Name != "" {
			return h.keyword(typ) + " " + h.structTag(id, typ)
		}
		return "void *"
	case *btf.Enum:
		if typ.Name != "" {
			return "enum " + h.tag(id, "enum", typ.Name)
		}
		return "int"
	case *btf.Fwd:
		if typ.Union {
			return "union " + h.fwdTag("union", typ.Name)
		}
		return "struct " + h.fwdTag("struct", typ.Name)
	case *btf.Typedef:
		return h.ident(id, typ.Name)
	case *btf.Int:
		return h.intText(id, typ)
	case *btf.Float:
		return floatText(typ)
	}
	return "void"
}
