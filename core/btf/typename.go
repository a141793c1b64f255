package btf

import (
	"strconv"
	"strings"
)

// Limits of the text of a type: how many links of a chain and how many levels of parameters are
// written before "...".
const (
	nameLinks  = 64
	nameLevels = 3
)

// TypeName gives the name of a type as C writes it where it uses the type: "struct foo *", "const char[16]",
// "int (*)(struct bar *)". A type without a name is written "struct {...}". Very long names end in "...".
func (t *Types) TypeName(id ID) string { return t.declare(id, "", nameLevels) }

// Declare gives the declaration of a variable or member of a type: "int (*name)[4]".
func (t *Types) Declare(id ID, name string) string { return t.declare(id, name, nameLevels) }

// declare wraps the links of a chain around name, from the outermost inwards.
func (t *Types) declare(id ID, name string, levels int) string {
	d, quals := name, ""
	pointer := false // the last link was a pointer, which binds less than [] and ()
	for range nameLinks {
		r := t.record(id)
		switch k := r.kind(); k {
		case KindPointer:
			d, quals, pointer = "*"+spaced(quals, d), "", true
		case KindVolatile, KindConst, KindRestrict:
			quals = k.String() + " " + quals
		case KindTypeTag:
			// A tag has no effect on the type, and no common notation.
		case KindArray:
			d, pointer = group(d, pointer)+"["+strconv.Itoa(int(t.word(r, 2)))+"]", false
			id = ID(t.word(r, 0))
			continue
		case KindFuncProto:
			d, pointer = group(d, pointer)+t.params(r, levels-1), false
		default:
			return strings.TrimSuffix(spaced(quals+t.baseName(id, r), d), " ")
		}
		id = ID(r.word)
	}
	return spaced("...", d)
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
	switch {
	case typ == "" || d == "":
		return typ + d
	case d[0] == '[':
		return typ + d
	}
	return typ + " " + d
}

// params writes the parameters of a function.
func (t *Types) params(r record, levels int) string {
	if levels <= 0 {
		return "(...)"
	}
	n := r.vlen()
	if n == 0 {
		return "(void)"
	}
	var b strings.Builder
	for i := range min(n, nameLinks) {
		if i > 0 {
			b.WriteString(", ")
		}
		if typ := ID(t.word(r, 2*i+1)); typ != 0 {
			b.WriteString(t.declare(typ, "", levels))
		} else {
			b.WriteString("...")
		}
	}
	if n > nameLinks {
		b.WriteString(", ...")
	}
	return "(" + b.String() + ")"
}

// baseName gives the text of a type that ends a chain.
func (t *Types) baseName(id ID, r record) string {
	name, k := t.str(r.name), r.kind()
	switch k {
	case KindStruct, KindUnion:
		return tagged(k.String(), name)
	case KindEnum, KindEnum64:
		return tagged("enum", name)
	case KindFwd:
		if r.flag() {
			return tagged("union", name)
		}
		return tagged("struct", name)
	case KindVoid:
		if id != 0 {
			return "?" + strconv.Itoa(int(id))
		}
		return "void"
	}
	if name == "" {
		return "?" + strconv.Itoa(int(id))
	}
	return name
}

func tagged(keyword, name string) string {
	if name == "" {
		return keyword + " {...}"
	}
	return keyword + " " + name
}
