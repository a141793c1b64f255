package btf

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits of the text of a definition, after which "..." is written: how deep anonymous structs are written
// out, how many lines and how many bytes.
const (
	textLevels = 16
	textLines  = 20_000
	textBytes  = 4 << 20
)

// AppendC appends the definition of a type in C: a struct with its members, an enum with its
// values, a function with its parameters. Named types are only named, anonymous ones written out. It is meant to
// be read; padding and attributes are not shown. The text of malformed or huge types is cut short with "...".
func (t *Types) AppendC(dst []byte, id ID) []byte {
	w := cWriter{t: t, out: dst, lines: textLines}
	r := t.record(id)
	switch k := r.kind(); {
	case k.Composite() || k.Enum():
		w.body(id, 0)
	case k == KindTypedef:
		w.text("typedef ")
		w.declare(ID(r.word), t.text(r.name), 0)
	case k == KindFunc:
		w.declare(ID(r.word), t.text(r.name), 0)
	case k == KindVar:
		if t.word(r, 0) == uint32(LinkExtern) {
			w.text("extern ")
		}
		w.declare(ID(r.word), t.text(r.name), 0)
	case k == KindDatasec:
		w.datasec(r)
	case k == KindDeclTag:
		w.text("/* tag " + strconv.Quote(t.text(r.name)) + " of type " + strconv.Itoa(int(r.word)) + " */")
		return append(w.out, '\n')
	default:
		w.text(t.TypeName(id))
	}
	return append(w.out, ";\n"...)
}

// cWriter writes a definition. It calls itself for anonymous types, at most textLevels deep.
type cWriter struct {
	t     *Types
	out   []byte
	lines int // that may still be written
}

func (w *cWriter) text(s string) { w.out = append(w.out, s...) }

// line begins a line, or says that there were too many.
func (w *cWriter) line(level int) bool {
	if w.lines--; w.lines < 0 || len(w.out) > textBytes {
		return false
	}
	w.text("\n" + strings.Repeat("\t", level))
	return true
}

// declare writes the declaration of name, with the body of its type if that is anonymous.
func (w *cWriter) declare(id ID, name string, level int) {
	n := namer{t: w.t, links: nameTotal}
	base, quals, d := n.declarator(id, name, nameLevels)
	r := w.t.record(base)
	if base == cut || !r.kind().Composite() && !r.kind().Enum() || !w.t.nameless(r.name) {
		w.text(spaced(quals+w.t.baseName(base), d))
		return
	}
	w.text(quals)
	w.body(base, level)
	if d != "" {
		w.text(" " + d)
	}
}

// body writes a struct, union or enum with what is inside.
func (w *cWriter) body(id ID, level int) {
	r := w.t.record(id)
	head := "enum"
	if r.kind().Composite() {
		head = r.kind().String()
	}
	if name := w.t.text(r.name); name != "" {
		head += " " + name
	}
	w.text(head + " {")
	if level == textLevels {
		w.text("...}")
		return
	}
	for i := range r.vlen() {
		if !w.line(level + 1) {
			w.text("...")
			break
		}
		if r.kind().Enum() {
			w.value(r, i)
		} else {
			w.member(r, i, level+1)
		}
	}
	if w.line(level) {
		w.text("}")
	} else {
		w.text(" }")
	}
}

func (w *cWriter) member(r record, i, level int) {
	m := w.t.member(r, i)
	w.declare(m.typ, w.t.text(m.name), level)
	if width, _ := w.t.bitField(m); width > 0 {
		w.text(" : " + strconv.Itoa(int(width)))
	}
	w.text(";")
}

func (w *cWriter) value(r record, i int) {
	v := w.t.enumValue(r, i)
	text := strconv.FormatUint(v, 10)
	if r.flag() {
		text = strconv.FormatInt(int64(v), 10)
	}
	w.text(w.t.text(w.t.enumName(r, i)) + " = " + text + ",")
}

// datasec lists the variables of a section, in no language.
func (w *cWriter) datasec(r record) {
	w.text("section " + w.t.text(r.name) + " {")
	for i := range r.vlen() {
		if !w.line(1) {
			w.text("...")
			break
		}
		v := w.t.record(ID(w.t.word(r, 3*i)))
		w.text(w.t.Declare(ID(v.word), w.t.text(v.name)))
		w.text(fmt.Sprintf("; /* %d bytes at %d */", w.t.word(r, 3*i+2), w.t.word(r, 3*i+1)))
	}
	w.text("\n}")
}
