package elf

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/internal/pack"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/wire"
)

// linkFuncs decodes all functions and puts names in place of relocations.
func (l *loader) linkFuncs(data dataTable, externs externTable) (codeTable, error) {
	known := make(map[string]*btf.ExtSection) // each for the first section of that name
	if l.ext != nil {
		for i := range l.ext.Sections {
			known[l.ext.Sections[i].Name] = &l.ext.Sections[i]
		}
	}
	k := linker{l: l, data: data, externs: externs}
	k.visit = k.chunk
	k.code.packs, k.code.referred = make([]*pack.Pack, len(l.f.Sections)), make([]bool, len(l.f.Sections))
	for _, s := range l.sections.code {
		if len(l.funcs[s.Index]) == 0 {
			continue
		}
		_, err := l.f.Claim(s)
		if err != nil {
			return k.code, err
		}
		k.section, k.relocs, k.records = s, k.relocs[:0], extRecords{}
		if r := l.relocs[s.Index]; r != nil {
			if k.relocs, err = l.f.Relocations(k.relocs, r); err != nil {
				return k.code, err
			}
		}
		k.records.of(known[s.Name])
		delete(known, s.Name)
		k.pack = pack.New(l.insnsOf(s), k.records.lines, k.records.relos, k.pack)
		k.code.packs[s.Index] = k.pack
		for i := range l.funcs[s.Index] {
			fn := &l.funcs[s.Index][i]
			if err := l.o.check(); err != nil {
				return k.code, err
			}
			if err := k.link(fn); err != nil {
				return k.code, err
			}
		}
	}
	return k.code, nil
}

// insnsOf returns how many instructions the functions of a section have.
func (t *funcTable) insnsOf(s *object.Section) int {
	n := 0
	for i := range t.funcs[s.Index] {
		code := t.code(&t.funcs[s.Index][i])
		n += len(code) / asm.SlotSize
		for ; len(code) > 0; code = code[asm.SlotSize:] {
			if asm.Op(code[0]) == asm.OpLoadImm64 {
				n-- // two slots
			}
		}
	}
	return n
}

// linker works through the functions of one section after the other, in order.
type linker struct {
	l       *loader
	data    dataTable
	externs externTable
	code    codeTable // what is found out
	section *object.Section
	relocs  []object.Reloc
	records extRecords
	pack    *pack.Pack
	visit   func([]asm.Insn) error

	// What follows is of one function.
	fn     *function
	number int32          // of the function, from 1
	slot   uint32         // of the next instruction
	line   int            // the first; -1 is none so far
	rest   []object.Reloc // those of the instructions to come
}

// link puts the instructions of a function into the pack of its section, with what they refer to by
// name and what is known of them.
func (k *linker) link(fn *function) error {
	k.number++
	k.fn, k.slot, k.line, k.rest = fn, fn.slot, -1, k.relocsOf(fn)
	fn.typ = k.records.from(k.slot)
	fn.first = uint32(k.pack.Len())
	calls := len(k.code.calls)
	if err := asm.DecodeChunks(k.l.code(fn), asm.DecodeOptions{Order: k.l.c.Order, RawCalls: true}, k.visit); err != nil {
		return k.bad(err)
	}
	fn.insns = uint32(k.pack.Len()) - fn.first
	fn.calls = [2]uint32{uint32(calls), uint32(len(k.code.calls))}
	if k.line >= 0 {
		k.pack.SetLine(int(fn.first), k.line) // the kernel asks for one at the start, if there are any
	}
	return k.placeTables()
}

// bad returns an error of the decoder its place in the file.
func (k *linker) bad(err error) error {
	var e *asm.Error
	if !errors.As(err, &e) {
		return err
	}
	return &wire.Error{Section: object.Show(k.section.Name).String(), Offset: k.fn.off() + 8*uint64(e.Index), Err: fmt.Errorf("function %q: %w", object.Show(k.fn.name()), e.Err)}
}

