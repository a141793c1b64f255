package elf

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/internal/wire"
)

// Numbers of the ELF format (System V ABI, chapters 4 and 5) that BPF objects use.
const (
	headerSize        = 64
	sectionHeaderSize = 64
	symbolSize        = 24
	relocSize         = 16

	typeRel    = 1
	machineBPF = 247

	sectionNull     = 0
	sectionProgbits = 1
	sectionSymtab   = 2
	sectionStrtab   = 3
	sectionNobits   = 8
	sectionRel      = 9
	sectionShndx    = 18

	flagAlloc      = 0x2
	flagExec       = 0x4
	flagCompressed = 0x800

	indexUndef    = 0
	indexReserved = 0xff00 // from here on numbers have meanings of their own
	indexExtended = 0xffff
)

// section is one section header.
type section struct {
	name   string
	index  uint32
	nameAt uint32
	typ    uint32
	link   uint32
	info   uint32
	flags  uint64
	offset uint64
	size   uint64
	align  uint64
	entry  uint64
}

// exec reports whether the section holds instructions.
func (s *section) exec() bool {
	return s.typ == sectionProgbits && s.flags&flagExec != 0 && s.size > 0
}

// file is an ELF file as a container: headers, sections and symbols, all within bounds.
type file struct {
	data     []byte
	order    binary.ByteOrder
	machine  uint16
	sections []section
	symbols  []symbol

	names   map[uint32]*stringTable // by section
	claimed uint64                  // bytes of sections that were copied or decoded
}

// header is what the first 64 bytes say.
type header struct {
	typ, machine   uint16
	sectionOffset  uint64
	entrySize      uint16
	count, strings uint32
}

// fail makes a format error for a place in a section, or in the file when there is none yet.
func fail(section string, offset uint64, format string, args ...any) error {
	return &wire.Error{Section: section, Offset: offset, Err: fmt.Errorf(format, args...)}
}

// fail makes a format error for a place in the section.
func (s *section) fail(offset uint64, format string, args ...any) error {
	return fail(show(s.name), offset, format, args...)
}

var errCompressed = errors.New("compressed section is not supported")

// openFile reads headers, section names and symbols.
func openFile(data []byte) (*file, error) {
	if err := identify(data); err != nil {
		return nil, err
	}
	f := &file{data: data, order: binary.LittleEndian}
	if data[5] == 2 {
		f.order = binary.BigEndian
	}
	h, err := f.readHeader()
	if err != nil {
		return nil, err
	}
	if err := checkMachine(h); err != nil {
		return nil, err
	}
	f.machine = h.machine
	if err := f.readSections(h); err != nil {
		return nil, err
	}
	return f, f.readSymbols()
}

func (f *file) asmOrder() asm.ByteOrder {
	if f.order == binary.BigEndian {
		return asm.BigEndian
	}
	return asm.LittleEndian
}

func (f *file) readHeader() (header, error) {
	var h header
	if c := f.data[4]; c != 2 {
		return h, fail("ELF header", 4, "class %d is not 64-bit (2)", c)
	}
	if o := f.data[5]; o != 1 && o != 2 {
		return h, fail("ELF header", 5, "byte order %d is neither little (1) nor big (2)", o)
	}
	c := wire.New("ELF header", f.order, f.data)
	c.Skip(16)
	h.typ, h.machine = c.U16(), c.U16()
	c.Skip(4 + 8 + 8) // version, entry point, program headers
	h.sectionOffset = c.U64()
	c.Skip(4 + 2 + 2 + 2) // flags, header size, program header size and count
	h.entrySize = c.U16()
	h.count, h.strings = uint32(c.U16()), uint32(c.U16())
	return h, c.Err()
}

// readSections reads the section header table. Section 0 holds the numbers that do not fit into
// the header.
func (f *file) readSections(h header) error {
	const table = "section headers"
	if h.sectionOffset == 0 {
		return fail("ELF header", 40, "file has no section headers")
	}
	if h.entrySize != sectionHeaderSize {
		return fail("ELF header", 58, "section headers have %d bytes, not 64", h.entrySize)
	}
	if h.sectionOffset > uint64(len(f.data)) || uint64(len(f.data))-h.sectionOffset < sectionHeaderSize {
		return fail("ELF header", 40, "section headers at %#x are outside the file of %d bytes", h.sectionOffset, len(f.data))
	}
	c := wire.New(table, f.order, f.data[h.sectionOffset:])
	first := f.readSection(c, 0)
	if first.typ != sectionNull {
		return fail(table, 0, "section 0 has type %d, not NULL (0)", first.typ)
	}
	count := uint64(h.count)
	if count == 0 {
		count = first.size
	}
	if h.strings == indexExtended {
		h.strings = first.link
	}
	if count == 0 {
		return fail("ELF header", 60, "file has no sections")
	}
	if !c.Fits(count-1, sectionHeaderSize) {
		return c.Err()
	}
	f.sections = make([]section, count)
	f.sections[0] = first
	for i := uint64(1); i < count; i++ {
		f.sections[i] = f.readSection(c, uint32(i))
		if err := f.checkSection(&f.sections[i], i*sectionHeaderSize); err != nil {
			return err
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	return f.nameSections(h.strings)
}

func (f *file) readSection(c *wire.Cursor, index uint32) section {
	s := section{index: index, nameAt: c.U32(), typ: c.U32(), flags: c.U64()}
	c.Skip(8) // address
	s.offset, s.size = c.U64(), c.U64()
	s.link, s.info = c.U32(), c.U32()
	s.align, s.entry = c.U64(), c.U64()
	return s
}

// checkSection refuses a section that does not lie within the file.
func (f *file) checkSection(s *section, at uint64) error {
	if s.typ == sectionNull || s.typ == sectionNobits {
		return nil
	}
	if size := uint64(len(f.data)); s.offset > size || s.size > size-s.offset {
		return fail("section headers", at, "section %d has %d bytes at offset %#x, the file has %d", s.index, s.size, s.offset, size)
	}
	return nil
}

func (f *file) nameSections(index uint32) error {
	if uint64(index) >= uint64(len(f.sections)) || f.sections[index].typ != sectionStrtab {
		return fail("ELF header", 62, "section %d does not hold the section names", index)
	}
	names, err := f.stringTable(&f.sections[index])
	if err != nil {
		return err
	}
	for i := range f.sections {
		s := &f.sections[i]
		name, err := names.at(s.nameAt)
		if err != nil {
			return fail("section headers", uint64(i)*sectionHeaderSize, "name of section %d: %w", i, err)
		}
		s.name = name
	}
	return nil
}

// bytes gives what is in a section, without copying it.
func (f *file) bytes(s *section) ([]byte, error) {
	if s.flags&flagCompressed != 0 {
		return nil, &wire.Error{Section: show(s.name), Err: errCompressed}
	}
	if s.typ == sectionNobits {
		return nil, s.fail(0, "section of type NOBITS holds no data")
	}
	if s.typ == sectionNull {
		return nil, s.fail(0, "section of type NULL holds no data")
	}
	return f.data[s.offset : s.offset+s.size : s.offset+s.size], nil
}

// claim gives what is in a section whose bytes are going to be copied or decoded. Sections may
// overlap, but together they cannot claim much more than the file has.
func (f *file) claim(s *section) ([]byte, error) {
	b, err := f.bytes(s)
	if err != nil {
		return nil, err
	}
	if f.claimed += uint64(len(b)); f.claimed > 2*uint64(len(f.data)) {
		return nil, s.fail(0, "sections overlap too much")
	}
	return b, nil
}
