package sdk

import "unsafe"

// Sym returns the number of a name for instruction records.
func Sym(name string) (uint32, error) { return handle[uint32](hostSym(name)) }

// SymName returns the name of a symbol.
func SymName(sym uint32) (string, error) {
	b, err := fetch(func(out unsafe.Pointer, n uint32) int32 { return hostSymName(sym, out, n) })
	return string(b), err
}

// Insns returns all instructions of the program.
func (h Program) Insns() ([]Insn, error) {
	n, err := h.InsnCount()
	if err != nil || n == 0 {
		return nil, err
	}
	insns := make([]Insn, n)
	read, err := h.ReadInsns(0, insns)
	return insns[:read], err
}

// ReadInsns reads instructions from place first on, as many as fit, and returns how many that were.
func (h Program) ReadInsns(first uint32, insns []Insn) (int, error) {
	n := hostInsnRead(uint32(h), first, unsafe.Pointer(unsafe.SliceData(insns)), uint32(len(insns)))
	if n < 0 {
		return 0, check(n)
	}
	return int(n), nil
}

// Splice replaces del instructions at place at. Labels from LabelLocal on are local to the call,
// others are those of the program. It returns how many instructions were inserted.
func (h Program) Splice(at, del uint32, insns []Insn) (int, error) {
	n := hostInsnSplice(uint32(h), at, del, unsafe.Pointer(unsafe.SliceData(insns)), uint32(len(insns)))
	if n < 0 {
		return 0, check(n)
	}
	return int(n), nil
}

// Asm replaces del instructions at place at with assembly text. Labels defined in the text are
// local to it. It returns how many instructions were inserted.
func (h Program) Asm(at, del uint32, text string) (int, error) {
	n := hostInsnAsm(uint32(h), at, del, text)
	if n < 0 {
		return 0, check(n)
	}
	return int(n), nil
}

// Text returns the program as assembly text.
func (h Program) Text() (string, error) {
	b, err := fetch(func(out unsafe.Pointer, n uint32) int32 { return hostInsnDump(uint32(h), out, n) })
	return string(b), err
}
