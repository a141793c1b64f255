package object

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Image is an object file about to be written. Sections and symbols are numbered from 1 in the
// order in which they were added.
type Image struct {
	big      bool
	sections []OutSection
	Symbols  []OutSymbol
	Named    map[string]int // sections by name
	marks    map[int]int    // by section: its section symbol
}

// OutSection is a section about to be written.
type OutSection struct {
	Name   string
	Type   uint32
	Flags  uint64
	Data   []byte
	Size   uint64 // of a section without data
	Align  uint64
	Relocs []OutReloc
}

// OutSymbol is a symbol about to be written.
type OutSymbol struct {
	Name       string
	Section    int // 0 is undefined
	Value      uint64
	Size       uint64
	Bind, Type uint8
	Visibility uint8
}

// OutReloc is a relocation about to be written.
type OutReloc struct {
	Offset uint64
	Symbol int
	Type   uint32
}

// NewImage returns an empty file of that byte order.
func NewImage(order binary.ByteOrder) *Image {
	return &Image{big: order == binary.BigEndian, Named: make(map[string]int), marks: make(map[int]int)}
}

// byteOrder can read, write and append.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// Order returns what reads and writes numbers in the byte order of the file.
func (m *Image) Order() byteOrder {
	if m.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Section finds the section of that name, or adds it, and returns its number.
func (m *Image) Section(name string, typ uint32, flags, align uint64) int {
	if n := m.Named[name]; n != 0 {
		return n
	}
	m.sections = append(m.sections, OutSection{Name: name, Type: typ, Flags: flags, Align: align})
	m.Named[name] = len(m.sections)
	return len(m.sections)
}

// At returns the section of a number. It holds until the next one is added.
func (m *Image) At(section int) *OutSection { return &m.sections[section-1] }

// AddSymbol adds a symbol and returns its number, which is not yet that in the file.
func (m *Image) AddSymbol(s OutSymbol) int {
	m.Symbols = append(m.Symbols, s)
	return len(m.Symbols)
}

// SectionSymbol returns the section symbol of a section.
func (m *Image) SectionSymbol(section int) int {
	if m.marks[section] == 0 {
		m.marks[section] = m.AddSymbol(OutSymbol{Section: section, Type: SymbolSection})
	}
	return m.marks[section]
}

// AddTypes adds .BTF, and .BTF.ext unless it is empty.
func (m *Image) AddTypes(types, ext []byte) {
	m.At(m.Section(".BTF", SectionProgbits, 0, 4)).Data = types
	if len(ext) > 0 {
		m.At(m.Section(".BTF.ext", SectionProgbits, 0, 4)).Data = ext
	}
}

// Size returns how many bytes the section has, those of a section without data included.
func (m *Image) Size(section int) uint64 {
	s := m.At(section)
	return max(s.Size, uint64(len(s.Data)))
}

// maxSections bounds the numbers of sections; above are numbers with meanings of their own.
const maxSections = indexReserved / 2

// outHeader is a section header about to be written.
type outHeader struct {
	name, typ           uint32
	flags, offset, size uint64
	link, info          uint32
	align, entry        uint64
}

// Bytes writes the file: header, sections, relocations, symbols, names, section headers.
func (m *Image) Bytes() ([]byte, error) {
	if len(m.sections) > maxSections {
		return nil, fmt.Errorf("%d sections are more than %d", len(m.sections), maxSections)
	}
	w := m.writer()
	for i := range m.sections {
		s := &m.sections[i]
		h := outHeader{name: w.name(s.Name), typ: s.Type, flags: s.Flags, size: s.Size, align: max(s.Align, 1)}
		w.add(h, s.Data)
	}
	numbers, locals := m.sortSymbols()
	table := uint32(len(w.headers))
	for i := range m.sections {
		if len(m.sections[i].Relocs) > 0 {
			table++
		}
	}
	for i := range m.sections {
		if s := &m.sections[i]; len(s.Relocs) > 0 {
			h := outHeader{name: w.name(".rel" + s.Name), typ: sectionRel, link: table, info: uint32(i + 1), align: 8, entry: relocSize}
			w.add(h, w.relocs(s.Relocs, numbers))
		}
	}
	w.add(outHeader{name: w.name(".symtab"), typ: sectionSymtab, link: table + 1, info: locals, align: 8, entry: symbolSize}, w.symbols(numbers))
	strtab := w.name(".strtab")
	w.add(outHeader{name: strtab, typ: sectionStrtab, align: 1}, w.text)
	return w.finish(), nil
}

// sortSymbols returns every symbol its number in the file, local ones first, and the number of the
// first that is not.
func (m *Image) sortSymbols() (numbers []uint32, locals uint32) {
	numbers = make([]uint32, len(m.Symbols)+1)
	next := uint32(1)
	for _, local := range []bool{true, false} {
		for i := range m.Symbols {
			if (m.Symbols[i].Bind == BindLocal) == local {
				numbers[i+1] = next
				next++
			}
		}
		if local {
			locals = next
		}
	}
	return numbers, locals
}

type imageWriter struct {
	m       *Image
	out     []byte
	headers []outHeader
	names   map[string]uint32
	text    []byte
}

// writer has room for the whole file.
func (m *Image) writer() *imageWriter {
	names, relocs, size := len("..symtab..strtab."), 0, uint64(headerSize)
	for i := range m.sections {
		s := &m.sections[i]
		names += len(s.Name) + 1
		size = (size+max(s.Align, 1)-1)/max(s.Align, 1)*max(s.Align, 1) + uint64(len(s.Data))
		if len(s.Relocs) > 0 {
			names += len(".rel") + len(s.Name) + 1
			relocs++
		}
	}
	for i := range m.sections {
		size += uint64(relocSize*len(m.sections[i].Relocs)) + 8
	}
	for i := range m.Symbols {
		names += len(m.Symbols[i].Name) + 1
	}
	headers := 1 + len(m.sections) + relocs + 2
	size += uint64(symbolSize*(1+len(m.Symbols))+names+sectionHeaderSize*headers) + 16
	w := &imageWriter{m: m, names: make(map[string]uint32, len(m.Symbols)+headers), text: make([]byte, 1, names)}
	w.names[""] = 0
	w.headers = make([]outHeader, 1, headers) // section 0
	w.out = make([]byte, headerSize, size)
	return w
}

func (w *imageWriter) name(s string) uint32 {
	at, ok := w.names[s]
	if !ok {
		at = uint32(len(w.text))
		w.names[s] = at
		w.text = append(append(w.text, s...), 0)
	}
	return at
}

// add writes a section.
func (w *imageWriter) add(h outHeader, data []byte) {
	for uint64(len(w.out))%h.align != 0 {
		w.out = append(w.out, 0)
	}
	h.offset = uint64(len(w.out))
	if h.typ != SectionNobits {
		h.size = uint64(len(data))
		w.out = append(w.out, data...)
	}
	w.headers = append(w.headers, h)
}

func (w *imageWriter) relocs(list []OutReloc, numbers []uint32) []byte {
	o := w.m.Order()
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b OutReloc) int {
		switch {
		case a.Offset < b.Offset:
			return -1
		case a.Offset > b.Offset:
			return 1
		}
		return 0
	})
	b := make([]byte, 0, relocSize*len(list))
	for _, r := range list {
		b = o.AppendUint64(b, r.Offset)
		b = o.AppendUint64(b, uint64(numbers[r.Symbol])<<32|uint64(r.Type))
	}
	return b
}

