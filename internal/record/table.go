package record

import (
	"bytes"
	"unicode/utf8"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// Table writes records as lines of aligned columns.
type Table struct {
	fields []Field
	widths []int
	cell   []byte
}

// NewTable makes a table with a column for each field.
func NewTable(fields []Field) *Table {
	t := &Table{fields: fields}
	for i := range fields {
		t.widths = append(t.widths, fields[i].columnWidth())
	}
	return t
}

// AppendHeader appends the line with the names of the columns.
func (t *Table) AppendHeader(dst []byte) []byte {
	return t.line(dst, func(cell []byte, f *Field) []byte { return append(cell, quote.Text(f.Path)...) })
}

// AppendRow appends a line with the values of a record.
func (t *Table) AppendRow(dst, rec []byte) []byte {
	return t.line(dst, func(cell []byte, f *Field) []byte { return f.AppendText(cell, rec) })
}

// gap is between two columns.
const gap = "  "

// line appends cells. The last one is not padded, and nothing ends with spaces.
func (t *Table) line(dst []byte, value func(cell []byte, f *Field) []byte) []byte {
	for i := range t.fields {
		f := &t.fields[i]
		t.cell = value(t.cell[:0], f)
		pad := t.widths[i] - utf8.RuneCount(t.cell)
		if i > 0 {
			dst = append(dst, gap...)
		}
		if f.rightAligned() {
			dst = spaces(dst, pad)
		}
		dst = append(dst, t.cell...)
		if !f.rightAligned() && i < len(t.fields)-1 {
			dst = spaces(dst, pad)
		}
	}
	return append(bytes.TrimRight(dst, " "), '\n')
}

func spaces(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}
