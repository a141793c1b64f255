package elf

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

// image is an object file about to be written. Sections and symbols are numbered from 1 in the order
// in which they were added.
type image struct {
	big      bool
	sections []outSection
	symbols  []outSymbol
	named    map[string]int // sections by name
	marks    map[int]int    // by section: its section symbol
}

type outSection struct {
	name   string
	typ    uint32
	flags  uint64
	data   []byte
	size   uint64 // of a section without data
	align  uint64
	relocs []outReloc
}

type outSymbol struct {
	name       string
	section    int // 0 is undefined
	value      uint64
	size       uint64
	bind, typ  uint8
	visibility uint8
}

type outReloc struct {
	offset uint64
	symbol int
	typ    uint32
}

func newImage(order asm.ByteOrder) *image {
	return &image{big: order == asm.BigEndian, named: make(map[string]int), marks: make(map[int]int)}
}

// byteOrder can read, write and append.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

func (m *image) order() byteOrder {
	if m.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// section finds the section of that name or adds it, and gives its number.
func (m *image) section(name string, typ uint32, flags, align uint64) int {
	if n := m.named[name]; n != 0 {
		return n
	}
	m.sections = append(m.sections, outSection{name: name, typ: typ, flags: flags, align: align})
	m.named[name] = len(m.sections)
	return len(m.sections)
}

func (m *image) at(section int) *outSection { return &m.sections[section-1] }

func (m *image) symbol(s outSymbol) int {
	m.symbols = append(m.symbols, s)
	return len(m.symbols)
}

// mark gives the section symbol of a section.
func (m *image) mark(section int) int {
	if m.marks[section] == 0 {
		m.marks[section] = m.symbol(outSymbol{section: section, typ: symbolSection})
	}
	return m.marks[section]
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

// bytes writes the file: header, sections, relocations, symbols, names, section headers.
func (m *image) bytes() ([]byte, error) {
	if len(m.sections) > maxSections {
		return nil, fmt.Errorf("%d sections are more than %d", len(m.sections), maxSections)
	}
	w := m.writer()
	for i := range m.sections {
		s := &m.sections[i]
		h := outHeader{name: w.name(s.name), typ: s.typ, flags: s.flags, size: s.size, align: max(s.align, 1)}
		w.add(h, s.data)
	}
	numbers, locals := m.sortSymbols()
	table := uint32(len(w.headers))
	for i := range m.sections {
		if len(m.sections[i].relocs) > 0 {
			table++
		}
	}
	for i := range m.sections {
		if s := &m.sections[i]; len(s.relocs) > 0 {
			h := outHeader{name: w.name(".rel" + s.name), typ: sectionRel, link: table, info: uint32(i + 1), align: 8, entry: relocSize}
			w.add(h, w.relocs(s.relocs, numbers))
		}
	}
	w.add(outHeader{name: w.name(".symtab"), typ: sectionSymtab, link: table + 1, info: locals, align: 8, entry: symbolSize}, w.symbols(numbers))
	strtab := w.name(".strtab")
	w.add(outHeader{name: strtab, typ: sectionStrtab, align: 1}, w.text)
	return w.finish(), nil
}

// sortSymbols gives every symbol its number in the file, local ones first, and the number of the
// first that is not.
func (m *image) sortSymbols() (numbers []uint32, locals uint32) {
	numbers = make([]uint32, len(m.symbols)+1)
	next := uint32(1)
	for _, local := range []bool{true, false} {
		for i := range m.symbols {
			if (m.symbols[i].bind == bindLocal) == local {
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
	m       *image
	out     []byte
	headers []outHeader
	names   map[string]uint32
	text    []byte
}

// writer has room for the whole file.
func (m *image) writer() *imageWriter {
	names, relocs, size := len("..symtab..strtab."), 0, uint64(headerSize)
	for i := range m.sections {
		s := &m.sections[i]
		names += len(s.name) + 1
		size = (size+max(s.align, 1)-1)/max(s.align, 1)*max(s.align, 1) + uint64(len(s.data))
		if len(s.relocs) > 0 {
			names += len(".rel") + len(s.name) + 1
			relocs++
		}
	}
	for i := range m.sections {
		size += uint64(relocSize*len(m.sections[i].relocs)) + 8
	}
	for i := range m.symbols {
		names += len(m.symbols[i].name) + 1
	}
	headers := 1 + len(m.sections) + relocs + 2
	size += uint64(symbolSize*(1+len(m.symbols))+names+sectionHeaderSize*headers) + 16
	w := &imageWriter{m: m, names: make(map[string]uint32, len(m.symbols)+headers), text: make([]byte, 1, names)}
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
	if h.typ != sectionNobits {
		h.size = uint64(len(data))
		w.out = append(w.out, data...)
	}
	w.headers = append(w.headers, h)
}

func (w *imageWriter) relocs(list []outReloc, numbers []uint32) []byte {
	o := w.m.order()
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b outReloc) int {
		switch {
		case a.offset < b.offset:
			return -1
		case a.offset > b.offset:
			return 1
		}
		return 0
	})
	b := make([]byte, 0, relocSize*len(list))
	for _, r := range list {
		b = o.AppendUint64(b, r.offset)
		b = o.AppendUint64(b, uint64(numbers[r.symbol])<<32|uint64(r.typ))
	}
	return b
}

func (w *imageWriter) symbols(numbers []uint32) []byte {
	o := w.m.order()
	b := make([]byte, symbolSize*(len(w.m.symbols)+1))
	for i := range w.m.symbols {
		s := &w.m.symbols[i]
		at := b[symbolSize*numbers[i+1]:]
		o.PutUint32(at, w.name(s.name))
		at[4], at[5] = s.bind<<4|s.typ, s.visibility
		o.PutUint16(at[6:], uint16(s.section))
		o.PutUint64(at[8:], s.value)
		o.PutUint64(at[16:], s.size)
	}
	return b
}

// finish writes the section headers and the header.
func (w *imageWriter) finish() []byte {
	o := w.m.order()
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
	o.PutUint16(b[16:], typeRel)
	o.PutUint16(b[18:], machineBPF)
	o.PutUint32(b[20:], 1)
	o.PutUint64(b[40:], at)
	o.PutUint16(b[52:], headerSize)
	o.PutUint16(b[58:], sectionHeaderSize)
	o.PutUint16(b[60:], uint16(len(w.headers)))
	o.PutUint16(b[62:], uint16(len(w.headers)-1))
	return b
}
