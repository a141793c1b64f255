package compare

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/record"
)

// none is shown of what is not there.
const none = "none"

// outcomes compares what came of two runs.
func (r *run) outcomes(x, y outcome) (items []Item) {
	add := func(kind, name, where, a, b string) { items = append(items, Item{kind, name, where, a, b}) }
	if (x.fault == nil) != (y.fault == nil) || x.fault != nil && x.fault.Kind != y.fault.Kind {
		add("fault", "", "", describe(x.fault), describe(y.fault))
	}
	if x.fault == nil && y.fault == nil {
		if a, b := int32(x.result.Return), int32(y.result.Return); a != b {
			add("return", "", "", r.report.Type.ActionText(a), r.report.Type.ActionText(b))
		}
		if a, b := redirect(x.result), redirect(y.result); a != b {
			add("redirect", "", "", a, b)
		}
		if a, b := x.result.Packet, y.result.Packet; !bytes.Equal(a, b) {
			where, s, t := bytesDiffer(a, b)
			add("packet", "", where, s, t)
		}
		if a, b := x.result.Context, y.result.Context; !bytes.Equal(a, b) && bytes.Equal(x.result.Packet, y.result.Packet) {
			where, s, t := bytesDiffer(a, b)
			add("context", "", where, s, t)
		}
	}
	if x.printed != y.printed {
		a, b := linesDiffer(x.printed, y.printed)
		add("print", "", "", a, b)
	}
	for _, m := range r.a.c.Maps {
		if r.b.c.Map(m.Name) == nil {
			continue
		}
		a, b := x.records[m.Name], y.records[m.Name]
		for i := range max(len(a), len(b)) {
			items = r.recordItems(items, m, i, at(a, i), at(b, i))
		}
	}
	return items
}

