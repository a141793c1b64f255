package record

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/core/btf"
)

// Object writes records as JSON objects: a nested struct is an object, an array of char a string,
// bytes are hexadecimal, an enumerator is its name, and what the record ends before is null.
type Object struct {
	root node
}

// node is an object, or a field of one.
type node struct {
	name  string
	field *Field // nil for an object
	sub   []node
}

// NewObject makes objects with these fields.
func NewObject(fields []Field) *Object {
	o := &Object{}
	for i := range fields {
		o.root.add(strings.Split(fields[i].Path, "."), &fields[i])
	}
	return o
}

// add puts a field into its place.
func (n *node) add(path []string, f *Field) {
	if len(path) == 1 {
		n.sub = append(n.sub, node{name: path[0], field: f})
		return
	}
	for i := range n.sub {
		if n.sub[i].field == nil && n.sub[i].name == path[0] {
			n.sub[i].add(path[1:], f)
			return
		}
	}
	n.sub = append(n.sub, node{name: path[0]})
	n.sub[len(n.sub)-1].add(path[1:], f)
}

// AppendFields appends the members of a record's object, without the braces.
func (o *Object) AppendFields(dst, rec []byte) []byte { return o.root.append(dst, rec) }

func (n *node) append(dst, rec []byte) []byte {
	for i := range n.sub {
		s := &n.sub[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, []byte(s.name)), ':')
		if s.field != nil {
			dst = s.field.AppendJSON(dst, rec)
			continue
		}
		dst = append(s.append(append(dst, '{'), rec), '}')
	}
	return dst
}

// AppendJSON appends the value in a record as JSON.
func (f *Field) AppendJSON(dst, rec []byte) []byte {
	b, ok := f.bytes(rec)
	if !ok {
		return append(dst, "null"...)
	}
	switch f.Kind {
	case KindText:
		return AppendString(dst, untilNUL(b))
	case KindBytes:
		return append(hex.AppendEncode(append(dst, '"'), b), '"')
	case KindFloat:
		x, _ := f.Float(rec)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return append(dst, "null"...)
		}
		return strconv.AppendFloat(dst, x, 'g', -1, int(8*f.Size))
	case KindIPv6:
		return append(f.appendIPv6(append(dst, '"'), b), '"')
	case KindArray:
		return f.appendArray(dst, rec, 0)
	case KindOther:
		return append(dst, "null"...)
	}
	x := f.number(b)
	text := f.Kind == KindEnum && f.EnumName(x) != "" || f.Kind == KindIPv4 || f.Kind == KindAddress
	if !text {
		return f.appendNumber(dst, x)
	}
	var spare [64]byte
	return AppendString(dst, f.appendNumber(spare[:0], x))
}

// maxElements bounds the elements of an array that are written.
const maxElements = 4096

// element is what an array is made of. It is found when it is first written.
type element struct {
	size   uint32
	field  *Field  // of what is not a struct, at offset 0
	object *Object // of a struct
}

// newElement returns the element of an array type, nil where it cannot be written.
func newElement(types *btf.Types, id btf.ID) *element {
	typ, err := types.Type(types.Strip(id))
	a, ok := typ.(*btf.Array)
	if err != nil || !ok {
		return nil
	}
	e := &element{}
	if e.size, err = types.Size(a.Type); err != nil || e.size == 0 {
		return nil
	}
	t := &Type{types: types, id: a.Type}
	if t.collect("", btf.Field{Type: a.Type}, 0) != nil {
		return nil
	}
	if typ, err := types.Type(types.Strip(a.Type)); err == nil && typ.Kind() != btf.KindStruct && typ.Kind() != btf.KindUnion {
		e.field = &t.fields[0]
	} else {
		e.object = NewObject(t.fields)
	}
	return e
}

// append appends an element, whose bytes are the first of rec.
func (e *element) append(dst, rec []byte, depth int) []byte {
	switch {
	case e.field == nil:
		return append(e.object.AppendFields(append(dst, '{'), rec), '}')
	case e.field.Kind == KindArray:
		return e.field.appendArray(dst, rec, depth+1)
	}
	return e.field.AppendJSON(dst, rec)
}

// appendArray appends the elements of an array.
func (f *Field) appendArray(dst, rec []byte, depth int) []byte {
	if f.elements.of == nil && !f.elements.known {
		f.elements.of, f.elements.known = newElement(f.types, f.Type), true
	}
	e := f.elements.of
	if e == nil || depth == maxNesting {
		return append(dst, "null"...)
	}
	rec = rec[f.Offset:]
	count := f.Size / e.size
	if f.Size == 0 { // flexible: up to the end
		count = uint32(len(rec)) / e.size
	}
	dst = append(dst, '[')
	for i := range min(count, maxElements) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = e.append(dst, rec[i*e.size:], depth)
	}
	return append(dst, ']')
}

// AppendString appends bytes as a JSON string. What is not UTF-8 is written as U+FFFD.
func AppendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20:
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
		s = s[n:]
	}
	return append(dst, '"')
}
