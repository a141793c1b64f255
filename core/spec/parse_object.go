package spec

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
)

func (p *textParser) mapHead() {
	m := &Map{Name: p.word()}
	p.c.Maps = append(p.c.Maps, m)
	p.maps = []*Map{m}
	p.props = mapSetters
}

// in returns the map or template that the line belongs to.
func (p *textParser) in() *Map { return p.maps[len(p.maps)-1] }

// mapSetters are the properties of maps by name.
var mapSetters = map[string]func(*textParser){
	"section":     func(p *textParser) { p.in().Section = p.rest() },
	"type":        func(p *textParser) { p.in().Type = kind(p, "map type", ParseMapType) },
	"key_size":    func(p *textParser) { p.in().KeySize = uint32(p.number(32)) },
	"value_size":  func(p *textParser) { p.in().ValueSize = uint32(p.number(32)) },
	"max_entries": func(p *textParser) { p.in().MaxEntries = uint32(p.number(32)) },
	"flags":       func(p *textParser) { p.in().Flags = MapFlags(p.number(32)) },
	"extra":       func(p *textParser) { p.in().Extra = p.number(64) },
	"numa_node":   func(p *textParser) { p.in().NUMANode = uint32(p.number(32)) },
	"pinning":     (*textParser).pinning,
	"key_type":    func(p *textParser) { p.in().Key = p.typeID() },
	"value_type":  func(p *textParser) { p.in().Value = p.typeID() },
	"freeze":      func(p *textParser) { p.in().Freeze = p.yes() },
	"optional":    func(p *textParser) { p.in().Optional = p.yes() },
	"tag":         func(p *textParser) { m := p.in(); m.Tags = append(m.Tags, p.rest()) },
	"entry": func(p *textParser) {
		m := p.in()
		m.Values = append(m.Values, MapValue{Key: uint32(p.number(32)), Name: p.word()})
	},
	"inner": func(p *textParser) {
		m := p.in()
		if m.Inner != nil || len(p.maps) >= maxInner {
			p.fail(p.pos, "map %s has an inner map already, or too deep", show(m.Name))
			return
		}
		m.Inner = &Map{Name: p.word()}
		p.maps = append(p.maps, m.Inner)
	},
}

func (p *textParser) pinning() {
	p.space()
	at := p.pos
	w := p.word()
	n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(w, "pinning("), ")"), 10, 32)
	switch m := p.in(); {
	case w == PinNone.String():
		m.Pinning = PinNone
	case w == PinByName.String():
		m.Pinning = PinByName
	case err == nil:
		m.Pinning = Pinning(n)
	default:
		p.fail(at, "unknown pinning %s", show(w))
	}
}

// dataRow reads bytes of a data section. The first row makes all of the section; what an arena has
// grows by its rows.
func (p *textParser) dataRow(at int, offset string) {
	m := p.in()
	off, err := strconv.ParseUint(offset, 0, 32)
	if err != nil {
		p.fail(at, "malformed offset of data")
		return
	}
	p.space()
	at = p.pos
	b, err := hex.DecodeString(strings.ReplaceAll(p.line[p.pos:], " ", ""))
	if err != nil || len(b) == 0 {
		p.fail(at, "malformed bytes")
		return
	}
	end := off + uint64(len(b))
	size := uint64(m.ValueSize)
	if m.Type == MapArena {
		size = max(uint64(len(m.Data)), end)
	}
	if end > size {
		p.fail(at, "bytes %d to %d are outside the %d of the value", off, end, size)
		return
	}
	if grow := size - uint64(len(m.Data)); grow > 0 {
		if p.total += grow; p.total > maxData {
			p.fail(at, "more than %d bytes of data", maxData)
			return
		}
		m.Data = append(m.Data, make([]byte, grow)...)
	}
	copy(m.Data[off:], b)
}

func (p *textParser) varHead() {
	v := &Var{Name: p.word()}
	p.c.Vars = append(p.c.Vars, v)
	p.props = varSetters
}

func (p *textParser) variable() *Var { return p.c.Vars[len(p.c.Vars)-1] }

// varSetters are the properties of variables by name.
var varSetters = map[string]func(*textParser){
	"section": func(p *textParser) { p.variable().Section = p.rest() },
	"map":     func(p *textParser) { p.variable().Map = p.rest() },
	"offset":  func(p *textParser) { p.variable().Offset = uint32(p.number(32)) },
	"size":    func(p *textParser) { p.variable().Size = uint32(p.number(32)) },
	"type":    func(p *textParser) { p.variable().Type = p.typeID() },
	"linkage": func(p *textParser) {
		p.space()
		at := p.pos
		w := p.word()
		for l, n := range linkageNames {
			if n == w {
				p.variable().Linkage = Linkage(l)
				return
			}
		}
		p.fail(at, "unknown linkage %s", show(w))
	},
	"value": func(p *textParser) {
		p.space()
		v := pendingValue{v: p.variable(), row: p.row, col: p.pos}
		v.text = p.rest()
		p.values = append(p.values, v)
	},
}

