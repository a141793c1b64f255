// Package cover says which lines of source of eBPF programs were run, from the lines that BTF has for
// their instructions.
package cover

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Profile counts how often lines were run. The zero value has none.
type Profile struct{ files map[string]map[uint32]*line }

// line is a line of source that has instructions.
type line struct {
	text  string
	count uint64
}

// Add adds the lines of a program, and how often its instructions were run, by their numbers; nil is
// never. A line was run as often as the instruction of it that was run most.
func (p *Profile) Add(prog *spec.Program, counts []uint64) {
	most := map[*line]uint64{}
	for i, in := range prog.Insns.All() {
		info := in.Line
		if info == nil {
			info = prog.LineAt(i)
		}
		if info == nil || info.Line == 0 {
			continue
		}
		l := p.line(info.File(), info.Line, info.Text())
		if i < len(counts) {
			most[l] = max(most[l], counts[i])
		}
	}
	for l, n := range most {
		l.count += n
	}
}

func (p *Profile) line(file string, number uint32, text string) *line {
	if p.files == nil {
		p.files = map[string]map[uint32]*line{}
	}
	lines := p.files[file]
	if lines == nil {
		lines = map[uint32]*line{}
		p.files[file] = lines
	}
	l := lines[number]
	if l == nil {
		l = &line{text: text}
		lines[number] = l
	}
	return l
}

// File is how much of a file of source was run.
type File struct {
	Name    string
	Lines   int // with instructions
	Covered int // that were run
}

// Percent returns how much was run.
func (f File) Percent() float64 { return 100 * float64(f.Covered) / float64(max(f.Lines, 1)) }

// Files returns the files, by name.
func (p *Profile) Files() []File {
	var list []File
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		f := File{Name: name, Lines: len(p.files[name])}
		for _, l := range p.files[name] {
			if l.count > 0 {
				f.Covered++
			}
		}
		list = append(list, f)
	}
	return list
}

// WriteTo writes the profile in the format of Go's tools, "mode: count", a block for each line. Names of
// files begin with "./" unless they are absolute, so that go tool cover finds them from where the
// object was compiled.
func (p *Profile) WriteTo(w io.Writer) (int64, error) {
	b := bufio.NewWriter(w)
	n, _ := b.WriteString("mode: count\n")
	total := int64(n)
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		lines := p.files[name]
		for _, number := range slices.Sorted(maps.Keys(lines)) {
			l := lines[number]
			from := len(l.text) - len(strings.TrimLeft(l.text, " \t")) + 1
			n, _ := fmt.Fprintf(b, "%s:%d.%d,%d.%d 1 %d\n", fileName(name), number, from, number, max(len(l.text), from)+1, l.count)
			total += int64(n)
		}
	}
	return total, b.Flush()
}

// fileName is the name of a file in a profile: on one line, and not taken for a Go package.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, name)
	if path.IsAbs(name) || strings.HasPrefix(name, ".") {
		return name
	}
	return "./" + name
}
