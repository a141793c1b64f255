package spec

import (
	"fmt"
	"strconv"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// AppendText appends the whole collection as text and returns the extended buffer. The text names
// everything that the collection holds, in its order, so equal collections give equal text; text
// that is untrusted is quoted where it could mislead. Programs are in the syntax of core/asm.
func (c *Collection) AppendText(dst []byte) []byte {
	dst = appendLine(dst, "license", quote(c.License))
	dst = appendLine(dst, "order", c.Order.String())
	if c.KernelVersion != 0 {
		dst = appendLine(dst, "version", flags(c.KernelVersion))
	}
	for _, n := range c.Notes {
		dst = appendLine(dst, "note", n.Code+" "+quote(n.Text))
	}
	for _, m := range c.Maps {
		dst = c.appendMap(append(dst, '\n'), m)
	}
	for _, v := range c.Vars {
		dst = c.appendVar(append(dst, '\n'), v)
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
func appendProps(dst []byte, props []prop) []byte {
	for _, p := range props {
		if p.text != "" {
			dst = appendLine(append(dst, '\t'), p.name, word(p.text))
		}
	}
	return dst
}

// word quotes a text unless it can stand alone: printable ASCII without quotes and backslashes.
func word(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' && c != ' ' || c >= 0x7f || c == '"' || c == '\\' || c == ';' || c == '#' {
			return quote(s)
		}
	}
	if s == "" || s[0] == ' ' || s[len(s)-1] == ' ' {
		return quote(s)
	}
	return s
}

// name quotes a name unless it is one word.
func name(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' {
			return quote(s)
		}
	}
	return word(s)
}

func quote(s string) string { return strconv.QuoteToASCII(s) }

func (c *Collection) appendMap(dst []byte, m *Map) []byte {
	dst = appendLine(dst, "map", name(m.Name))
	props := mapProps(m)
	for i := range props {
		switch props[i].name {
		case "key_type":
			props[i].text = c.typeText(m.Key)
		case "value_type":
			props[i].text = c.typeText(m.Value)
		}
	}
	dst = appendProps(dst, props)
	const row = 16
	for at := 0; at < len(m.Data); at += row {
		b := m.Data[at:min(at+row, len(m.Data))]
		if from, to := differing(b, make([]byte, len(b))); from < to {
			dst = fmt.Appendf(dst, "\tdata+%#x %s\n", at, spacedHex(b))
		}
	}
	return dst
}

// typeText gives the name of a type, nothing for none.
func (c *Collection) typeText(id btf.ID) string {
	if id == 0 {
		return ""
	}
	if c.BTF == nil {
		return "type " + strconv.FormatUint(uint64(id), 10)
	}
	if n := c.BTF.TypeName(id); n != "" {
		return n
	}
	return "type " + strconv.FormatUint(uint64(id), 10)
}

func (c *Collection) appendVar(dst []byte, v *Var) []byte {
	dst = appendLine(dst, "var", name(v.Name))
	props := varProps(c, v)
	for i := range props {
		if props[i].name == "type" {
			props[i].text = c.typeText(v.Type)
		}
	}
	return appendProps(dst, props)
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

// AppendText appends the program as text: its properties, its CO-RE records by instruction, and its
// code with the source lines that it came from as comments.
func (p *Program) AppendText(dst []byte) []byte {
	dst = appendLine(dst, "program", name(p.Name))
	dst = appendProps(dst, programProps(p))
	code := make([]asm.Insn, len(p.Insns))
	funcs := make(map[int]string)
	for i := range p.Insns {
		in := &p.Insns[i]
		code[i] = in.Insn
		if in.Func != nil {
			funcs[i] = in.Func.Name
		}
		if r := in.Core; r != nil {
			dst = fmt.Appendf(dst, "\tcore %d %v type %d %s\n", i, r.Kind, r.Type, quote(r.Access))
		}
	}
	return asm.AppendText(dst, code, asm.TextOptions{LabelNames: p.LabelNames, Funcs: funcs, Source: p.source})
}

// source gives the source line that begins at an instruction.
func (p *Program) source(i int) string {
	l := p.Insns[i].Line
	if l == nil || i > 0 && p.Insns[i-1].Line != nil && *p.Insns[i-1].Line == *l {
		return ""
	}
	text := fmt.Sprintf("%s:%d:%d", l.File, l.Line, l.Col)
	if l.Text != "" {
		text += ": " + trimSource(l.Text)
	}
	return text
}

// trimSource takes the indentation off a source line.
func trimSource(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return s
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
