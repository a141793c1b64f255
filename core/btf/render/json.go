package render

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
)

// JSON appends types as a JSON document, one type per line. Names and values of the fields are
// those of "bpftool -j btf dump file", with a field "schema" before them. No ids mean every type
// that is not in the base. Errors are those of Types.Type.
func JSON(dst []byte, t *btf.Types, ids []btf.ID) ([]byte, error) {
	j := jsonWriter{sink: newSink(dst, math.MaxInt-len(dst)), t: t}
	if err := j.write(ids); err != nil {
		return dst, err
	}
	return j.out, nil
}

// WriteJSON writes what JSON appends, in chunks. After an error w has the part that was done, and
// of the errors some are those of w.
func WriteJSON(w io.Writer, t *btf.Types, ids []btf.ID) error {
	j := jsonWriter{sink: writing(w, math.MaxInt), t: t}
	return j.write(ids)
}

// jsonWriter writes objects. A comma comes before a field unless it is the first.
type jsonWriter struct {
	sink
	t       *btf.Types
	scratch btf.Scratch
	types   int // that are written
}

func (j *jsonWriter) write(ids []btf.ID) error {
	j.text(`{"schema":"bpfhost.btf/v1","types":[`)
	for _, id := range ids {
		j.typ(id)
	}
	if ids == nil {
		for id := range j.t.Kinds() {
			j.typ(id)
		}
	}
	j.text("\n]}\n")
	j.flush(0)
	if j.err != nil {
		return fmt.Errorf("write types: %w", j.err)
	}
	return nil
}

// typ writes a type as one line.
func (j *jsonWriter) typ(id btf.ID) {
	if j.err != nil {
		return
	}
	typ, err := j.t.Read(id, &j.scratch)
	if err != nil {
		j.fail(err)
		return
	}
	if j.types > 0 {
		j.text(",")
	}
	j.types++
	j.text("\n{")
	j.num("id", uint64(id))
	j.word("kind", kindName(typ.Kind()))
	j.name(j.t.Name(id))
	j.scalar(typ)
	j.text("}")
	j.flush(chunkBytes)
}

// kindName is the name of a kind in upper case.
func kindName(k btf.Kind) string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return strings.ToUpper(k.String())
}

var kindNames = [...]string{
	btf.KindVoid: "VOID", btf.KindInt: "INT", btf.KindPointer: "PTR", btf.KindArray: "ARRAY", btf.KindStruct: "STRUCT",
	btf.KindUnion: "UNION", btf.KindEnum: "ENUM", btf.KindFwd: "FWD", btf.KindTypedef: "TYPEDEF", btf.KindVolatile: "VOLATILE",
	btf.KindConst: "CONST", btf.KindRestrict: "RESTRICT", btf.KindFunc: "FUNC", btf.KindFuncProto: "FUNC_PROTO", btf.KindVar: "VAR",
	btf.KindDatasec: "DATASEC", btf.KindFloat: "FLOAT", btf.KindDeclTag: "DECL_TAG", btf.KindTypeTag: "TYPE_TAG", btf.KindEnum64: "ENUM64",
}

// key writes the name of a field.
func (j *jsonWriter) key(k string) {
	if j.out[len(j.out)-1] != '{' {
		j.text(",")
	}
	j.texts(`"`, k, `":`)
}

func (j *jsonWriter) num(k string, n uint64) {
	j.key(k)
	j.out = strconv.AppendUint(j.out, n, 10)
}

// word writes a string that needs no escapes.
func (j *jsonWriter) word(k, s string) {
	j.key(k)
	j.texts(`"`, s, `"`)
}

func (j *jsonWriter) name(s string) {
	if s == "" {
		s = "(anon)"
	}
	if plainName(s) || s == "(anon)" {
		j.word("name", s)
		return
	}
	j.key("name")
	b, _ := json.Marshal(s) // strings always can be
	j.out = append(j.out, b...)
}

// plainName says whether a name needs no escapes, which nearly none does.
func plainName(s string) bool {
	for i := range len(s) {
		if !wordByte(s[i]) {
			return false
		}
	}
	return true
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
	case *btf.Func:
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