func at(list [][]byte, i int) []byte {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// recordItems adds how two records differ; nil is none.
func (r *run) recordItems(items []Item, m *spec.Map, i int, a, b []byte) []Item {
	where := fmt.Sprintf("%d", i+1)
	x := typed{r.a.c.BTF, r.rings[m.Name]}
	y := typed{r.b.c.BTF, 0}
	if r.rings[m.Name] != 0 && y.types != nil {
		y.id = sameType(x, y.types)
	}
	return valueItems(items, Item{Kind: "record", Name: m.Name, Where: where}, x, y, a, b)
}

// sameType finds the type of the same name in other types.
func sameType(t typed, in *btf.Types) btf.ID {
	if t.types == in {
		return t.id
	}
	id, err := in.Find(t.types.Name(t.id), t.types.Kind(t.id))
	if err != nil {
		return 0
	}
	return id
}

// redirect says where a program redirected to.
func redirect(r vm.Result) string {
	switch to := r.RedirectTo; {
	case to.Map != "" && to.Broadcast:
		return "all of " + to.Map
	case to.Map != "":
		return fmt.Sprintf("%s[%d]", to.Map, to.Key)
	case r.Redirect != 0:
		return fmt.Sprintf("interface %d", r.Redirect)
	}
	return none
}

// contents compares what is in maps with what was in them, and returns what came to differ.
func (r *run) contents() (items []Item) {
	const most = 16 // of a map
	for _, name := range r.maps {
		if r.allows("map", name) {
			continue
		}
		n := 0
		for key := range vm.Differing(r.a.m.Map(name), r.b.m.Map(name)) {
			if !r.moved(name, key) {
				continue
			}
			if n++; n > most {
				break
			}
			items = r.mapItems(items, name, key)
		}
	}
	return items
}

// moved reports whether the values of a key are no longer those that maps began with.
func (r *run) moved(name string, key []byte) bool {
	was, ok := r.base[name+"\x00"+string(key)]
	return !ok || was != pairOfValues{string(r.a.value(name, key)), string(r.b.value(name, key))}
}

// mapItems adds how the values of a key differ, of a map with variables by variable.
func (r *run) mapItems(items []Item, name string, key []byte) []Item {
	a, b := r.a.value(name, key), r.b.value(name, key)
	x, y := r.a.c.Map(name), r.b.c.Map(name)
	if len(r.a.vars[name]) > 0 && a != nil && b != nil {
		for _, v := range r.a.vars[name] {
			w := r.b.c.Var(v.Name)
			if w == nil || w.Map != name || w.Size != v.Size || int(v.Offset+v.Size) > len(a) || int(w.Offset+w.Size) > len(b) {
				continue
			}
			items = valueItems(items, Item{Kind: "var", Name: v.Name}, typed{r.a.c.BTF, v.Type}, typed{r.b.c.BTF, w.Type},
				a[v.Offset:][:v.Size], b[w.Offset:][:w.Size])
		}
		return items
	}
	where := typed{r.a.c.BTF, x.Key}.text(key)
	return valueItems(items, Item{Kind: "map", Name: name, Where: where}, typed{r.a.c.BTF, x.Value}, typed{r.b.c.BTF, y.Value}, a, b)
}

// typed is a type; 0 is unknown.
type typed struct {
	types *btf.Types
	id    btf.ID
}

// fields returns the fields of a value of the type, nil if it is not known or the value too short.
func (t typed) fields(value []byte) []record.Field {
	if t.types == nil || t.id == 0 {
		return nil
	}
	r, err := record.NewType(t.types, t.id)
	if err != nil || int(r.Size()) > len(value) {
		return nil
	}
	fields := r.Fields()
	if k := t.types.Kind(t.types.Strip(t.id)); k != btf.KindStruct && k != btf.KindUnion && len(fields) == 1 {
		fields[0].Path = "" // of a number it says nothing
	}
	return fields
}

// maxBytes bounds the bytes of a value that are shown.
const maxBytes = 32

// text returns a value: that of its only field, its fields by name, or bytes.
func (t typed) text(value []byte) string {
	if value == nil {
		return none
	}
	fields := t.fields(value)
	var b []byte
	for i := range fields {
		if i > 0 {
			b = append(b, ' ')
		}
		if fields[i].Path != "" {
			b = append(append(b, fields[i].Path...), '=')
		}
		b = fields[i].AppendText(b, value)
	}
	if fields != nil {
		return string(b)
	}
	s := hex.EncodeToString(value[:min(len(value), maxBytes)])
	if len(value) > maxBytes {
		s += "…"
	}
	return s
}

// valueItems adds how two values differ: by field where both have the same, as a whole where one is
// missing, otherwise by bytes.
func valueItems(items []Item, as Item, x, y typed, a, b []byte) []Item {
	if bytes.Equal(a, b) && (a == nil) == (b == nil) {
		return items
	}
	if a == nil || b == nil {
		as.A, as.B = x.text(a), y.text(b)
		return append(items, as)
	}
	fa, fb := x.fields(a), y.fields(b)
	before := len(items)
	if len(fa) == len(fb) {
		for i := range fa {
			s, t := string(fa[i].AppendText(nil, a)), string(fb[i].AppendText(nil, b))
			if s != t && fa[i].Path == fb[i].Path {
				f := as
				f.Where = strings.TrimSpace(as.Where + " " + fa[i].Path)
				f.A, f.B = s, t
				items = append(items, f)
			}
		}
	}
	if len(items) == before {
		where, s, t := bytesDiffer(a, b)
		as.Where, as.A, as.B = strings.TrimSpace(as.Where+" "+where), s, t
		items = append(items, as)
	}
	return items
}

// bytesDiffer returns where bytes differ, from the first to the last that does, and what is there.
func bytesDiffer(a, b []byte) (where, x, y string) {
	from := 0
	for from < min(len(a), len(b)) && a[from] == b[from] {
		from++
	}
	to := max(len(a), len(b))
	if len(a) == len(b) {
		for to > from && a[to-1] == b[to-1] {
			to--
		}
	}
	part := func(s []byte) string {
		s = s[min(from, len(s)):min(to, len(s))]
		return typed{}.text(append([]byte{}, s...))
	}
	where = fmt.Sprintf("byte %d", from)
	if to-from > 1 {
		where = fmt.Sprintf("bytes %d to %d", from, to-1)
	}
	x, y = part(a), part(b)
	if len(a) != len(b) {
		x, y = strings.TrimSuffix(fmt.Sprintf("%d bytes: %s", len(a), x), ": "), strings.TrimSuffix(fmt.Sprintf("%d bytes: %s", len(b), y), ": ")
	}
	return where, x, y
}

// linesDiffer returns the first lines that are not the same.
func linesDiffer(a, b string) (x, y string) {
	s, t := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(s), len(t)) {
		x, y = none, none
		if i < len(s) && s[i] != "" {
			x = s[i]
		}
		if i < len(t) && t[i] != "" {
			y = t[i]
		}
		if x != y {
			return x, y
		}
	}
	return x, y
}
