package object

import "bytes"

// GNU as 2.40 writes the value of a symbol into the instruction that is relocated against it: a call of a
// global function has its offset in bytes less one where -1 belongs, a load of a variable its offset in the section where
// there should be what is added to it. Sections are fine, and so is what refers to a symbol at 0.

// slotSize is the size of an instruction in bytes; a 64-bit load has two.
const slotSize = 8

// comment is the section in which compilers sign what they made.
const comment = ".comment"

// HasAddendInPlace reports whether the instructions of a file hold the values of symbols. Only GCC's assembler did that.
func (f *File) HasAddendInPlace(relocs []*Section) (bool, error) {
	if !f.madeByGCC() {
		return false, nil
	}
	found := false
	for i, r := range relocs {
		s := &f.Sections[i]
		if r == nil || !s.IsCode() {
			continue
		}
		list, err := f.Relocations(nil, r)
		if err != nil {
			return false, err
		}
		code, err := f.Bytes(s)
		if err != nil {
			return false, err
		}
		for _, x := range list {
			value := f.AddendInPlace(x)
			if value == 0 || x.Offset+slotSize > uint64(len(code)) {
				continue
			}
			imm := int64(int32(f.Order.Uint32(code[x.Offset+4:])))
			switch {
			case x.Type == RelocCall && imm == value-1, x.Type == RelocLoad64 && imm == value:
				found = true
			case x.Type == RelocCall, x.Type == RelocLoad64 && imm < value:
				return false, nil
			}
		}
	}
	return found, nil
}

// madeByGCC reports whether GCC signed the file.
func (f *File) madeByGCC() bool {
	for i := range f.Sections {
		if s := &f.Sections[i]; s.Name == comment && s.Type == SectionProgbits {
			b, err := f.Bytes(s)
			return err == nil && bytes.Contains(b, []byte("GCC: "))
		}
	}
	return false
}

// AddendInPlace returns the value that such an assembler writes for a relocation, 0 for none.
func (f *File) AddendInPlace(x Reloc) int64 {
	s := &f.Symbols[x.Symbol]
	if s.Type == SymbolSection || !s.Defined() {
		return 0
	}
	return int64(int32(s.Value))
}
