package object

import (
	"slices"

	"github.com/bpfhost/bpfhost/internal/wire"
)

// Types of relocation (R_BPF_…, Documentation/bpf/llvm_reloc.rst of Linux).
const (
	RelocLoad64  = 1  // R_BPF_64_64: a 64-bit load
	RelocAbs64   = 2  // R_BPF_64_ABS64: data
	RelocAbs32   = 3  // R_BPF_64_ABS32: data
	RelocNoDyn32 = 4  // R_BPF_64_NODYLD32: .BTF and .BTF.ext
	RelocCall    = 10 // R_BPF_64_32: a call
)

// Reloc is one relocation.
type Reloc struct {
	Offset uint64 // bytes from the start of the section it patches
	Symbol uint32 // index of the symbol
	Type   uint32
	Entry  uint64 // offset of the record itself, for errors
}

// Relocations reads one relocation section, sorted by the places that it patches. It fills buf, or what
// takes its place when that is too small.
func (f *File) Relocations(buf []Reloc, s *Section) ([]Reloc, error) {
	data, err := f.Claim(s)
	if err != nil {
		return nil, err
	}
	if s.Entry != relocSize {
		return nil, s.Errorf(0, "relocations have %d bytes, not 16", s.Entry)
	}
	if len(data)%relocSize != 0 {
		return nil, s.Errorf(uint64(len(data)), "size %d is not a multiple of 16", len(data))
	}
	c := wire.New(Show(s.Name).String(), f.Order, data)
	out := slices.Grow(buf[:0], len(data)/relocSize)[:len(data)/relocSize]
	target := &f.Sections[s.Info]
	sorted := true
	for i := range out {
		r := &out[i]
		r.Entry = c.Offset()
		r.Offset = c.U64()
		r.Type, r.Symbol = f.relocInfo(c.U64())
		if uint64(r.Symbol) >= uint64(len(f.Symbols)) {
			return nil, s.Errorf(r.Entry, "relocation refers to symbol %d of %d", r.Symbol, len(f.Symbols))
		}
		if r.Offset >= target.Size {
			return nil, s.Errorf(r.Entry, "relocation patches offset %#x of section %s, which has %d bytes", r.Offset, Show(target.Name), target.Size)
		}
		sorted = sorted && (i == 0 || out[i-1].Offset <= r.Offset)
	}
	if !sorted {
		slices.SortStableFunc(out, func(a, b Reloc) int {
			if a.Offset < b.Offset {
				return -1
			}
			if a.Offset > b.Offset {
				return 1
			}
			return 0
		})
	}
	return out, c.Err()
}

// relocInfo splits r_info: the symbol is in the upper half.
func (f *File) relocInfo(info uint64) (typ, symbol uint32) {
	return uint32(info), uint32(info >> 32)
}

// RelocSections returns for every section the relocation section that patches it, or nil.
func (f *File) RelocSections() ([]*Section, error) {
	out := make([]*Section, len(f.Sections))
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Type != sectionRel {
			continue
		}
		if s.Info == 0 || uint64(s.Info) >= uint64(len(f.Sections)) {
			return nil, s.Errorf(0, "relocations are for section %d of %d", s.Info, len(f.Sections))
		}
		if out[s.Info] != nil {
			return nil, s.Errorf(0, "second relocation section for %s", Show(f.Sections[s.Info].Name))
		}
		out[s.Info] = s
	}
	return out, nil
}
