package btf

import (
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/internal/wire"
)

// ErrExt says that .BTF.ext is malformed.
var ErrExt = errors.New("extension data are malformed")

// Ext is what .BTF.ext says of the instructions of an object, by code section in the order in which
// the sections first appear.
type Ext struct {
	Sections []ExtSection
}

// ExtSection is what .BTF.ext says of one code section. A slot is the number of an instruction's
// first 8 bytes, counted from the start of the section. Records are in the order of the input,
// which is ascending by slot in every object that a compiler or linker made.
type ExtSection struct {
	Name  string
	Funcs []FuncInfoAt
	Lines []LineInfoAt
	Relos []CoreReloAt

	FuncTails, LineTails, ReloTails Tails // what the records have after the fields that are known
}

// FuncInfoAt is a function and the slot where it begins.
type FuncInfoAt struct {
	Slot uint32
	FuncInfo
}

// LineInfoAt is a line of source and the slot of the first instruction made from it.
type LineInfoAt struct {
	Slot uint32
	LineInfo
}

// CoreReloAt is a CO-RE relocation and the slot of the instruction that it patches.
type CoreReloAt struct {
	Slot uint32
	CoreRelo
}

// Section returns what is known of a code section, nil if that is nothing.
func (e *Ext) Section(name string) *ExtSection {
	for i := range e.Sections {
		if e.Sections[i].Name == name {
			return &e.Sections[i]
		}
	}
	return nil
}

// ExtOptions say what to read of .BTF.ext.
type ExtOptions struct {
	// Wanted says which code sections to keep; nil is all. What is said of others is checked, and
	// takes little memory.
	Wanted func(section string) bool

	// Check is called again and again. An error that it returns ends the reading, and is returned as it
	// is. Nil is never called.
	Check func() error
}

// ParseExt reads .BTF.ext. See [ExtOptions.Parse].
func ParseExt(b []byte, t *Types) (*Ext, error) { return ExtOptions{}.Parse(b, t) }

// Parse reads .BTF.ext (Documentation/bpf/btf.rst of Linux). t is the .BTF of the same object; both
// have one byte order. Records may be longer than known: what follows the known fields is kept as
// it is. Errors are of type *FormatError, or
// those of Check.
func (o ExtOptions) Parse(b []byte, t *Types) (*Ext, error) {
	c := wire.New(extSection, t.order, b)
	if _, err := detectOrder(extSection, b, t.order); err != nil {
		return nil, err
	}
	c.Skip(2)
	version, flags, size := c.U8(), c.U8(), uint64(c.U32())
	if c.Err() == nil && (version != 1 || flags != 0 || size < 24 || size > uint64(len(b))) {
		c.FailAt(2, fmt.Errorf("%w: version %d, flags %#x, header of %d bytes", ErrExt, version, flags, size))
	}
	p := extParser{t: t, wanted: o.Wanted, check: o.Check, sections: map[string]int{}, texts: &lineTexts{types: t}}
	for i, part := range extParts {
		if i*8+16 > int(min(size, 1<<16)) {
			break // the CO-RE part is younger than the others
		}
		at, n := uint64(c.U32()), uint64(c.U32())
		if n == 0 {
			continue
		}
		if at%4 != 0 {
			c.Failf("%w: %s is not aligned", ErrExt, part.name)
		}
		if err := p.part(c.Sub(size+at, n), part); err != nil {
			return nil, err
		}
	}
	if c.Err() != nil {
		return nil, c.Err()
	}
	return &Ext{Sections: p.list}, nil
}

// extPart is one of the three kinds of records.
type extPart struct {
	name string
	size uint64 // of the known fields
	room func(p *extParser)
	read func(p *extParser, c *wire.Cursor, s *ExtSection, n int)
}