// setText sets the value in its map to what formatValue wrote. Long bytes, of which the text has only
// the beginning, stay as they are.
func (v *Var) setText(x *Index, text string) error {
	c := x.c
	old, err := v.Bytes(x)
	if err != nil || formatValue(c, v, old) == text || strings.Contains(text, "…") {
		return err
	}
	if isNumber, _ := v.number(c); isNumber {
		if n, err := strconv.ParseInt(text, 0, 64); err == nil && n < 0 {
			return v.SetInt(x, n)
		}
		n, err := strconv.ParseUint(text, 0, 64)
		if err != nil {
			return err
		}
		return v.SetUint(x, n)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		return err
	}
	return v.SetBytes(x, b)
}

func (p *textParser) attachHead() {
	a := Attach{Program: p.word()}
	p.space()
	at := p.pos
	w := p.word()
	k, ok := ParseHookKind(w)
	if n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(w, "attach_kind("), ")"), 10, 32); err == nil {
		k, ok = HookKind(n), true
	}
	if !ok {
		p.fail(at, "unknown kind of attachment %s", show(w))
	}
	a.Kind = k
	p.c.Attach = append(p.c.Attach, a)
	p.props = attachSetters
}

func (p *textParser) attachment() *Attach { return &p.c.Attach[len(p.c.Attach)-1] }

// attachSetters are the properties of attachments by name.
var attachSetters = map[string]func(*textParser){
	"target":   func(p *textParser) { p.attachment().Target = p.rest() },
	"netns":    func(p *textParser) { p.attachment().Netns = p.rest() },
	"flags":    func(p *textParser) { p.attachment().Flags = uint32(p.number(32)) },
	"cookie":   func(p *textParser) { p.attachment().Cookie = p.number(64) },
	"optional": func(p *textParser) { p.attachment().Optional = p.yes() },
}

func (p *textParser) programHead() {
	p.prog = &Program{Name: p.word()}
	p.c.Programs = append(p.c.Programs, p.prog)
	p.code = codeText{}
}

// programSetters are the properties of programs by name.
var programSetters = map[string]func(*textParser){
	"section":     func(p *textParser) { p.prog.Section = p.rest() },
	"type":        func(p *textParser) { p.prog.Type = kind(p, "program type", ParseProgramType) },
	"attach_type": func(p *textParser) { p.prog.AttachType = kind(p, "attach type", ParseAttachType) },
	"probe":       func(p *textParser) { p.prog.Probe = kind(p, "probe", ParseProbe) },
	"attach_to":   func(p *textParser) { p.prog.AttachTo = p.rest() },
	"flags":       func(p *textParser) { p.prog.Flags = ProgramFlags(p.number(32)) },
	"optional":    func(p *textParser) { p.prog.Optional = p.yes() },
	"exception":   func(p *textParser) { p.prog.Exception = p.rest() },
	"table":       (*textParser).tableLine,
}

// pendingTable is a jump table whose labels are known once the code is.
type pendingTable struct {
	name   string
	labels []string
	row    int
}

// tableLine reads the name of a jump table and of its labels.
func (p *textParser) tableLine() {
	t := pendingTable{name: p.word(), row: p.row}
	for p.space(); p.pos < len(p.line) && p.err == nil; p.space() {
		t.labels = append(t.labels, p.word())
	}
	p.code.tables = append(p.code.tables, t)
}

// endTables finds the labels of the jump tables.
func (p *textParser) endTables() {
	if len(p.code.tables) == 0 {
		return
	}
	labels := make(map[string]asm.Label)
	for i := range p.prog.Insns.list {
		if l := p.prog.Insns.list[i].Label; l != 0 {
			labels[p.prog.LabelName(l)] = l
		}
	}
	for _, t := range p.code.tables {
		out := JumpTable{Name: t.name}
		for _, n := range t.labels {
			l, ok := labels[n]
			if !ok {
				p.row = t.row
				p.fail(0, "label %s of jump table %s is not in the code", show(n), show(t.name))
				return
			}
			out.Labels = append(out.Labels, l)
		}
		p.prog.Tables = append(p.prog.Tables, out)
	}
}

// programLine reads a property, or takes the line as code once there is some.
func (p *textParser) programLine() {
	if p.code.rows == nil {
		if strings.TrimSpace(p.line) == "" {
			return
		}
		w, _, _ := strings.Cut(strings.TrimPrefix(p.line, "\t"), " ")
		if set := programSetters[w]; set != nil && p.line[0] == '\t' {
			p.pos = 1 + len(w)
			set(p)
			p.end()
			return
		}
	}
	if len(p.code.rows) == math.MaxInt32 {
		p.fail(0, "too much code")
		return
	}
	if p.code.rows == nil {
		p.code.first = p.row
	}
	p.codeLine()
}

// endProgram reads the code of the program that ends here.
func (p *textParser) endProgram() {
	if p.err != nil || p.prog == nil {
		return
	}
	l, err := asm.Parse(strings.Join(p.code.rows, "\n"))
	if bad, ok := err.(*asm.ParseError); ok {
		p.err = &asm.ParseError{Line: bad.Line + p.code.first - 1, Column: bad.Column, Reason: bad.Reason}
		return
	}
	if err != nil {
		p.fail(0, "%v", err)
		return
	}
	p.build(l)
	p.endTables()
	p.prog = nil
}