// chunk goes through some instructions of the function.
func (k *linker) chunk(insns []asm.Insn) error {
	fn := k.fn
	next := k.nextReloc()
	for i := range insns {
		in := &insns[i]
		fn.labels = max(fn.labels, in.Label)
		size := slots(in)
		off := uint64(k.slot) * asm.SlotSize
		if op := in.Op; op == asm.OpCall || op == asm.OpLoadImm64 || next < off+asm.SlotSize*uint64(size) {
			var r *object.Reloc
			if next < off+asm.SlotSize*uint64(size) {
				if r, k.rest = &k.rest[0], k.rest[1:]; r.Offset != off {
					return k.section.Errorf(r.Offset, "relocation patches no start of an instruction")
				}
				next = k.nextReloc()
			}
			if err := k.resolve(in, k.slot, r); err != nil {
				return k.section.Errorf(off, "function %q: %w", object.Show(fn.name()), err)
			}
		}
		line, core := -1, -1
		if k.slot >= k.records.next {
			line, core = k.records.at(k.slot)
			if k.line < 0 {
				k.line = line
			}
		}
		if err := k.pack.Add(in, line, core); err != nil {
			return k.section.Errorf(off, "function %q: %w", object.Show(fn.name()), err)
		}
		k.slot += size
	}
	return nil
}

// nextReloc returns the offset of the next relocation.
func (k *linker) nextReloc() uint64 {
	if len(k.rest) == 0 {
		return math.MaxUint64
	}
	return k.rest[0].Offset
}

// slots is in.Slots without a copy of the instruction.
func slots(in *asm.Insn) uint32 {
	if in.Op == asm.OpLoadImm64 && in.Flags&asm.Raw == 0 {
		return 2
	}
	return 1
}

// relocsOf returns the relocations within a function.
func (k *linker) relocsOf(fn *function) []object.Reloc {
	at := func(off uint64) int {
		i, _ := slices.BinarySearchFunc(k.relocs, off, func(r object.Reloc, off uint64) int { return cmp.Compare(r.Offset, off) })
		return i
	}
	return k.relocs[at(fn.off()):at(fn.off()+fn.size())]
}

// resolve turns what the instruction refers to by number or relocation into a name.
func (k *linker) resolve(in *asm.Insn, slot uint32, r *object.Reloc) error {
	call := in.Op == asm.OpCall && in.Flags&asm.Raw == 0
	load := in.Op == asm.OpLoadImm64 && in.Flags&asm.Raw == 0
	if r != nil && k.l.addendInPlace {
		in.Imm = int64(int32(in.Imm)) - k.l.f.AddendInPlace(*r)
	}
	switch {
	case r != nil && call:
		if r.Type != object.RelocCall {
			return fmt.Errorf("relocation of type %d is not one of calls", r.Type)
		}
		return k.resolveCall(in, r)
	case r != nil && load:
		if r.Type != object.RelocLoad64 {
			return fmt.Errorf("relocation of type %d is not one of 64-bit loads", r.Type)
		}
		return k.resolveLoad(in, r)
	case r != nil:
		return fmt.Errorf("relocation patches an instruction that is neither a call nor a 64-bit load")
	case call && in.Src == asm.PseudoCall, load && in.Src == asm.PseudoFunc:
		off := (int64(slot) + 1 + int64(int32(in.Imm))) * asm.SlotSize
		return k.refer(in, k.section.Index, off)
	}
	return nil
}

// refer makes the instruction refer to the function at an offset of a section.
func (k *linker) refer(in *asm.Insn, section uint32, off int64) error {
	var to *function
	if off >= 0 {
		to = k.l.funcAt(section, uint64(off))
	}
	if to == nil {
		return fmt.Errorf("no function starts at %s%+#x", object.Show(k.l.f.Sections[section].Name), off)
	}
	to.called = true
	if to.mark != k.number {
		to.mark = k.number
		k.code.calls = append(k.code.calls, to)
	}
	in.Imm = 0
	in.SetSymbol(asm.RefFunc, to.name())
	return nil
}

// resolveCall resolves a call that has a relocation: the immediate counts instructions from the
// symbol, and -1 is the symbol itself.
func (k *linker) resolveCall(in *asm.Insn, r *object.Reloc) error {
	sym := &k.l.f.Symbols[r.Symbol]
	if sym.Section == object.IndexUndef {
		return k.callExtern(in, sym)
	}
	sym, sec, err := k.defined(r)
	if err != nil {
		return err
	}
	if !sec.IsCode() {
		return fmt.Errorf("call to %q, which is in section %s without code", object.Show(sym.Name), object.Show(sec.Name))
	}
	in.Src = asm.PseudoCall
	return k.refer(in, sym.Section, int64(sym.Value)+(int64(int32(in.Imm))+1)*asm.SlotSize)
}