var extParts = [...]extPart{
	{"func_info", 8, func(p *extParser) { room(p, func(s *ExtSection) *[]FuncInfoAt { return &s.Funcs }) }, (*extParser).funcs},
	{"line_info", 16, func(p *extParser) { room(p, func(s *ExtSection) *[]LineInfoAt { return &s.Lines }) }, (*extParser).lines},
	{"core_relo", 16, func(p *extParser) { room(p, func(s *ExtSection) *[]CoreReloAt { return &s.Relos }) }, (*extParser).relos},
}

type extParser struct {
	t        *Types
	wanted   func(section string) bool
	check    func() error   // may be nil
	sections map[string]int // index in list
	list     []ExtSection
	other    ExtSection // has what is not wanted until that is checked

	heads []extHead // of one kind of records
	need  []int     // by section: how many records
	spare int       // most records of one head that is not wanted
	tail  uint64    // bytes of a record after the known fields

	access recent
	texts  *lineTexts // of all lines
}

// extHead is what stands before the records of a section.
type extHead struct {
	section int32  // index in list; -1 is not wanted
	n       uint32 // records
}

// room makes room for one kind of records of all sections, with one allocation.
func room[T any](p *extParser, list func(*ExtSection) *[]T) {
	total := p.spare
	for _, n := range p.need {
		total += n
	}
	slab := make([]T, total)
	for i, n := range p.need {
		if n > 0 {
			*list(&p.list[i]) = slab[:0:n]
			slab = slab[n:]
		}
	}
	*list(&p.other) = slab
}

// part reads the records of one kind for all sections.
func (p *extParser) part(c *wire.Cursor, part extPart) error {
	size := uint64(c.U32())
	if c.Err() == nil && (size < part.size || size%4 != 0) {
		c.FailAt(c.Offset()-4, fmt.Errorf("%w: record size %d of %s", ErrExt, size, part.name))
	}
	if c.Err() != nil {
		return c.Err()
	}
	if err := p.readHeads(*c, size); err != nil {
		return err
	}
	p.tail = size - part.size
	part.room(p)
	for _, h := range p.heads {
		c.Skip(8)
		s := &p.other
		if h.section >= 0 {
			s = &p.list[h.section]
		} else {
			*s = ExtSection{Funcs: s.Funcs[:0], Lines: s.Lines[:0], Relos: s.Relos[:0]}
		}
		for left := int(h.n); left > 0 && c.Err() == nil; left -= perCheck {
			if p.check != nil {
				if err := p.check(); err != nil {
					return err
				}
			}
			part.read(p, c, s, min(left, perCheck))
		}
	}
	return c.Err()
}

// readHeads finds out which sections there are records of, and how many.
func (p *extParser) readHeads(c wire.Cursor, size uint64) error {
	p.heads, p.spare = p.heads[:0], 0
	clear(p.need)
	if p.list == nil {
		n := someHeads(c, size)
		p.list, p.need, p.heads = make([]ExtSection, 0, n), make([]int, 0, n), make([]extHead, 0, n)
	}
	for c.Len() > 0 {
		nameAt := c.Offset()
		name, ok := p.t.String(c.U32())
		n := c.U32()
		switch {
		case c.Err() != nil:
			return c.Err()
		case !ok || name == "":
			return c.FailAt(nameAt, fmt.Errorf("section name: %w", ErrString))
		case n == 0:
			return c.FailAt(nameAt+4, fmt.Errorf("%w: section %q without records", ErrExt, name))
		case !c.Fits(uint64(n), size):
			return c.Err()
		}
		c.Skip(uint64(n) * size)
		h := extHead{int32(p.section(name)), n}
		if p.heads = append(p.heads, h); h.section >= 0 {
			p.need[h.section] += int(n)
		} else {
			p.spare = max(p.spare, int(n))
		}
	}
	return c.Err()
}

// someHeads returns how many sections have records, up to 256: for so many there is room at first.
func someHeads(c wire.Cursor, size uint64) int {
	n := 0
	for ; n < 256 && c.Len() > 0; n++ {
		c.Skip(4)
		c.Skip(uint64(c.U32()) * size)
	}
	return n
}

