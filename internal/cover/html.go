package cover

import (
	"html/template"
	"io"
	"maps"
	"slices"
)

// page is one page without anything from elsewhere. It shows the lines that have instructions, as BTF
// has them: no file is read because an object names it.
var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Coverage of eBPF programs</title>
<style>
body { font: 14px sans-serif; margin: 2em }
table { border-collapse: collapse; font: 13px monospace }
td { padding: 0 1em 0 0; white-space: pre; tab-size: 8 }
td.n { text-align: right; color: #666 }
tr.run { background: #e6ffec }
tr.not { background: #ffebe9 }
</style>
<h1>Coverage of eBPF programs</h1>
{{range .}}<h2>{{.Name}}: {{printf "%.1f" .Percent}}% of {{.Lines}} lines</h2>
<table>
{{range .Rows}}<tr class="{{if .Count}}run{{else}}not{{end}}"><td class="n">{{.Number}}</td><td class="n">{{.Count}}</td><td>{{.Text}}</td></tr>
{{end}}</table>
{{end}}</html>
`))

// pageFile is a file on the page.
type pageFile struct {
	File
	Rows []pageRow
}

type pageRow struct {
	Number uint32
	Count  uint64
	Text   string
}

// WriteHTML writes a page that shows the lines and how often each was run.
func (p *Profile) WriteHTML(w io.Writer) error {
	var files []pageFile
	for _, f := range p.Files() {
		one := pageFile{File: f}
		lines := p.files[f.Name]
		for _, number := range slices.Sorted(maps.Keys(lines)) {
			one.Rows = append(one.Rows, pageRow{number, lines[number].count, lines[number].text})
		}
		files = append(files, one)
	}
	return page.Execute(w, files)
}
