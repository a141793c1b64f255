package btf

import (
	"strconv"
	"strings"
	"unicode"
)

// AppendRaw appends a type in the layout of "bpftool btf dump file", a line for the type and one for each part of it,
// so that the two can be compared. Characters of names that do not print are escaped. Errors are those of Type.
func (t *Types) AppendRaw(dst []byte, id ID) ([]byte, error) {
	typ, err := t.Type(id)
	if err != nil {
		return dst, err
	}
	w := rawWriter{t: t, out: dst}
	w.text("["+number(uint64(id))+"] "+strings.ToUpper(typ.Kind().String())+" ", "'"+rawName(t.Name(id))+"'")
	w.typ(typ)
	return w.out, nil
}

// rawWriter writes types for AppendRaw.
type rawWriter struct {
	t   *Types
	out []byte
}

func (w *rawWriter) text(parts ...string) {
	for _, p := range parts {
		w.out = append(w.out, p...)
	}
}

// num writes a key with a number.
func (w *rawWriter) num(key string, n uint32) { w.text(" ", key, "=", number(uint64(n))) }

func (w *rawWriter) typ(typ Type) {
	switch typ := typ.(type) {
	case *Int:
		w.num("size", typ.Size)
		w.num("bits_offset", uint32(typ.Offset))
		w.num("nr_bits", uint32(typ.Bits))
		w.text(" encoding=", typ.Encoding.String())
	case *Pointer:
		w.num("type_id", uint32(typ.Type))
	case *Const:
		w.num("type_id", uint32(typ.Type))
	case *Volatile:
		w.num("type_id", uint32(typ.Type))
	case *Restrict:
		w.num("type_id", uint32(typ.Type))
	case *Typedef:
		w.num("type_id", uint32(typ.Type))
	case *TypeTag:
		w.num("type_id", uint32(typ.Type))
	case *Array:
		w.num("type_id", uint32(typ.Type))
		w.num("index_type_id", uint32(typ.Index))
		w.num("nr_elems", typ.Count)
	case *Fwd:
		w.text(" fwd_kind=", map[bool]string{false: "struct", true: "union"}[typ.Union])
	case *Function:
		w.num("type_id", uint32(typ.Type))
		w.text(" linkage=", typ.Linkage.String())
	case *Var:
		w.num("type_id", uint32(typ.Type))
		w.text(", linkage=", typ.Linkage.String())
	case *Float:
		w.num("size", typ.Size)
	case *DeclTag:
		w.num("type_id", uint32(typ.Type))
		w.text(" component_idx=", strconv.Itoa(int(typ.Component)))
	default:
		w.list(typ)
	}
	w.text("\n")
}

// list writes the types that have parts.
func (w *rawWriter) list(typ Type) {
	switch typ := typ.(type) {
	case *Struct:
		w.num("size", typ.Size)
		w.num("vlen", uint32(len(typ.Members)))
		for _, m := range typ.Members {
			w.text("\n\t'", rawName(m.Name), "'")
			w.num("type_id", uint32(m.Type))
			w.num("bits_offset", m.Offset)
			if m.BitSize > 0 {
				w.num("bitfield_size", m.BitSize)
			}
		}
	case *Enum:
		w.enum(typ)
	case *FuncProto:
		w.num("ret_type_id", uint32(typ.Return))
		w.num("vlen", uint32(len(typ.Params)))
		for _, p := range typ.Params {
			w.text("\n\t'", rawName(p.Name), "'")
			w.num("type_id", uint32(p.Type))
		}
	case *Datasec:
		w.num("size", typ.Size)
		w.num("vlen", uint32(len(typ.Vars)))
		for _, v := range typ.Vars {
			w.text("\n\ttype_id=", number(uint64(v.Type)))
			w.num("offset", v.Offset)
			w.num("size", v.Size)
			w.text(" (", strings.ToUpper(w.t.Kind(v.Type).String()), " '", rawName(w.t.Name(v.Type)), "')")
		}
	}
}

func (w *rawWriter) enum(e *Enum) {
	encoding, suffix := "UNSIGNED", ""
	if e.Signed {
		encoding = "SIGNED"
	}
	if e.Wide {
		if suffix = "ULL"; e.Signed {
			suffix = "LL"
		}
	}
	w.text(" encoding=", encoding)
	w.num("size", e.Size)
	w.num("vlen", uint32(len(e.Values)))
	for _, v := range e.Values {
		n := number(v.Value)
		if e.Signed {
			n = strconv.FormatInt(int64(v.Value), 10)
		}
		w.text("\n\t'", rawName(v.Name), "' val=", n, suffix)
	}
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }

// rawName is a name as bpftool writes it, without what could break the line.
func rawName(s string) string {
	if s == "" {
		return "(anon)"
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			q := strconv.Quote(s)
			return q[1 : len(q)-1]
		}
	}
	return s
}

// String gives the name of the linkage: static, global or extern.
func (l Linkage) String() string {
	if l <= LinkExtern {
		return [...]string{"static", "global", "extern"}[l]
	}
	return "linkage " + strconv.Itoa(int(l))
}

// String gives the encoding as bpftool writes it: (none), SIGNED, CHAR or BOOL, or several of them.
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
