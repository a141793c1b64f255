package render

import "strings"

// fieldRows are the fields of a struct before they are written in columns.
type fieldRows []fieldRow

// fieldRow is a line of a struct: a field, with a comment or without, or a comment alone.
type fieldRow struct{ name, typ, comment string }

func (f *fieldRows) add(name, typ, comment string) { *f = append(*f, fieldRow{name, typ, comment}) }

// writeRows writes fields as gofmt puts them into columns: types begin in one column as far as no
// comment stands between the fields, comments as far as every field has one.
func (g *goWriter) writeRows(rows fieldRows) {
	for len(rows) > 0 {
		n, names := 0, 0
		for n < len(rows) && rows[n].name != "" {
			names = max(names, len(rows[n].name))
			n++
		}
		if n == 0 {
			g.texts("\t// ", rows[0].comment, "\n")
			rows = rows[1:]
			continue
		}
		g.fieldLines(rows[:n], names)
		rows = rows[n:]
	}
}

// fieldLines writes fields between which no comment stands.
func (g *goWriter) fieldLines(rows fieldRows, names int) {
	types := 0 // width of the types up to the next field without a comment
	for i, r := range rows {
		g.texts("\t", r.name)
		g.blanks(names - len(r.name) + 1)
		g.text(r.typ)
		if r.comment == "" {
			types = 0
			g.text("\n")
			continue
		}
		if types == 0 {
			for _, next := range rows[i:] {
				if next.comment == "" {
					break
				}
				types = max(types, len(next.typ))
			}
		}
		g.blanks(types - len(r.typ) + 1)
		g.texts("// ", r.comment, "\n")
	}
}

// blanks writes n blanks.
func (s *sink) blanks(n int) {
	const some = "                                                                "
	for ; n > len(some); n -= len(some) {
		s.text(some)
	}
	s.text(some[:n])
}

// maxOneLine is how long a function may be that gofmt leaves on one line: without the blanks and
// braces around its body.
const maxOneLine = 99

// function writes a function that has one statement.
func (g *goWriter) function(head, body string) {
	if len(head)+len(body) <= maxOneLine {
		g.texts(head, " { ", body, " }\n")
		return
	}
	g.texts(head, " {\n\t", strings.ReplaceAll(body, "\n", "\n\t"), "\n}\n")
}