// section returns the index of a code section, adding it when it is new, or -1 if it is not wanted.
func (p *extParser) section(name string) int {
	i, ok := p.sections[name]
	if ok {
		return i
	}
	if p.wanted != nil && !p.wanted(name) {
		return -1
	}
	i = len(p.list)
	p.sections[name] = i
	p.list, p.need = append(p.list, ExtSection{Name: name}), append(p.need, 0)
	return i
}

// slot reads an instruction's offset, which is in bytes.
func (p *extParser) slot(c *wire.Cursor) uint32 {
	off := c.U32()
	if off%8 != 0 {
		c.FailAt(c.Offset()-4, errSlot(off))
	}
	return off / 8
}

func errSlot(off uint32) error {
	return fmt.Errorf("%w: %d is not the offset of an instruction", ErrExt, off)
}

// recent is the string that a field had in the record before.
type recent struct {
	offset uint32
	text   string // empty is none
}

// str reads the offset of a string.
func (p *extParser) str(c *wire.Cursor, last *recent) string {
	offset := c.U32()
	if last.text != "" && offset == last.offset {
		return last.text
	}
	s, ok := p.t.String(offset)
	if !ok {
		c.FailAt(c.Offset()-4, ErrString)
	}
	last.offset, last.text = offset, s
	return s
}

// id reads the id of a type.
func (p *extParser) id(c *wire.Cursor) ID {
	id := c.U32()
	if err := p.t.checkID(id); err != nil {
		c.FailAt(c.Offset()-4, err)
		return 0
	}
	return ID(id)
}

// keepTail keeps what a record has after the known fields.
func (p *extParser) keepTail(c *wire.Cursor, t *Tails) {
	if p.tail > 0 {
		t.Size = uint32(p.tail)
		t.Bytes = append(t.Bytes, c.Bytes(p.tail)...)
	}
}

func (p *extParser) funcs(c *wire.Cursor, s *ExtSection, n int) {
	for range n {
		f := FuncInfoAt{Slot: p.slot(c)}
		f.Type = p.id(c)
		if k := p.t.Kind(f.Type); c.Err() == nil && k != KindFunc {
			c.FailAt(c.Offset()-4, fmt.Errorf("%w: type %d of a function is of kind %v", ErrExt, f.Type, k))
		}
		f.Name = p.t.Name(f.Type)
		s.Funcs = append(s.Funcs, f)
		p.keepTail(c, &s.FuncTails)
	}
}

func (p *extParser) lines(c *wire.Cursor, s *ExtSection, n int) {
	size, at := 16+p.tail, c.Offset()
	b := c.Bytes(uint64(n) * size)
	for ; len(b) > 0; at, b = at+size, b[size:] { // not by the cursor: there are more lines than anything else
		off, file, text, col := p.t.u32(b), p.t.u32(b[4:]), p.t.u32(b[8:]), p.t.u32(b[12:])
		switch {
		case off%8 != 0:
			c.FailAt(at, errSlot(off))
			return
		case !p.t.hasString(file):
			c.FailAt(at+4, ErrString)
			return
		case !p.t.hasString(text):
			c.FailAt(at+8, ErrString)
			return
		}
		s.Lines = s.Lines[:len(s.Lines)+1] // there is room
		l := &s.Lines[len(s.Lines)-1]
		l.Slot, l.file, l.text, l.texts = off/8, file, text, p.texts
		l.LineInfo.Line, l.Col = col>>10, col&0x3ff
		if p.tail > 0 {
			s.LineTails.Size = uint32(p.tail)
			s.LineTails.Bytes = append(s.LineTails.Bytes, b[16:size]...)
		}
	}
}

func (p *extParser) relos(c *wire.Cursor, s *ExtSection, n int) {
	for range n {
		r := CoreReloAt{Slot: p.slot(c)}
		r.Type, r.Access = p.id(c), p.str(c, &p.access)
		r.Kind = CoreKind(c.U32())
		s.Relos = append(s.Relos, r)
		p.keepTail(c, &s.ReloTails)
	}
}
