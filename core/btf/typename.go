package btf

import (
	"strconv"
	"strings"
)

// Limits of the text of a type, after which "..." is written: links of a chain, levels of
// parameters of parameters, links in all, and bytes of one name.
const (
	nameLinks  = 64
	nameLevels = 3
	nameTotal  = 512
	nameBytes  = 512
)

// TypeName returns the name of a type as C writes it where it uses the type: "struct foo *", "const
// char[16]", "int (*)(struct bar *)". A type without a name is written "struct {...}". Very long
// names are cut short with "...".
func (t *Types) TypeName(id ID) string { return t.Declare(id, "") }

// Declare returns the declaration of a variable or member of a type: "int (*name)[4]".
func (t *Types) Declare(id ID, name string) string {
	n := namer{t: t, links: nameTotal}
	base, quals, d := n.declarator(id, name, nameLevels)
	return spaced(quals+t.baseName(base), d)
}

// text returns the string at off, cut short if it is very long.
func (t *Types) text(off uint32) string {
	s := t.str(off)
	if len(s) > nameBytes {
		return s[:nameBytes] + "..."
	}
	return s
}

// namer writes declarations. It calls itself for parameters, at most nameLevels deep.
type namer struct {
	t     *Types
	links int // that may still be followed
}

// cut replaces the rest of a chain that is too long.
const cut = ID(1<<32 - 1)

// declarator wraps the links of a chain around name, from the outermost inwards, and returns the
// type at the end of the chain with its qualifiers.
func (n *namer) declarator(id ID, name string, levels int) (base ID, quals, d string) {
	t := n.t
	d = name
	pointer := false // the last link was a pointer, which binds less than [] and ()
	for range nameLinks {
		if n.links--; n.links < 0 {
			break
		}
		r := t.record(id)
		switch k := r.kind(); k {
		case KindPointer:
			d, quals, pointer = "*"+spaced(quals, d), "", true
		case KindVolatile, KindConst, KindRestrict:
			quals += k.String() + " "
		case KindTypeTag:
			// A tag has no effect on the type, and no common notation.
		case KindArray:
			d, pointer = group(d, pointer)+"["+count(t.word(r, 2))+"]", false
			id = ID(t.word(r, 0))
			continue
		case KindFuncProto:
			d, pointer = group(d, pointer)+n.params(r, levels-1), false
		default:
			return id, quals, d
		}
		id = ID(r.word)
	}
	return cut, quals, d
}

// count writes the number of elements of an array, nothing for a flexible one.
func count(n uint32) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(n), 10)
}

// group puts parentheses around a declarator that begins with a pointer.
func group(d string, pointer bool) string {
	if pointer {
		return "(" + d + ")"
	}
	return d
}

// spaced joins a type and a declarator: "int *x", "int x", "int[2]".
func spaced(typ, d string) string {
	typ = strings.TrimSuffix(typ, " ")
	if typ == "" || d == "" || d[0] == '[' {
		return typ + d
	}
	return typ + " " + d
}

// params writes the parameters of a function.
func (n *namer) params(r record, levels int) string {
	switch {
	case levels <= 0:
		return "(...)"
	case r.vlen() == 0:
		return "(void)"
	}
	var b strings.Builder
	for i := range r.vlen() {
		if i > 0 {
			b.WriteString(", ")
		}
		typ := ID(n.t.word(r, 2*i+1))
		if typ == 0 || n.links <= 0 {
			b.WriteString("...")
			break
		}
		base, quals, d := n.declarator(typ, n.t.text(n.t.word(r, 2*i)), levels)
		b.WriteString(spaced(quals+n.t.baseName(base), d))
	}
	return "(" + b.String() + ")"
}

// baseName returns the text of a type that ends a chain.
func (t *Types) baseName(id ID) string {
	if id == cut {
		return "..."
	}
	r := t.record(id)
	name, k := t.text(r.name), r.kind()
	switch {
	case k == KindVoid && id == 0:
		return "void"
	case k == KindFwd:
		return tagged(fwdKeyword(r), name)
	case k.Composite():
		return tagged(k.String(), name)
	case k.Enum():
		return tagged("enum", name)
	case name == "":
		return "?" + strconv.Itoa(int(id))
	}
	return name
}

// fwdKeyword is struct or union.
func fwdKeyword(r record) string {
	if r.flag() {
		return "union"
	}
	return "struct"
}

func tagged(keyword, name string) string {
	if name == "" {
		return keyword + " {...}"
	}
	return keyword + " " + name
}
