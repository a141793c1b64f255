package objectrun

import (
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/record"
)

// printer writes the records of one ring buffer.
type printer interface {
	// header appends what stands above all records, if anything does.
	header(dst []byte) []byte

	// record appends a line.
	record(dst, rec []byte) []byte
}

// newPrinter makes the printer of a ring buffer. Where several are read, each line begins with the
// name of its map, in a column of that width.
func newPrinter(r *ring, json, several bool, width int) printer {
	switch {
	case json && r.types == nil:
		return hexJSON{prefix(r, several)}
	case json:
		return fieldsJSON{prefix(r, several), record.NewObject(r.fields)}
	}
	t := tablePrinter{width: width}
	if several {
		t.name = quote.Text(r.name)
	}
	if r.types != nil {
		t.table = record.NewTable(r.fields)
	}
	return t
}

// tablePrinter writes aligned columns; bytes in hexadecimal where it has no table.
type tablePrinter struct {
	name  string // of the map; empty if one alone is read
	width int    // of the column of names
	table *record.Table
}

// maxShown bounds the bytes of a record without type that are shown.
const maxShown = 256

func (t tablePrinter) prefix(dst []byte, name string) []byte {
	if t.name == "" {
		return dst
	}
	dst = append(dst, name...)
	for range t.width + 2 - utf8.RuneCountInString(name) {
		dst = append(dst, ' ')
	}
	return dst
}

func (t tablePrinter) header(dst []byte) []byte {
	dst = t.prefix(dst, "map")
	if t.table == nil {
		return append(dst, "size  data\n"...)
	}
	return t.table.AppendHeader(dst)
}

func (t tablePrinter) record(dst, rec []byte) []byte {
	dst = t.prefix(dst, t.name)
	if t.table != nil {
		return t.table.AppendRow(dst, rec)
	}
	size := strconv.Itoa(len(rec))
	for range 4 - len(size) {
		dst = append(dst, ' ')
	}
	dst = append(append(dst, size...), "  "...)
	dst = hex.AppendEncode(dst, rec[:min(len(rec), maxShown)])
	if len(rec) > maxShown {
		dst = append(dst, "…"...)
	}
	return append(dst, '\n')
}

// prefix begins the object of a record.
func prefix(r *ring, several bool) string {
	if !several {
		return "{"
	}
	return `{"map":` + string(record.AppendString(nil, []byte(r.name))) + ","
}

// fieldsJSON writes an object with the fields of a record.
type fieldsJSON struct {
	prefix string
	object *record.Object
}

func (p fieldsJSON) header(dst []byte) []byte { return dst }

func (p fieldsJSON) record(dst, rec []byte) []byte {
	return append(p.object.AppendFields(append(dst, p.prefix...), rec), "}\n"...)
}

// hexJSON writes an object with the bytes of a record.
type hexJSON struct{ prefix string }

func (p hexJSON) header(dst []byte) []byte { return dst }

func (p hexJSON) record(dst, rec []byte) []byte {
	dst = append(append(dst, p.prefix...), `"size":`...)
	dst = append(strconv.AppendInt(dst, int64(len(rec)), 10), `,"data":"`...)
	return append(hex.AppendEncode(dst, rec), "\"}\n"...)
}
