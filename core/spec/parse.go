package spec

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// Parse reads a collection from text as [Collection.AppendText] writes it. What passes Check comes
// back as it was, but for the numbers of labels that have names. A value of a variable that differs
// from the bytes of its section takes precedence. Empty lines, and lines that begin with "#" or
// ";", are passed over outside of code.
//
// An error in the text is an *asm.ParseError: it says line, column and reason.
func Parse(text string) (*Collection, error) {
	p := textParser{c: &Collection{}}
	for line := range strings.Lines(text) {
		p.row++
		p.line = strings.TrimRight(line, "\r\n")
		p.pos = 0
		p.read()
		if p.err != nil {
			return nil, p.err
		}
	}
	p.finish()
	if p.err != nil {
		return nil, p.err
	}
	return p.c, nil
}

// textParser reads line by line. The first failure stays.
type textParser struct {
	c    *Collection
	row  int
	line string
	pos  int // of the next byte
	err  error

	props  map[string]func(*textParser) // of the object that was begun last
	maps   []*Map                       // the map and the templates inside it, by indentation
	prog   *Program
	code   codeText
	blob   []byte
	size   int
	total  uint64 // bytes of data so far
	values []pendingValue
}

// pendingValue is a value whose type is known only at the end.
type pendingValue struct {
	v        *Var
	text     string
	row, col int
}

// fail records a failure at a column, counted from 0.
func (p *textParser) fail(at int, format string, args ...any) {
	if p.err == nil {
		p.err = &asm.ParseError{Line: p.row, Column: at + 1, Reason: fmt.Sprintf(format, args...)}
	}
}

// headOf returns what reads a line that begins with a word.
func headOf(word string) func(*textParser) {
	switch word {
	case "license":
		return func(p *textParser) { p.c.License = p.rest() }
	case "order":
		return (*textParser).order
	case "version":
		return func(p *textParser) { p.c.KernelVersion = uint32(p.number(32)) }
	case "note":
		return func(p *textParser) { p.c.Notes = append(p.c.Notes, Note{Code: p.word(), Text: p.rest()}) }
	case "hidden":
		return func(p *textParser) { p.c.Hidden = append(p.c.Hidden, p.word()) }
	case "map":
		return (*textParser).mapHead
	case "var":
		return (*textParser).varHead
	case "extern":
		return (*textParser).extern
	case "program":
		return (*textParser).programHead
	case "attach":
		return (*textParser).attachHead
	case "btf":
		return (*textParser).btfHead
	}
	return nil
}

// read reads one line.
func (p *textParser) read() {
	if w, _, spaced := strings.Cut(p.line, " "); spaced {
		if head := headOf(w); head != nil {
			p.endProgram()
			p.props, p.maps = nil, nil
			p.pos = len(w)
			head(p)
			p.end()
			return
		}
	}
	if p.prog != nil {
		p.programLine()
		return
	}
	if t := strings.TrimSpace(p.line); t == "" || t[0] == '#' || t[0] == ';' {
		return
	}
	indent := len(p.line) - len(strings.TrimLeft(p.line, "\t"))
	p.pos = indent
	if indent == 0 || p.props == nil {
		p.fail(p.pos, "expected license, order, version, note, hidden, map, var, extern, program, attach or btf")
		return
	}
	p.property(indent)
}

// property reads one line below the head of an object.
func (p *textParser) property(indent int) {
	start := p.pos
	word := p.word()
	if len(p.maps) > 0 {
		if indent > len(p.maps) {
			p.fail(start, "too many tabs")
			return
		}
		p.maps = p.maps[:indent]
	}
	if p.size > 0 {
		p.pos = start
		p.blobRow()
		return
	}
	if at, ok := strings.CutPrefix(word, "data+"); ok && len(p.maps) > 0 {
		p.dataRow(start, at)
		return
	}
	set := p.props[word]
	if set == nil {
		p.fail(start, "unknown property %s", show(word))
		return
	}
	set(p)
	p.end()
}

// space skips spaces.
func (p *textParser) space() {
	for p.pos < len(p.line) && p.line[p.pos] == ' ' {
		p.pos++
	}
}

// end refuses what is left of the line.
func (p *textParser) end() {
	if p.space(); p.pos < len(p.line) {
		p.fail(p.pos, "expected the end of the line")
	}
}

// word reads up to a space, or a quoted text.
func (p *textParser) word() string {
	p.space()
	rest := p.line[p.pos:]
	if rest == "" {
		p.fail(p.pos, "expected a word, found the end of the line")
		return ""
	}
	if rest[0] == '"' {
		return p.quoted(rest)
	}
	w, _, _ := strings.Cut(rest, " ")
	p.pos += len(w)
	return w
}

