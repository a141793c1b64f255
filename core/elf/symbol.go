package elf

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/wire"
)

// Bindings, types and visibilities of symbols.
const (
	bindLocal  = 0
	bindGlobal = 1
	bindWeak   = 2

	symbolNone    = 0
	symbolObject  = 1
	symbolFunc    = 2
	symbolSection = 3
	symbolFile    = 4

	visibilityInternal = 1
	visibilityHidden   = 2
)

// symbol is one entry of the symbol table.
type symbol struct {
	name    string
	value   uint64 // bytes from the start of its section
	size    uint64 // bytes; 0 is unknown
	section uint32 // index; 0 is undefined
	special bool   // section is a reserved number, such as that of absolute symbols
	bind    uint8
	typ     uint8
	hidden  bool
}

// defined reports whether the symbol lies in a section of this file.
func (s *symbol) defined() bool { return s.section != indexUndef && !s.special }

// homeless says that a symbol has no section of this file.
func (s *symbol) homeless() error {
	const common = 0xfff2 // SHN_COMMON of the ELF specification
	if s.section == common {
		return fmt.Errorf("variable %q has no section: give it a value, or compile with -fno-common", show(s.name))
	}
	return fmt.Errorf("symbol %q has no section", show(s.name))
}

// linkage translates binding and visibility.
func (s *symbol) linkage() spec.Linkage {
	switch {
	case s.bind == bindLocal:
		return spec.LinkStatic
	case s.hidden:
		return spec.LinkHidden
	case s.bind == bindWeak:
		return spec.LinkWeak
	}
	return spec.LinkGlobal
}

// readSymbols reads the one symbol table.
func (f *file) readSymbols() error {
	table, err := f.symbolTable()
	if err != nil {
		return err
	}
	data, err := f.bytes(table)
	if err != nil {
		return err
	}
	if table.entry != symbolSize {
		return table.fail(0, "symbols have %d bytes, not 24", table.entry)
	}
	if len(data)%symbolSize != 0 {
		return table.fail(uint64(len(data)), "size %d is not a multiple of 24", len(data))
	}
	if uint64(table.link) >= uint64(len(f.sections)) || f.sections[table.link].typ != sectionStrtab {
		return table.fail(0, "linked section %d is not a string table", table.link)
	}
	names, err := f.stringTable(&f.sections[table.link])
	if err != nil {
		return err
	}
	extended, err := f.extendedIndexes(table, len(data)/symbolSize)
	if err != nil {
		return err
	}
	c := wire.New(show(table.name), f.order, data)
	f.symbols = make([]symbol, len(data)/symbolSize)
	for i := range f.symbols {
		if err := f.readSymbol(c, i, table, names, extended); err != nil {
			return err
		}
	}
	return c.Err()
}

// symbolTable finds the symbol table; there is exactly one.
func (f *file) symbolTable() (*section, error) {
	var table *section
	for i := range f.sections {
		s := &f.sections[i]
		if s.typ != sectionSymtab {
			continue
		}
		if table != nil {
			return nil, s.fail(0, "second symbol table, section %d is the first", table.index)
		}
		table = s
	}
	if table == nil {
		return nil, fail("section headers", 0, "file has no symbol table")
	}
	return table, nil
}

// extendedIndexes finds the section numbers of symbols that need more than 16 bits.
func (f *file) extendedIndexes(table *section, symbols int) (*wire.Cursor, error) {
	for i := range f.sections {
		s := &f.sections[i]
		if s.typ != sectionShndx || s.link != table.index {
			continue
		}
		b, err := f.bytes(s)
		if err != nil {
			return nil, err
		}
		if len(b) != 4*symbols {
			return nil, s.fail(0, "%d bytes do not fit %d symbols", len(b), symbols)
		}
		return wire.New(show(s.name), f.order, b), nil
	}
	return nil, nil
}

func (f *file) readSymbol(c *wire.Cursor, i int, table *section, names *stringTable, extended *wire.Cursor) error {
	at := c.Offset()
	s := &f.symbols[i]
	name := c.U32()
	info, other := c.U8(), c.U8()
	index := uint32(c.U16())
	s.value, s.size = c.U64(), c.U64()
	s.bind, s.typ = info>>4, info&15
	s.hidden = other&3 == visibilityHidden || other&3 == visibilityInternal
	var wide uint32
	if extended != nil {
		wide = extended.U32()
	}
	switch {
	case index == indexExtended && extended == nil:
		return table.fail(at, "symbol %d has an extended section number, but there is no table of them", i)
	case index == indexExtended:
		s.section = wide
	case index >= indexReserved:
		s.section, s.special = index, true
	default:
		s.section = index
	}
	text, err := names.at(name)
	if err != nil {
		return table.fail(at, "name of symbol %d: %w", i, err)
	}
	s.name = text
	return nil
}

// check refuses a symbol outside its section. Only symbols that are used are checked: files in
// the wild have odd ones that nothing refers to.
func (f *file) check(i uint32) (*symbol, *section, error) {
	s := &f.symbols[i]
	at := uint64(i) * symbolSize
	if uint64(s.section) >= uint64(len(f.sections)) {
		return nil, nil, fail("symbol table", at, "symbol %q is in section %d of %d", show(s.name), s.section, len(f.sections))
	}
	sec := &f.sections[s.section]
	if s.value > sec.size || s.size > sec.size-s.value {
		return nil, nil, fail("symbol table", at, "symbol %q has %d bytes at offset %#x of section %s, which has %d", show(s.name), s.size, s.value, show(sec.name), sec.size)
	}
	return s, sec, nil
}
