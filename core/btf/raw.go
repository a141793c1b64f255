package btf

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// AppendRaw appends a type in the layout of "bpftool btf dump file", a line for the type and one
// for each part of it, so that the two can be compared. Characters of names that do not print are
// escaped. Errors are those of Type.
func (t *Types) AppendRaw(dst []byte, id ID) ([]byte, error) {
	r, err := t.checkedRecord(id)
	if err != nil {
		return dst, err
	}
	w := rawWriter{t: t, out: append(dst, '[')}
	w.out = strconv.AppendUint(w.out, uint64(id), 10)
	w.text("] ")
	w.kind(r.kind())
	w.text(" ")
	w.name(r.name)
	w.typ(r)
	w.text("\n")
	return w.out, nil
}

// rawWriter writes types for AppendRaw.
type rawWriter struct {
	t   *Types
	out []byte
}

func (w *rawWriter) text(s string) { w.out = append(w.out, s...) }

// num writes a key, with what precedes and follows it, and a number.
func (w *rawWriter) num(key string, n uint32) {
	w.out = strconv.AppendUint(append(w.out, key...), uint64(n), 10)
}

// kind writes a kind in upper case.
func (w *rawWriter) kind(k Kind) {
	for _, c := range []byte(k.String()) {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		w.out = append(w.out, c)
	}
}

// name writes a name in quotes as bpftool does, without what could break the line.
func (w *rawWriter) name(off uint32) {
	b, _ := w.t.nameBytes(off)
	w.text("'")
	switch {
	case len(b) == 0:
		w.text("(anon)")
	case printable(b):
		w.out = append(w.out, b...)
	default:
		q := strconv.Quote(string(b))
		w.text(q[1 : len(q)-1])
	}
	w.text("'")
}

func printable(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || c < ' ' || c == 0x7f {
			return bytes.IndexFunc(b, func(r rune) bool { return !quote.Printable(r) }) < 0
		}
	}
	return true
}

func (w *rawWriter) typ(r record) {
	switch k := r.kind(); k {
	case KindInt:
		word := w.t.word(r, 0)
		w.num(" size=", r.word)
		w.num(" bits_offset=", word>>16&0xff)
		w.num(" nr_bits=", word&0xff)
		w.text(" encoding=")
		w.text(IntEncoding(word >> 24 & 0xf).String())
	case KindPointer, KindConst, KindVolatile, KindRestrict, KindTypedef, KindTypeTag:
		w.num(" type_id=", r.word)
	case KindArray:
		w.num(" type_id=", w.t.word(r, 0))
		w.num(" index_type_id=", w.t.word(r, 1))
		w.num(" nr_elems=", w.t.word(r, 2))
	case KindFwd:
		w.text(" fwd_kind=")
		w.text(fwdKeyword(r))
	case KindFunc:
		w.num(" type_id=", r.word)
		w.text(" linkage=")
		w.text(Linkage(r.vlen()).String())
	case KindVar:
		w.num(" type_id=", r.word)
		w.text(", linkage=")
		w.text(Linkage(w.t.word(r, 0)).String())
	case KindFloat:
		w.num(" size=", r.word)
	case KindDeclTag:
		w.num(" type_id=", r.word)
		w.text(" component_idx=")
		w.out = strconv.AppendInt(w.out, int64(int32(w.t.word(r, 0))), 10)
	case KindEnum, KindEnum64:
		w.enum(r)
	default:
		w.list(r)
	}
}

// list writes the types that have parts.
func (w *rawWriter) list(r record) {
	switch k := r.kind(); {
	case k.Composite():
		w.num(" size=", r.word)
		w.num(" vlen=", uint32(r.vlen()))
		for i := range r.vlen() {
			m := w.t.member(r, i)
			w.part(m.name)
			w.num(" type_id=", uint32(m.typ))
			w.num(" bits_offset=", m.offset)
			if m.bits > 0 {
				w.num(" bitfield_size=", m.bits)
			}
		}
	case k == KindFuncProto:
		w.num(" ret_type_id=", r.word)
		w.num(" vlen=", uint32(r.vlen()))
		for i := range r.vlen() {
			w.part(w.t.word(r, 2*i))
			w.num(" type_id=", w.t.word(r, 2*i+1))
		}
	case k == KindDatasec:
		w.num(" size=", r.word)
		w.num(" vlen=", uint32(r.vlen()))
		for i := range r.vlen() {
			v := w.t.record(ID(w.t.word(r, 3*i)))
			w.num("\n\ttype_id=", w.t.word(r, 3*i))
			w.num(" offset=", w.t.word(r, 3*i+1))
			w.num(" size=", w.t.word(r, 3*i+2))
			w.text(" (")
			w.kind(v.kind())
			w.text(" ")
			w.name(v.name)
			w.text(")")
		}
	}
}

// part begins the line of a part.
func (w *rawWriter) part(name uint32) {
	w.text("\n\t")
	w.name(name)
}

func (w *rawWriter) enum(r record) {
	encoding, suffix := " encoding=UNSIGNED", ""
	if r.flag() {
		encoding = " encoding=SIGNED"
	}
	if r.kind() == KindEnum64 {
		if suffix = "ULL"; r.flag() {
			suffix = "LL"
		}
	}
	w.text(encoding)
	w.num(" size=", r.word)
	w.num(" vlen=", uint32(r.vlen()))
	for i := range r.vlen() {
		w.part(w.t.enumName(r, i))
		w.text(" val=")
		if v := w.t.enumValue(r, i); r.flag() {
			w.out = strconv.AppendInt(w.out, int64(v), 10)
		} else {
			w.out = strconv.AppendUint(w.out, v, 10)
		}
		w.text(suffix)
	}
}

// String returns the name of the linkage: static, global or extern.
func (l Linkage) String() string {
	if l <= LinkExtern {
		return [...]string{"static", "global", "extern"}[l]
	}
	return "linkage " + strconv.Itoa(int(l))
}

// String returns the encoding as bpftool writes it: (none), SIGNED, CHAR or BOOL, or several of
// them.
func (e IntEncoding) String() string {
	s := ""
	for i, name := range []string{"SIGNED", "CHAR", "BOOL"} {
		if e>>i&1 != 0 {
			s += " " + name
		}
	}
	if s == "" {
		return "(none)"
	}
	return s[1:]
}