func (p *textParser) quoted(rest string) string {
	q, err := strconv.QuotedPrefix(rest)
	if err != nil {
		p.fail(p.pos, "quoted text has no end")
		return ""
	}
	s, err := strconv.Unquote(q)
	if err != nil {
		p.fail(p.pos, "quoted text is malformed")
	}
	p.pos += len(q)
	return s
}

// rest reads the rest of the line: a quoted text or what stands there.
func (p *textParser) rest() string {
	p.space()
	rest := p.line[p.pos:]
	if rest == "" {
		p.fail(p.pos, "expected a text, found the end of the line")
		return ""
	}
	if rest[0] == '"' {
		return p.quoted(rest)
	}
	p.pos = len(p.line)
	return strings.TrimRight(rest, " ")
}

// number reads a number of so many bits.
func (p *textParser) number(bits int) uint64 {
	p.space()
	at := p.pos
	w := p.word()
	n, err := strconv.ParseUint(w, 0, bits)
	if err != nil {
		p.fail(at, "%s is not a number of %d bits", show(w), bits)
	}
	return n
}

// typeID reads the number of a type and passes over its name.
func (p *textParser) typeID() btf.ID {
	p.space()
	at := p.pos
	w, _, _ := strings.Cut(p.rest(), " ")
	id, err := strconv.ParseUint(w, 10, 32)
	if err != nil {
		p.fail(at, "%s is not a number of a type", show(w))
	}
	p.pos = len(p.line)
	return btf.ID(id)
}

func (p *textParser) yes() bool {
	at := p.pos
	w := p.word()
	if w != "yes" && w != "no" {
		p.fail(at, "expected yes or no, found %s", show(w))
	}
	return w == "yes"
}

// kind reads the name of a number, or what is written for one without a name: "map type 250".
func kind[T ~uint32](p *textParser, what string, parse func(string) (T, bool)) T {
	p.space()
	at := p.pos
	s := p.rest()
	if v, ok := parse(s); ok {
		return v
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, what+" "), 10, 32)
	if err != nil {
		p.fail(at, "unknown %s %s", what, show(s))
	}
	return T(n)
}

func (p *textParser) order() {
	at := p.pos
	switch w := p.word(); w {
	case asm.LittleEndian.String():
		p.c.Order = asm.LittleEndian
	case asm.BigEndian.String():
		p.c.Order = asm.BigEndian
	default:
		p.fail(at, "unknown byte order %s", show(w))
	}
}

func (p *textParser) extern() {
	p.space()
	at := p.pos
	var e Extern
	w := p.word()
	for k, n := range externKindNames {
		if n == w && k > 0 {
			e.Kind = ExternKind(k)
		}
	}
	if e.Kind == 0 {
		p.fail(at, "unknown kind of extern %s", show(w))
	}
	e.Name = p.word()
	if p.space(); strings.HasPrefix(p.line[p.pos:], "weak") {
		e.Weak = p.word() == "weak"
	}
	if p.space(); p.pos < len(p.line) {
		e.Type = p.typeID()
	}
	p.c.Externs = append(p.c.Externs, e)
}

func (p *textParser) btfHead() {
	if p.size > 0 {
		p.fail(0, "second btf")
		return
	}
	if p.size = int(p.number(31)); p.size == 0 {
		p.fail(p.pos, "types have no bytes")
	}
	p.props = map[string]func(*textParser){}
}

func (p *textParser) blobRow() {
	at := p.pos
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(p.line[p.pos:]))
	if err != nil {
		p.fail(at, "malformed base64")
		return
	}
	if p.blob = append(p.blob, b...); len(p.blob) > p.size {
		p.fail(at, "more than %d bytes of types", p.size)
	}
}

// finish reads what needs everything else.
func (p *textParser) finish() {
	p.endProgram()
	if p.err != nil {
		return
	}
	if p.size > 0 {
		if len(p.blob) != p.size {
			p.fail(0, "%d bytes of types, %d were announced", len(p.blob), p.size)
			return
		}
		t, err := btf.Parse(p.blob, btf.Options{})
		if err == nil {
			err = t.Validate()
		}
		if err != nil {
			p.fail(0, "%v", err)
			return
		}
		p.c.BTF = t
	}
	index := NewIndex(p.c)
	for _, v := range p.values {
		p.row = v.row
		if err := v.v.setText(index, v.text); err != nil {
			p.fail(v.col, "%v", err)
		}
	}
}
