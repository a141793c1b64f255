package elflink

import (
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
)

// ownTables makes the jump tables of an object its own: all compilers' files have tables of the same names.
func (in *input) ownTables() {
	for i := range in.f.Symbols {
		if s := &in.f.Symbols[i]; in.isTable(s) {
			s.Bind = object.BindLocal
		}
	}
}

// isTable reports whether a symbol is a jump table.
func (in *input) isTable(s *object.Symbol) bool {
	return s.Defined() && uint64(s.Section) < uint64(len(in.f.Sections)) && in.f.Sections[s.Section].Name == object.JumpSection
}

// moveTable adds to the entries of a jump table, which count from the start of the section of code that
// refers to it, where that code begins in the result.
func (k *linker) moveTable(in *input, i uint32, shift uint64) error {
	s, sec, err := in.f.Symbol(i)
	if err != nil {
		return err
	}
	if s.Size == 0 || s.Size%object.JumpEntry != 0 {
		return linkError("jump table %q of %d bytes is not made of whole entries", object.Show(s.Name), s.Size)
	}
	if before, ok := in.moved[i]; ok {
		if before != shift {
			return linkError("jump table %q belongs to two sections of code", object.Show(s.Name))
		}
		return nil
	}
	if in.moved == nil {
		in.moved = make(map[uint32]uint64)
	}
	in.moved[i] = shift
	data := k.out.At(in.section[sec.Index]).Data[in.shift[sec.Index]+s.Value:][:s.Size]
	o := k.out.Order()
	for ; len(data) > 0; data = data[object.JumpEntry:] {
		o.PutUint64(data, o.Uint64(data)+shift)
	}
	return nil
}
