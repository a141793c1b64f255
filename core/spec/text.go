package spec

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// AppendText appends the whole collection as text and returns the extended buffer. The text names
// everything that the collection holds, in its order, so equal collections have equal text; text
// that is untrusted is quoted where it could mislead. [Parse] reads it back.
//
// An object begins with a line of its own; its properties follow, each on an indented line. After
// the number of a type comes its name, for the reader only. A "table" of a program is the name of a
// jump table and the labels of its entries. Programs are in the syntax of core/asm; comments that
// begin with "@" say what is known of the instruction below: "@type" the FUNC type of the function
// that starts there, "@core" its CO-RE record, "@line" its source line ("@same" is that of the
// instruction before). Types are at the end, as the bytes of .BTF in base64.
func (c *Collection) AppendText(dst []byte) []byte {
	dst = appendLine(dst, "license", literal(c.License))
	dst = appendLine(dst, "order", c.Order.String())
	if c.KernelVersion != 0 {
		dst = appendLine(dst, "version", flags(c.KernelVersion))
	}
	for _, n := range c.Notes {
		dst = appendLine(dst, "note", name(n.Code)+" "+literal(n.Text))
	}
	for _, h := range c.Hidden {
		dst = appendLine(dst, "hidden", name(h))
	}
	all := props{c, NewIndex(c), c.typeText}
	for _, m := range c.Maps {
		dst = all.appendMap(appendLine(append(dst, '\n'), "map", name(m.Name)), m, "\t")
	}
	for _, v := range c.Vars {
		dst = appendProps(appendLine(append(dst, '\n'), "var", name(v.Name)), all.varProps(v))
	}
	for i, e := range c.Externs {
		if i == 0 {
			dst = append(dst, '\n')
		}
		dst = c.appendExtern(dst, e)
	}
	for _, p := range c.Programs {
		dst = p.AppendText(append(dst, '\n'))
	}
	for i, a := range c.Attach {
		if i == 0 {
			dst = append(dst, '\n')
		}
		dst = appendAttach(dst, a)
	}
	if c.BTF != nil {
		dst = appendBlob(append(dst, '\n'), c.BTF.Bytes())
	}
	return dst
}

// blobRow is how many bytes of types are on one line.
const blobRow = 57

// appendBlob appends types as base64.
func appendBlob(dst, b []byte) []byte {
	dst = fmt.Appendf(dst, "btf %d\n", len(b))
	for row := range slices.Chunk(b, blobRow) {
		dst = append(base64.StdEncoding.AppendEncode(append(dst, '\t'), row), '\n')
	}
	return dst
}

// String returns the collection as text. See AppendText.
func (c *Collection) String() string { return string(c.AppendText(nil)) }

func appendLine(dst []byte, name, text string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ' ')
	dst = append(dst, text...)
	return append(dst, '\n')
}

// appendProps appends the properties that are set, one per line.
func appendProps(dst []byte, props []prop) []byte { return indentProps(dst, props, "\t") }

func indentProps(dst []byte, props []prop, indent string) []byte {
	for _, p := range props {
		if p.text != "" {
			dst = appendLine(append(dst, indent...), p.name, word(p.text))
		}
	}
	return dst
}

// word quotes a text unless it can stand alone: printable ASCII without quotes and backslashes.
func word(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' && c != ' ' || c >= 0x7f || c == '"' || c == '\\' || c == ';' || c == '#' {
			return literal(s)
		}
	}
	if s == "" || s[0] == ' ' || s[len(s)-1] == ' ' {
		return literal(s)
	}
	return s
}

// name quotes a name unless it is one word.
func name(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' {
			return literal(s)
		}
	}
	return word(s)
}

func literal(s string) string { return strconv.QuoteToASCII(s) }

// maxInner is how deep templates of inner maps are written and read; one level makes sense.
const maxInner = 4

// appendMap appends what is below the name of a map.
func (p props) appendMap(dst []byte, m *Map, indent string) []byte {
	list := p.mapProps(m)
	for i := range list {
		switch p := &list[i]; p.name {
		case "tags", "inner", "values":
			p.text = "" // each has lines of its own
		}
	}
	dst = indentProps(dst, list, indent)
	for _, t := range m.Tags {
		dst = appendLine(append(dst, indent...), "tag", word(t))
	}
	for _, v := range m.Values {
		dst = appendLine(append(dst, indent...), "entry", strconv.FormatUint(uint64(v.Key), 10)+" "+name(v.Name))
	}
	dst = appendData(dst, m.Data, indent)
	if m.Inner != nil && len(indent) < maxInner {
		dst = p.appendMap(appendLine(append(dst, indent...), "inner", name(m.Inner.Name)), m.Inner, indent+"\t")
	}
	return dst
}

// appendData appends the rows that are not zero; the first and the last are always there.
func appendData(dst, data []byte, indent string) []byte {
	const row = 16
	var zero [row]byte
	for at := 0; at < len(data); at += row {
		b := data[at:min(at+row, len(data))]
		if at == 0 || at+row >= len(data) || !bytes.Equal(b, zero[:len(b)]) {
			dst = fmt.Appendf(dst, "%sdata+%#x %s\n", indent, at, spacedHex(b))
		}
	}
	return dst
}

