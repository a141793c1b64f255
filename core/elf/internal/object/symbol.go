package object

import (
	"fmt"

	"github.com/bpfhost/bpfhost/internal/wire"
)

// Bindings, types and visibilities of symbols.
const (
	BindLocal  = 0
	BindGlobal = 1
	BindWeak   = 2

	SymbolNone    = 0
	SymbolObject  = 1
	SymbolFunc    = 2
	SymbolSection = 3
	SymbolFile    = 4

	visibilityInternal = 1
	VisibilityHidden   = 2
)

// Symbol is one entry of the symbol table.
type Symbol struct {
	Name    string
	Value   uint64 // bytes from the start of its section
	Size    uint64 // bytes; 0 is unknown
	Section uint32 // index; 0 is undefined
	Special bool   // section is a reserved number, such as that of absolute symbols
	Bind    uint8
	Type    uint8
	Hidden  bool
}

// Defined reports whether the symbol lies in a section of this file.
func (s *Symbol) Defined() bool { return s.Section != IndexUndef && !s.Special }

// NoSectionError says that a symbol has no section of this file.
func (s *Symbol) NoSectionError() error {
	const common = 0xfff2 // SHN_COMMON of the ELF specification
	if s.Section == common {
		return fmt.Errorf("variable %q has no section: give it a value, or compile with -fno-common", Show(s.Name))
	}
	return fmt.Errorf("symbol %q has no section", Show(s.Name))
}

// readSymbols reads the one symbol table.
func (f *File) readSymbols() error {
	table, err := f.symbolTable()
	if err != nil {
		return err
	}
	data, err := f.Bytes(table)
	if err != nil {
		return err
	}
	if table.Entry != symbolSize {
		return table.Errorf(0, "symbols have %d bytes, not 24", table.Entry)
	}
	if len(data)%symbolSize != 0 {
		return table.Errorf(uint64(len(data)), "size %d is not a multiple of 24", len(data))
	}
	if uint64(table.Link) >= uint64(len(f.Sections)) || f.Sections[table.Link].Type != sectionStrtab {
		return table.Errorf(0, "linked section %d is not a string table", table.Link)
	}
	names, err := f.stringTable(&f.Sections[table.Link])
	if err != nil {
		return err
	}
	extended, err := f.extendedIndexes(table, len(data)/symbolSize)
	if err != nil {
		return err
	}
	c := wire.New(Show(table.Name).String(), f.Order, data)
	f.Symbols = make([]Symbol, len(data)/symbolSize)
	for i := range f.Symbols {
		if err := f.readSymbol(c, i, table, names, extended); err != nil {
			return err
		}
	}
	return c.Err()
}

// symbolTable finds the symbol table; there is exactly one.
func (f *File) symbolTable() (*Section, error) {
	var table *Section
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Type != sectionSymtab {
			continue
		}
		if table != nil {
			return nil, s.Errorf(0, "second symbol table, section %d is the first", table.Index)
		}
		table = s
	}
	if table == nil {
		return nil, Errorf("section headers", 0, "file has no symbol table")
	}
	return table, nil
}

// extendedIndexes finds the section numbers of symbols that need more than 16 bits.
func (f *File) extendedIndexes(table *Section, symbols int) (*wire.Cursor, error) {
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Type != sectionShndx || s.Link != table.Index {
			continue
		}
		b, err := f.Bytes(s)
		if err != nil {
			return nil, err
		}
		if len(b) != 4*symbols {
			return nil, s.Errorf(0, "%d bytes do not fit %d symbols", len(b), symbols)
		}
		return wire.New(Show(s.Name).String(), f.Order, b), nil
	}
	return nil, nil
}

func (f *File) readSymbol(c *wire.Cursor, i int, table *Section, names *stringTable, extended *wire.Cursor) error {
	at := c.Offset()
	s := &f.Symbols[i]
	name := c.U32()
	info, other := c.U8(), c.U8()
	index := uint32(c.U16())
	s.Value, s.Size = c.U64(), c.U64()
	s.Bind, s.Type = info>>4, info&15
	s.Hidden = other&3 == VisibilityHidden || other&3 == visibilityInternal
	var wide uint32
	if extended != nil {
		wide = extended.U32()
	}
	switch {
	case index == indexExtended && extended == nil:
		return table.Errorf(at, "symbol %d has an extended section number, but there is no table of them", i)
	case index == indexExtended:
		s.Section = wide
	case index >= indexReserved:
		s.Section, s.Special = index, true
	default:
		s.Section = index
	}
	text, err := names.at(name)
	if err != nil {
		return table.Errorf(at, "name of symbol %d: %w", i, err)
	}
	s.Name = text
	return nil
}

// Symbol refuses a symbol outside its section. Only symbols that are used are checked: files in
// the wild have invalid ones that nothing refers to.
func (f *File) Symbol(i uint32) (*Symbol, *Section, error) {
	s := &f.Symbols[i]
	at := uint64(i) * symbolSize
	if uint64(s.Section) >= uint64(len(f.Sections)) {
		return nil, nil, Errorf("symbol table", at, "symbol %q is in section %d of %d", Show(s.Name), s.Section, len(f.Sections))
	}
	sec := &f.Sections[s.Section]
	if s.Value > sec.Size || s.Size > sec.Size-s.Value {
		return nil, nil, Errorf("symbol table", at, "symbol %q has %d bytes at offset %#x of section %s, which has %d", Show(s.Name), s.Size, s.Value, Show(sec.Name), sec.Size)
	}
	return s, sec, nil
}