func (w *imageWriter) symbols(numbers []uint32) []byte {
	o := w.m.Order()
	b := make([]byte, symbolSize*(len(w.m.Symbols)+1))
	for i := range w.m.Symbols {
		s := &w.m.Symbols[i]
		at := b[symbolSize*numbers[i+1]:]
		o.PutUint32(at, w.name(s.Name))
		at[4], at[5] = s.Bind<<4|s.Type, s.Visibility
		o.PutUint16(at[6:], uint16(s.Section))
		o.PutUint64(at[8:], s.Value)
		o.PutUint64(at[16:], s.Size)
	}
	return b
}

// finish writes the section headers and the header.
func (w *imageWriter) finish() []byte {
	o := w.m.Order()
	for len(w.out)%8 != 0 {
		w.out = append(w.out, 0)
	}
	at := uint64(len(w.out))
	for _, h := range w.headers {
		w.out = o.AppendUint32(o.AppendUint32(w.out, h.name), h.typ)
		w.out = o.AppendUint64(o.AppendUint64(w.out, h.flags), 0)
		w.out = o.AppendUint64(o.AppendUint64(w.out, h.offset), h.size)
		w.out = o.AppendUint32(o.AppendUint32(w.out, h.link), h.info)
		w.out = o.AppendUint64(o.AppendUint64(w.out, h.align), h.entry)
	}
	b := w.out
	copy(b, "\x7fELF\x02\x01\x01")
	if w.m.big {
		b[5] = 2
	}
	o.PutUint16(b[16:], typeRelocatable)
	o.PutUint16(b[18:], machineBPF)
	o.PutUint32(b[20:], 1)
	o.PutUint64(b[40:], at)
	o.PutUint16(b[52:], headerSize)
	o.PutUint16(b[58:], sectionHeaderSize)
	o.PutUint16(b[60:], uint16(len(w.headers)))
	o.PutUint16(b[62:], uint16(len(w.headers)-1))
	return b
}