func (k *linker) callExtern(in *asm.Insn, sym *object.Symbol) error {
	e := k.externs.find(sym.Name)
	if e == nil && k.l.o.Lenient {
		k.l.undefined(sym)
		in.Src, in.Imm = asm.PseudoCall, 0
		in.SetSymbol(asm.RefFunc, sym.Name)
		return nil
	}
	if e == nil {
		return fmt.Errorf("function %q is called but not defined", object.Show(sym.Name))
	}
	if e.Kind != spec.ExternKfunc {
		return fmt.Errorf("call to %q, which is not a function but a %v", object.Show(sym.Name), e.Kind)
	}
	in.Src, in.Imm = asm.PseudoKfuncCall, 0
	in.SetSymbol(asm.RefKfunc, sym.Name)
	return nil
}

// defined returns a symbol of this file and its section.
func (k *linker) defined(r *object.Reloc) (*object.Symbol, *object.Section, error) {
	sym := &k.l.f.Symbols[r.Symbol]
	if sym.Special {
		return nil, nil, sym.NoSectionError()
	}
	return k.l.f.Symbol(r.Symbol)
}

// resolveLoad resolves the 64-bit load of an address.
func (k *linker) resolveLoad(in *asm.Insn, r *object.Reloc) error {
	if k.l.f.Symbols[r.Symbol].Section == object.IndexUndef {
		return k.loadExtern(in, &k.l.f.Symbols[r.Symbol])
	}
	sym, sec, err := k.defined(r)
	if err != nil {
		return err
	}
	addend := int64(int32(in.Imm))
	at := int64(sym.Value) + addend
	if m := k.data.maps[sec.Index]; m != nil {
		k.code.referred[sec.Index] = true
		return k.loadData(in, r, m, at, addend)
	}
	if sec == k.l.sections.jumps {
		return k.loadTable(in, r, addend)
	}
	if sec.IsCode() {
		in.Src = asm.PseudoFunc
		return k.refer(in, sym.Section, at)
	}
	if m := k.l.mapAt[location{sec.Index, uint64(at)}]; m != nil {
		in.Src, in.Imm = asm.PseudoMapFD, 0
		in.SetSymbol(asm.RefMap, m.Name)
		return nil
	}
	return fmt.Errorf("address of %q in section %s, which is neither code nor data nor a map", object.Show(sym.Name), object.Show(sec.Name))
}

// loadData makes the address of a variable, or of a place in its section where no variable can be
// named.
func (k *linker) loadData(in *asm.Insn, r *object.Reloc, m *spec.Map, at, addend int64) error {
	size := int64(m.ValueSize)
	if m.Type == spec.MapArena {
		size = int64(len(m.Data))
	}
	if at < 0 || at >= size {
		return fmt.Errorf("address %+d is outside the %d bytes of section %s", at, size, object.Show(m.Section))
	}
	in.Src = asm.PseudoMapValue
	if v := k.data.varOf[r.Symbol]; v != nil {
		in.Imm = addend
		in.SetSymbol(asm.RefVar, v.Name)
		return nil
	}
	in.Imm = at
	in.SetSymbol(asm.RefMapValue, m.Name)
	return nil
}

// loadExtern makes the address of what the kernel provides, or of a map that is only declared
// where it is used.
func (k *linker) loadExtern(in *asm.Insn, sym *object.Symbol) error {
	e := k.externs.find(sym.Name)
	switch {
	case e != nil && e.Kind == spec.ExternKconfig:
		in.Src, in.Imm = asm.PseudoMapValue, int64(int32(in.Imm))
		in.SetSymbol(asm.RefVar, sym.Name)
	case e != nil:
		in.Src, in.Imm = 0, int64(int32(in.Imm))
		in.SetSymbol(asm.RefKsym, sym.Name)
	case k.l.hasMap(sym.Name):
		in.Src, in.Imm = asm.PseudoMapFD, 0
		in.SetSymbol(asm.RefMap, sym.Name)
	case k.l.o.Lenient && k.l.declared[sym.Name]:
		k.l.undefined(sym)
		in.Src, in.Imm = asm.PseudoMapFD, 0
		in.SetSymbol(asm.RefMap, sym.Name)
	case k.l.o.Lenient && sym.Name != "":
		k.l.undefined(sym)
		in.Src, in.Imm = asm.PseudoMapValue, int64(int32(in.Imm))
		in.SetSymbol(asm.RefVar, sym.Name)
	default:
		return fmt.Errorf("undefined map or variable %q", object.Show(sym.Name))
	}
	return nil
}

// undefined notes, once, what is referred to and nothing in the object defines; Collection.Check refuses it.
func (l *loader) undefined(sym *object.Symbol) {
	if l.missing[sym.Name] {
		return
	}
	if l.missing == nil {
		l.missing = make(map[string]bool)
	}
	l.missing[sym.Name] = true
	l.note(NoteUndefined, "%s is not defined in this object", sym.Name)
}
