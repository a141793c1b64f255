// Package elftest writes small eBPF object files for tests: readable programs in, object bytes out.
// Nothing in it is checked, so that it can write wrong files too.
package elftest

import (
	"encoding/binary"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

// Numbers of the ELF format that tests use.
const (
	Progbits = 1
	Symtab   = 2
	Strtab   = 3
	Nobits   = 8
	Rel      = 9
	Shndx    = 18

	Alloc      = 0x2
	Exec       = 0x4
	Compressed = 0x800

	Local  = 0
	Global = 1
	Weak   = 2

	NoType      = 0
	Object      = 1
	Func        = 2
	SectionType = 3

	Load64 = 1  // R_BPF_64_64
	Abs64  = 2  // R_BPF_64_ABS64
	Call   = 10 // R_BPF_64_32
)

// File is an object file about to be written. Section 0, the symbol table and the string tables
// are added by Bytes.
type File struct {
	Order    asm.ByteOrder
	Type     uint16 // e_type; 0 means relocatable
	Machine  uint16
	Sections []Section
	Symbols  []Symbol

	Edit func(headers []Header) // last change to the section headers, section 0 included
}

// Section is one section. Its number in the file is its index plus one.
type Section struct {
	Name   string
	Type   uint32 // 0 means Progbits
	Flags  uint64
	Data   []byte
	Size   uint64 // of a section without data
	Link   uint32
	Info   uint32
	Align  uint64
	Entry  uint64
	Relocs []Reloc // become a section of their own
}

// Symbol is one symbol. Section is the name of its section; empty is undefined.
type Symbol struct {
	Name       string
	Section    string
	Value      uint64
	Size       uint64
	Bind       uint8
	Type       uint8
	Visibility uint8
	Index      uint16 // section number instead of Section, when not zero
}

// Reloc is one relocation. Symbol is the name of a symbol, or of a section for its section symbol.
type Reloc struct {
	Offset uint64
	Symbol string
	Type   uint32
	Number uint32 // number of the symbol instead of Symbol, when not zero
}

// Header is a section header as it is written.
type Header struct {
	Name, Type       uint32
	Flags, Addr      uint64
	Offset, Size     uint64
	Link, Info       uint32
	Align, EntrySize uint64
}

// Bytes writes the file: header, sections, relocations, symbols, names, section headers.
func (f *File) Bytes() []byte {
	w := writer{order: binary.LittleEndian, f: f}
	if f.Order == asm.BigEndian {
		w.order = binary.BigEndian
	}
	return w.file()
}

type writer struct {
	f       *File
	order   binary.AppendByteOrder
	out     []byte
	headers []Header
	strings []byte
}

func (w *writer) file() []byte {
	f := w.f
	w.out = make([]byte, 64)
	w.strings = []byte{0}
	w.headers = []Header{{}}
	for _, s := range f.Sections {
		w.section(s)
	}
	symtab := uint32(len(f.Sections) + 1)
	for _, s := range f.Sections {
		if len(s.Relocs) > 0 {
			symtab++
		}
	}
	symbols := w.symbols()
	for i, s := range f.Sections {
		if len(s.Relocs) > 0 {
			w.section(Section{Name: ".rel" + s.Name, Type: Rel, Data: w.relocs(s.Relocs, symbols), Link: symtab, Info: uint32(i + 1), Align: 8, Entry: 16})
		}
	}
	w.section(Section{Name: ".symtab", Type: Symtab, Data: w.symbolTable(symbols), Link: symtab + 1, Info: firstGlobal(symbols), Align: 8, Entry: 24})
	name := w.name(".strtab")
	w.headers = append(w.headers, Header{Name: name, Type: Strtab, Offset: uint64(len(w.out)), Size: uint64(len(w.strings)), Align: 1})
	w.out = append(w.out, w.strings...)
	if f.Edit != nil {
		f.Edit(w.headers)
	}
	w.align(8)
	at := uint64(len(w.out))
	for _, h := range w.headers {
		w.header(h)
	}
	w.fileHeader(at)
	return w.out
}

// symbols returns all symbols: the null one, those of sections, the file's, local ones first.
func (w *writer) symbols() []Symbol {
	out := []Symbol{{}}
	for i, s := range w.f.Sections {
		out = append(out, Symbol{Section: s.Name, Type: SectionType, Index: uint16(i + 1)})
	}
	rest := slices.Clone(w.f.Symbols)
	slices.SortStableFunc(rest, func(a, b Symbol) int { return int(min(a.Bind, 1)) - int(min(b.Bind, 1)) })
	return append(out, rest...)
}

func firstGlobal(symbols []Symbol) uint32 {
	i := slices.IndexFunc(symbols, func(s Symbol) bool { return s.Bind != Local })
	if i < 0 {
		i = len(symbols)
	}
	return uint32(i)
}

func (w *writer) name(s string) uint32 {
	if s == "" {
		return 0
	}
	at := len(w.strings)
	w.strings = append(append(w.strings, s...), 0)
	return uint32(at)
}

func (w *writer) align(n int) {
	w.out = append(w.out, make([]byte, (n-len(w.out)%n)%n)...)
}

func (w *writer) section(s Section) {
	if s.Type == 0 {
		s.Type = Progbits
	}
	w.align(8)
	h := Header{Name: w.name(s.Name), Type: s.Type, Flags: s.Flags, Offset: uint64(len(w.out)), Size: uint64(len(s.Data)), Link: s.Link, Info: s.Info, Align: s.Align, EntrySize: s.Entry}
	if s.Data == nil {
		h.Size = s.Size
	}
	w.out = append(w.out, s.Data...)
	w.headers = append(w.headers, h)
}

func (w *writer) symbolTable(symbols []Symbol) []byte {
	var b []byte
	for _, s := range symbols {
		index := s.Index
		if index == 0 && s.Section != "" {
			index = uint16(1 + slices.IndexFunc(w.f.Sections, func(x Section) bool { return x.Name == s.Section }))
		}
		b = w.order.AppendUint32(b, w.name(s.Name))
		b = append(b, s.Bind<<4|s.Type, s.Visibility)
		b = w.order.AppendUint16(b, index)
		b = w.order.AppendUint64(b, s.Value)
		b = w.order.AppendUint64(b, s.Size)
	}
	return b
}

func (w *writer) relocs(relocs []Reloc, symbols []Symbol) []byte {
	var b []byte
	for _, r := range relocs {
		n := r.Number
		if n == 0 {
			i := slices.IndexFunc(symbols, func(s Symbol) bool {
				return s.Name == r.Symbol && s.Name != "" || s.Type == SectionType && s.Section == r.Symbol
			})
			n = uint32(max(i, 0))
		}
		b = w.order.AppendUint64(b, r.Offset)
		b = w.order.AppendUint64(b, uint64(n)<<32|uint64(r.Type))
	}
	return b
}

func (w *writer) header(h Header) {
	o := w.order
	w.out = o.AppendUint32(o.AppendUint32(w.out, h.Name), h.Type)
	for _, v := range []uint64{h.Flags, h.Addr, h.Offset, h.Size} {
		w.out = o.AppendUint64(w.out, v)
	}
	w.out = o.AppendUint32(o.AppendUint32(w.out, h.Link), h.Info)
	w.out = o.AppendUint64(o.AppendUint64(w.out, h.Align), h.EntrySize)
}

func (w *writer) fileHeader(sections uint64) {
	b := []byte("\x7fELF\x02\x01\x01")
	if w.f.Order == asm.BigEndian {
		b[5] = 2
	}
	b = append(b, make([]byte, 16-len(b))...)
	typ := w.f.Type
	if typ == 0 {
		typ = 1
	}
	o := w.order
	b = o.AppendUint16(o.AppendUint16(b, typ), w.f.Machine)
	b = o.AppendUint32(b, 1)
	b = o.AppendUint64(o.AppendUint64(b, 0), 0)
	b = o.AppendUint64(b, sections)
	b = o.AppendUint32(b, 0)
	for _, v := range []uint16{64, 0, 0, 64, uint16(len(w.headers)), uint16(len(w.headers) - 1)} {
		b = o.AppendUint16(b, v)
	}
	copy(w.out, b)
}