// typeText returns the number and the name of a type, nothing for none.
func (c *Collection) typeText(id btf.ID) string {
	if id == 0 {
		return ""
	}
	text := strconv.FormatUint(uint64(id), 10)
	if c.BTF != nil {
		if n := c.BTF.TypeName(id); n != "" {
			return text + " " + n
		}
	}
	return text
}

func (c *Collection) appendExtern(dst []byte, e Extern) []byte {
	text := e.Kind.String() + " " + name(e.Name)
	if e.Weak {
		text += " weak"
	}
	if t := c.typeText(e.Type); t != "" {
		text += " " + word(t)
	}
	return appendLine(dst, "extern", text)
}

func appendAttach(dst []byte, a Attach) []byte {
	dst = appendLine(dst, "attach", name(a.Program)+" "+a.Kind.String())
	props := append([]prop{{"target", a.Target}}, attachProps(a)...)
	return appendProps(dst, props)
}

// AppendText appends the program as text: its properties, and its code with what is known of each
// instruction. See [Collection.AppendText].
func (p *Program) AppendText(dst []byte) []byte {
	dst = appendLine(dst, "program", name(p.Name))
	dst = p.appendTables(appendProps(dst, programProps(p)))
	list := p.Insns.read()
	code := make([]asm.Insn, len(list))
	funcs := make(map[int]string)
	for i := range list {
		in := &list[i]
		code[i] = in.Insn
		if in.Func != nil {
			funcs[i] = in.Func.Name
		}
	}
	return asm.AppendText(dst, code, asm.TextOptions{LabelNames: p.plainLabels(), Funcs: funcs, Source: func(i int) string { return records(list, i) }})
}

// plainLabels returns the names of labels, each name once, without those that nothing carries.
func (p *Program) plainLabels() map[asm.Label]string {
	if len(p.LabelNames) == 0 {
		return nil
	}
	out := make(map[asm.Label]string)
	taken := make(map[string]bool)
	for _, m := range p.Insns.marks() {
		l := m.label
		if n := p.LabelNames[l]; l != 0 && n != "" && !taken[n] {
			out[l], taken[n] = n, true
		}
	}
	return out
}

// records returns what is known of an instruction, a line for each record.
func records(list []Insn, i int) string {
	in := &list[i]
	var b []byte
	if in.Func != nil && in.Func.Type != 0 {
		b = fmt.Appendf(b, "@type %d\n", in.Func.Type)
	}
	if r := in.Core; r != nil {
		b = fmt.Appendf(b, "@core %v %d %s\n", r.Kind, r.Type, literal(r.Access))
	}
	switch l := in.Line; {
	case l == nil:
	case i > 0 && list[i-1].Line != nil && list[i-1].Line.Equal(*l):
		b = append(b, "@same\n"...)
	default:
		b = fmt.Appendf(b, "@line %s:%d:%d %s\n", name(l.File()), l.Line, l.Col, literal(l.Text()))
	}
	return string(b)
}

// AppendChanges appends a list of changes as text and returns the extended buffer: "+" is added,
// "-" removed, "~" changed.
func AppendChanges(dst []byte, changes []Change) []byte {
	for _, c := range changes {
		sign := "~"
		switch c.Op {
		case ChangeAdd:
			sign = "+"
		case ChangeRemove:
			sign = "-"
		}
		dst = append(append(dst, sign...), ' ')
		if c.Kind == ObjectCollection {
			dst = append(dst, "collection\n"...)
		} else {
			dst = appendLine(dst, c.Kind.String(), word(c.Name))
		}
		for _, p := range c.Props {
			dst = fmt.Appendf(dst, "    %s: ", p.Name)
			if c.Op != ChangeAdd {
				dst = append(append(dst, word(p.Old)...), " -> "...)
			}
			dst = append(append(dst, word(p.New)...), '\n')
		}
		for _, h := range c.Hunks {
			dst = h.AppendText(dst)
		}
	}
	return dst
}

// AppendText appends the hunk as text: a head with places and lengths, then a line per instruction
// with its old and new index.
func (h *Hunk) AppendText(dst []byte) []byte {
	dst = fmt.Appendf(dst, "    @@ -%d,%d +%d,%d @@\n", h.OldAt, h.OldLen, h.NewAt, h.NewLen)
	index := func(i int) string {
		if i < 0 {
			return ""
		}
		return strconv.Itoa(i)
	}
	for _, l := range h.Lines {
		if l.Func != "" {
			dst = fmt.Appendf(dst, "    %c             .func %s\n", l.Op, name(l.Func))
		}
		if l.Label != "" {
			dst = fmt.Appendf(dst, "    %c             %s:\n", l.Op, name(l.Label))
		}
		dst = fmt.Appendf(dst, "    %c %5s %5s     %s\n", l.Op, index(l.Old), index(l.New), l.Text)
	}
	return dst
}
