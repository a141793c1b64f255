package render

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
)

// JSON appends types as a JSON document, one type per line. Names and values of the fields are those of
// "bpftool -j btf dump file", with a field "schema" before them. No ids stand for every type that is not in the base.
// Errors are those of Types.Type.
func JSON(dst []byte, t *btf.Types, ids []btf.ID) ([]byte, error) {
	j := jsonWriter{t: t, out: append(dst, `{"schema":"bpfhost.btf/v1","types":[`...)}
	if ids == nil {
		for id := t.First(); int(id) < t.Len(); id++ {
			ids = append(ids, id)
		}
	}
	for i, id := range ids {
		typ, err := t.Type(id)
		if err != nil {
			return dst, fmt.Errorf("write types: %w", err)
		}
		if i > 0 {
			j.text(",")
		}
		j.text("\n{")
		j.num("id", uint64(id))
		j.word("kind", strings.ToUpper(typ.Kind().String()))
		j.name(t.Name(id))
		j.scalar(typ)
		j.text("}")
	}
	return append(j.out, "\n]}\n"...), nil
}

// jsonWriter writes objects. A comma stands before a field unless it is the first.
type jsonWriter struct {
	t   *btf.Types
	out []byte
}

func (j *jsonWriter) text(s string) { j.out = append(j.out, s...) }

// key writes the name of a field.
func (j *jsonWriter) key(k string) {
	if j.out[len(j.out)-1] != '{' {
		j.text(",")
	}
	j.text(`"` + k + `":`)
}

func (j *jsonWriter) num(k string, n uint64) {
	j.key(k)
	j.out = strconv.AppendUint(j.out, n, 10)
}

// word writes a string that needs no escapes.
func (j *jsonWriter) word(k, s string) {
	j.key(k)
	j.text(`"` + s + `"`)
}

func (j *jsonWriter) name(s string) {
	if s == "" {
		s = "(anon)"
	}
	if identifier(s) == s || s == "(anon)" {
		j.word("name", s)
		return
	}
	j.key("name")
	b, _ := json.Marshal(s) // strings always can be
	j.out = append(j.out, b...)
}

func (j *jsonWriter) scalar(typ btf.Type) {
	switch typ := typ.(type) {
	case *btf.Int:
		j.num("size", uint64(typ.Size))
		j.num("bits_offset", uint64(typ.Offset))
		j.num("nr_bits", uint64(typ.Bits))
		j.word("encoding", typ.Encoding.String())
	case *btf.Pointer:
		j.num("type_id", uint64(typ.Type))
	case *btf.Const:
		j.num("type_id", uint64(typ.Type))
	case *btf.Volatile:
		j.num("type_id", uint64(typ.Type))
	case *btf.Restrict:
		j.num("type_id", uint64(typ.Type))
	case *btf.Typedef:
		j.num("type_id", uint64(typ.Type))
	case *btf.TypeTag:
		j.num("type_id", uint64(typ.Type))
	case *btf.Array:
		j.num("type_id", uint64(typ.Type))
		j.num("index_type_id", uint64(typ.Index))
		j.num("nr_elems", uint64(typ.Count))
	case *btf.Fwd:
		j.word("fwd_kind", map[bool]string{false: "struct", true: "union"}[typ.Union])
	case *btf.Function:
		j.num("type_id", uint64(typ.Type))
		j.word("linkage", typ.Linkage.String())
	case *btf.Var:
		j.num("type_id", uint64(typ.Type))
		j.word("linkage", typ.Linkage.String())
	case *btf.Float:
		j.num("size", uint64(typ.Size))
	case *btf.DeclTag:
		j.num("type_id", uint64(typ.Type))
		j.key("component_idx")
		j.out = strconv.AppendInt(j.out, int64(typ.Component), 10)
	default:
		j.list(typ)
	}
}

// list writes the types that have parts.
func (j *jsonWriter) list(typ btf.Type) {
	switch typ := typ.(type) {
	case *btf.Struct:
		j.num("size", uint64(typ.Size))
		j.each("members", len(typ.Members), func(i int) {
			m := &typ.Members[i]
			j.name(m.Name)
			j.num("type_id", uint64(m.Type))
			j.num("bits_offset", uint64(m.Offset))
			if m.BitSize > 0 {
				j.num("bitfield_size", uint64(m.BitSize))
			}
		})
	case *btf.Enum:
		j.word("encoding", map[bool]string{false: "UNSIGNED", true: "SIGNED"}[typ.Signed])
		j.num("size", uint64(typ.Size))
		j.each("values", len(typ.Values), func(i int) {
			j.name(typ.Values[i].Name)
			j.key("val")
			if typ.Signed {
				j.out = strconv.AppendInt(j.out, int64(typ.Values[i].Value), 10)
			} else {
				j.out = strconv.AppendUint(j.out, typ.Values[i].Value, 10)
			}
		})
	case *btf.FuncProto:
		j.num("ret_type_id", uint64(typ.Return))
		j.each("params", len(typ.Params), func(i int) {
			j.name(typ.Params[i].Name)
			j.num("type_id", uint64(typ.Params[i].Type))
		})
	case *btf.Datasec:
		j.num("size", uint64(typ.Size))
		j.each("vars", len(typ.Vars), func(i int) {
			j.num("type_id", uint64(typ.Vars[i].Type))
			j.num("offset", uint64(typ.Vars[i].Offset))
			j.num("size", uint64(typ.Vars[i].Size))
		})
	}
}

// each writes an array of objects, and how many there are.
func (j *jsonWriter) each(k string, n int, f func(int)) {
	j.num("vlen", uint64(n))
	j.key(k)
	j.text("[")
	for i := range n {
		if i > 0 {
			j.text(",")
		}
		j.text("{")
		f(i)
		j.text("}")
	}
	j.text("]")
}
