package elf

// ownTables makes the jump tables of an object its own: all compilers' files have tables of the same names.
func (in *input) ownTables() {
	for i := range in.f.symbols {
		if s := &in.f.symbols[i]; in.isTable(s) {
			s.bind = bindLocal
		}
	}
}

// isTable reports whether a symbol is a jump table.
func (in *input) isTable(s *symbol) bool {
	return s.defined() && uint64(s.section) < uint64(len(in.f.sections)) && in.f.sections[s.section].name == jumpSection
}

// moveTable adds to the entries of a jump table, which count from the start of the section of code that
// refers to it, where that code begins in the result.
func (k *staticLinker) moveTable(in *input, i uint32, shift uint64) error {
	s, sec, err := in.f.check(i)
	if err != nil {
		return err
	}
	if s.size == 0 || s.size%jumpEntry != 0 {
		return linkError("jump table %q of %d bytes is not made of whole entries", show(s.name), s.size)
	}
	if before, ok := in.moved[i]; ok {
		if before != shift {
			return linkError("jump table %q belongs to two sections of code", show(s.name))
		}
		return nil
	}
	if in.moved == nil {
		in.moved = make(map[uint32]uint64)
	}
	in.moved[i] = shift
	data := k.out.at(in.section[sec.index]).data[in.shift[sec.index]+s.value:][:s.size]
	o := k.out.order()
	for ; len(data) > 0; data = data[jumpEntry:] {
		o.PutUint64(data, o.Uint64(data)+shift)
	}
	return nil
}
