package elf

import (
	"bytes"

	"github.com/bpfhost/bpfhost/core/asm"
)

// GNU as 2.40 writes the value of a symbol into the instruction that is relocated against it: a call of a
// global function has its offset in bytes less one where -1 belongs, a load of a variable its offset in the section where
// there should be what is added to it. Sections are fine, and so is what refers to a symbol at 0.

// comment is the section in which compilers sign what they made.
const comment = ".comment"

// doubled reports whether the instructions of a file hold the values of symbols. Only GCC's assembler did that.
func (f *file) doubled(relocs []*section) (bool, error) {
	if !f.madeByGCC() {
		return false, nil
	}
	found := false
	for i, r := range relocs {
		s := &f.sections[i]
		if r == nil || !s.exec() {
			continue
		}
		list, err := f.relocations(nil, r)
		if err != nil {
			return false, err
		}
		code, err := f.bytes(s)
		if err != nil {
			return false, err
		}
		for _, x := range list {
			value := f.doubledBy(x)
			if value == 0 || x.offset+asm.SlotSize > uint64(len(code)) {
				continue
			}
			imm := int64(int32(f.order.Uint32(code[x.offset+4:])))
			switch {
			case x.typ == relocCall && imm == value-1, x.typ == relocLoad64 && imm == value:
				found = true
			case x.typ == relocCall, x.typ == relocLoad64 && imm < value:
				return false, nil
			}
		}
	}
	return found, nil
}

// madeByGCC reports whether GCC signed the file.
func (f *file) madeByGCC() bool {
	for i := range f.sections {
		if s := &f.sections[i]; s.name == comment && s.typ == sectionProgbits {
			b, err := f.bytes(s)
			return err == nil && bytes.Contains(b, []byte("GCC: "))
		}
	}
	return false
}

// doubledBy gives the value that such an assembler writes for a relocation, 0 for none.
func (f *file) doubledBy(x reloc) int64 {
	s := &f.symbols[x.symbol]
	if s.typ == symbolSection || !s.defined() {
		return 0
	}
	return int64(int32(s.value))
}
