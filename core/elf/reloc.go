package elf

import (
	"slices"

	"github.com/bpfhost/bpfhost/internal/wire"
)

// Types of relocation (R_BPF_…, Documentation/bpf/llvm_reloc.rst of Linux).
const (
	relocLoad64  = 1  // R_BPF_64_64: a 64-bit load
	relocAbs64   = 2  // R_BPF_64_ABS64: data
	relocAbs32   = 3  // R_BPF_64_ABS32: data
	relocNoDyn32 = 4  // R_BPF_64_NODYLD32: .BTF and .BTF.ext
	relocCall    = 10 // R_BPF_64_32: a call
)

// reloc is one relocation.
type reloc struct {
	offset uint64 // bytes from the start of the section it patches
	symbol uint32 // index of the symbol
	typ    uint32
	entry  uint64 // offset of the record itself, for errors
}

// relocations reads one relocation section, sorted by the places that it patches. It fills buf, or what
// takes its place when that is too small.
func (f *file) relocations(buf []reloc, s *section) ([]reloc, error) {
	data, err := f.claim(s)
	if err != nil {
		return nil, err
	}
	if s.entry != relocSize {
		return nil, s.fail(0, "relocations have %d bytes, not 16", s.entry)
	}
	if len(data)%relocSize != 0 {
		return nil, s.fail(uint64(len(data)), "size %d is not a multiple of 16", len(data))
	}
	c := wire.New(show(s.name), f.order, data)
	out := slices.Grow(buf[:0], len(data)/relocSize)[:len(data)/relocSize]
	target := &f.sections[s.info]
	sorted := true
	for i := range out {
		r := &out[i]
		r.entry = c.Offset()
		r.offset = c.U64()
		r.typ, r.symbol = f.relocInfo(c.U64())
		if uint64(r.symbol) >= uint64(len(f.symbols)) {
			return nil, s.fail(r.entry, "relocation refers to symbol %d of %d", r.symbol, len(f.symbols))
		}
		if r.offset >= target.size {
			return nil, s.fail(r.entry, "relocation patches offset %#x of section %s, which has %d bytes", r.offset, show(target.name), target.size)
		}
		sorted = sorted && (i == 0 || out[i-1].offset <= r.offset)
	}
	if !sorted {
		slices.SortStableFunc(out, func(a, b reloc) int {
			if a.offset < b.offset {
				return -1
			}
			if a.offset > b.offset {
				return 1
			}
			return 0
		})
	}
	return out, c.Err()
}

// relocInfo splits r_info: the symbol is in the upper half.
func (f *file) relocInfo(info uint64) (typ, symbol uint32) {
	return uint32(info), uint32(info >> 32)
}

// relocSections gives for every section the relocation section that patches it, or nil.
func (f *file) relocSections() ([]*section, error) {
	out := make([]*section, len(f.sections))
	for i := range f.sections {
		s := &f.sections[i]
		if s.typ != sectionRel {
			continue
		}
		if s.info == 0 || uint64(s.info) >= uint64(len(f.sections)) {
			return nil, s.fail(0, "relocations are for section %d of %d", s.info, len(f.sections))
		}
		if out[s.info] != nil {
			return nil, s.fail(0, "second relocation section for %s", show(f.sections[s.info].name))
		}
		out[s.info] = s
	}
	return out, nil
}
