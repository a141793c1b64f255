package object

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/internal/wire"
)

// Numbers of the ELF format (System V ABI, chapters 4 and 5) that BPF objects use.
const (
	headerSize        = 64
	sectionHeaderSize = 64
	symbolSize        = 24
	relocSize         = 16

	typeRelocatable = 1
	machineBPF      = 247

	sectionNull     = 0
	SectionProgbits = 1
	sectionSymtab   = 2
	sectionStrtab   = 3
	SectionNobits   = 8
	sectionRel      = 9
	sectionShndx    = 18

	FlagWrite      = 0x1
	FlagAlloc      = 0x2
	FlagExec       = 0x4
	FlagCompressed = 0x800

	IndexUndef    = 0
	indexReserved = 0xff00 // from here on numbers have meanings of their own
	indexExtended = 0xffff
)

// Section is one section header.
type Section struct {
	Name   string
	Index  uint32
	nameAt uint32
	Type   uint32
	Link   uint32
	Info   uint32
	Flags  uint64
	Offset uint64
	Size   uint64
	Align  uint64
	Entry  uint64
}

// IsCode reports whether the section holds instructions.
func (s *Section) IsCode() bool {
	return s.Type == SectionProgbits && s.Flags&FlagExec != 0 && s.Size > 0
}

// File is an ELF file as a container: headers, sections and symbols, all within bounds.
type File struct {
	Data     []byte
	Order    binary.ByteOrder
	Machine  uint16
	Sections []Section
	Symbols  []Symbol

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

// Errorf makes a format error for a place in a section, or in the file when there is none yet.
func Errorf(section string, offset uint64, format string, args ...any) error {
	return &wire.Error{Section: section, Offset: offset, Err: fmt.Errorf(format, args...)}
}

// Errorf makes a format error for a place in the section.
func (s *Section) Errorf(offset uint64, format string, args ...any) error {
	return Errorf(Show(s.Name).String(), offset, format, args...)
}

var errCompressed = errors.New("compressed section is not supported")

// Open reads headers, section names and symbols.
func Open(data []byte) (*File, error) {
	if err := identify(data); err != nil {
		return nil, err
	}
	f := &File{Data: data, Order: binary.LittleEndian}
	if data[5] == 2 {
		f.Order = binary.BigEndian
	}
	h, err := f.readHeader()
	if err != nil {
		return nil, err
	}
	if err := checkMachine(h); err != nil {
		return nil, err
	}
	f.Machine = h.machine
	if err := f.readSections(h); err != nil {
		return nil, err
	}
	return f, f.readSymbols()
}

func (f *File) readHeader() (header, error) {
	var h header
	if c := f.Data[4]; c != 2 {
		return h, Errorf("ELF header", 4, "class %d is not 64-bit (2)", c)
	}
	if o := f.Data[5]; o != 1 && o != 2 {
		return h, Errorf("ELF header", 5, "byte order %d is neither little (1) nor big (2)", o)
	}
	c := wire.New("ELF header", f.Order, f.Data)
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
func (f *File) readSections(h header) error {
	const table = "section headers"
	if h.sectionOffset == 0 {
		return Errorf("ELF header", 40, "file has no section headers")
	}
	if h.entrySize != sectionHeaderSize {
		return Errorf("ELF header", 58, "section headers have %d bytes, not 64", h.entrySize)
	}
	if h.sectionOffset > uint64(len(f.Data)) || uint64(len(f.Data))-h.sectionOffset < sectionHeaderSize {
		return Errorf("ELF header", 40, "section headers at %#x are outside the file of %d bytes", h.sectionOffset, len(f.Data))
	}
	c := wire.New(table, f.Order, f.Data[h.sectionOffset:])
	first := f.readSection(c, 0)
	if first.Type != sectionNull {
		return Errorf(table, 0, "section 0 has type %d, not NULL (0)", first.Type)
	}
	count := uint64(h.count)
	if count == 0 {
		count = first.Size
	}
	if h.strings == indexExtended {
		h.strings = first.Link
	}
	if count == 0 {
		return Errorf("ELF header", 60, "file has no sections")
	}
	if !c.Fits(count-1, sectionHeaderSize) {
		return c.Err()
	}
	f.Sections = make([]Section, count)
	f.Sections[0] = first
	for i := uint64(1); i < count; i++ {
		f.Sections[i] = f.readSection(c, uint32(i))
		if err := f.checkSection(&f.Sections[i], i*sectionHeaderSize); err != nil {
			return err
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	return f.nameSections(h.strings)
}

func (f *File) readSection(c *wire.Cursor, index uint32) Section {
	s := Section{Index: index, nameAt: c.U32(), Type: c.U32(), Flags: c.U64()}
	c.Skip(8) // address
	s.Offset, s.Size = c.U64(), c.U64()
	s.Link, s.Info = c.U32(), c.U32()
	s.Align, s.Entry = c.U64(), c.U64()
	return s
}

// checkSection refuses a section that does not lie within the file.
func (f *File) checkSection(s *Section, at uint64) error {
	if s.Type == sectionNull || s.Type == SectionNobits {
		return nil
	}
	if size := uint64(len(f.Data)); s.Offset > size || s.Size > size-s.Offset {
		return Errorf("section headers", at, "section %d has %d bytes at offset %#x, the file has %d", s.Index, s.Size, s.Offset, size)
	}
	return nil
}

func (f *File) nameSections(index uint32) error {
	if uint64(index) >= uint64(len(f.Sections)) || f.Sections[index].Type != sectionStrtab {
		return Errorf("ELF header", 62, "section %d does not hold the section names", index)
	}
	names, err := f.stringTable(&f.Sections[index])
	if err != nil {
		return err
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		name, err := names.at(s.nameAt)
		if err != nil {
			return Errorf("section headers", uint64(i)*sectionHeaderSize, "name of section %d: %w", i, err)
		}
		s.Name = name
	}
	return nil
}

// Bytes returns what is in a section, without copying it.
func (f *File) Bytes(s *Section) ([]byte, error) {
	if s.Flags&FlagCompressed != 0 {
		return nil, &wire.Error{Section: Show(s.Name).String(), Err: errCompressed}
	}
	if s.Type == SectionNobits {
		return nil, s.Errorf(0, "section of type NOBITS holds no data")
	}
	if s.Type == sectionNull {
		return nil, s.Errorf(0, "section of type NULL holds no data")
	}
	return f.Data[s.Offset : s.Offset+s.Size : s.Offset+s.Size], nil
}

// Claim returns what is in a section whose bytes are going to be copied or decoded. Sections may
// overlap, but together they cannot claim much more than the file has.
func (f *File) Claim(s *Section) ([]byte, error) {
	b, err := f.Bytes(s)
	if err != nil {
		return nil, err
	}
	if !f.ClaimMore(uint64(len(b))) {
		return nil, s.Errorf(0, "sections overlap too much")
	}
	return b, nil
}

// ClaimMore counts bytes that are going to be decoded once more, and reports whether all that was
// claimed is within the bound.
func (f *File) ClaimMore(n uint64) bool {
	f.claimed += n
	return f.claimed <= 2*uint64(len(f.Data))
}
