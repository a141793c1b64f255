package elf

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/internal/wire"
	"github.com/bpfhost/bpfhost/core/spec"
)

// linkFuncs decodes all functions and puts names in place of relocations.
func (l *loader) linkFuncs() error {
	seen := make(map[string]bool)
	k := linker{l: l}
	k.visit = k.chunk
	l.patches = make([]patch, 0, l.codeRelocs())
	l.exts = make([]*btf.ExtSection, len(l.f.sections))
	for _, s := range l.parts.code {
		if len(l.funcs[s.index]) == 0 {
			continue
		}
		_, err := l.f.claim(s)
		if err != nil {
			return err
		}
		k.section, k.relocs = s, k.relocs[:0]
		if r := l.relocs[s.index]; r != nil {
			if k.relocs, err = l.f.relocations(k.relocs, r); err != nil {
				return err
			}
		}
		if l.ext != nil && !seen[s.name] {
			l.exts[s.index] = l.ext.Section(s.name)
			seen[s.name] = true
		}
		for i := range l.funcs[s.index] {
			fn := &l.funcs[s.index][i]
			if err := k.link(fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// codeRelocs gives how many relocations there are for instructions.
func (l *loader) codeRelocs() uint64 {
	n := uint64(0)
	for _, s := range l.parts.code {
		if r := l.relocs[s.index]; r != nil && len(l.funcs[s.index]) > 0 {
			n += r.size / relocSize
		}
	}
	return min(n, uint64(len(l.f.data))/relocSize) // sections may overlap
}

// linker works through the functions of one section after the other, in order.
type linker struct {
	l       *loader
	section *section
	relocs  []reloc
	visit   func([]asm.Insn) error

	// What follows is of one function.
	fn     *function
	number uint32  // of the function, from 1
	slot   uint32  // of the next instruction
	rest   []reloc // those of the instructions to come
}

// link finds out what the instructions of a function refer to. It keeps those that refer to something
// by name: the others can be read again when it is known where they go.
func (k *linker) link(fn *function) error {
	k.number++
	k.fn, k.slot, k.rest = fn, uint32(fn.off/asm.SlotSize), k.relocsOf(fn)
	fn.typ = funcType(k.l.exts[k.section.index], k.slot)
	patches, calls := len(k.l.patches), len(k.l.calls)
	if err := asm.DecodeChunks(k.l.code(fn), k.l.decodeOptions(), k.visit); err != nil {
		return k.bad(err)
	}
	fn.patches = [2]uint32{uint32(patches), uint32(len(k.l.patches))}
	fn.calls = [2]uint32{uint32(calls), uint32(len(k.l.calls))}
	return k.placeTables()
}

// bad gives an error of the decoder its place in the file.
func (k *linker) bad(err error) error {
	var e *asm.Error
	if !errors.As(err, &e) {
		return err
	}
	return &wire.Error{Section: show(k.section.name), Offset: k.fn.off + 8*uint64(e.Index), Err: fmt.Errorf("function %q: %w", show(k.fn.name), e.Err)}
}

// decodeOptions are those for a part of an object file.
func (l *loader) decodeOptions() asm.DecodeOptions {
	return asm.DecodeOptions{Order: l.f.asmOrder(), RawCalls: true}
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
			var r *reloc
			if next < off+asm.SlotSize*uint64(size) {
				if r, k.rest = &k.rest[0], k.rest[1:]; r.offset != off {
					return k.section.fail(r.offset, "relocation patches no start of an instruction")
				}
				next = k.nextReloc()
			}
			if err := k.resolve(in, k.slot, r); err != nil {
				return k.section.fail(off, "function %q: %w", show(fn.name), err)
			}
			if in.Ref > asm.RefLabel {
				k.l.patches = append(k.l.patches, patch{fn.insns, *in})
			}
		}
		fn.insns++
		k.slot += size
	}
	return nil
}

// nextReloc gives the offset of the next relocation.
func (k *linker) nextReloc() uint64 {
	if len(k.rest) == 0 {
		return math.MaxUint64
	}
	return k.rest[0].offset
}

// patch is an instruction of a function with the name that it refers to.
type patch struct {
	at   uint32 // index in the function
	insn asm.Insn
}

// relocsOf gives the relocations within a function.
func (k *linker) relocsOf(fn *function) []reloc {
	at := func(off uint64) int {
		i, _ := slices.BinarySearchFunc(k.relocs, off, func(r reloc, off uint64) int { return cmp.Compare(r.offset, off) })
		return i
	}
	return k.relocs[at(fn.off):at(fn.off+fn.size)]
}

// resolve turns what the instruction refers to by number or relocation into a name.
func (k *linker) resolve(in *asm.Insn, slot uint32, r *reloc) error {
	call := in.Op == asm.OpCall && in.Flags&asm.Raw == 0
	load := in.Op == asm.OpLoadImm64 && in.Flags&asm.Raw == 0
	switch {
	case r != nil && call:
		if r.typ != relocCall {
			return fmt.Errorf("relocation of type %d is not one of calls", r.typ)
		}
		return k.resolveCall(in, r)
	case r != nil && load:
		if r.typ != relocLoad64 {
			return fmt.Errorf("relocation of type %d is not one of 64-bit loads", r.typ)
		}
		return k.resolveLoad(in, r)
	case r != nil:
		return fmt.Errorf("relocation patches an instruction that is neither a call nor a 64-bit load")
	case call && in.Src == asm.PseudoCall, load && in.Src == asm.PseudoFunc:
		off := (int64(slot) + 1 + int64(int32(in.Imm))) * asm.SlotSize
		return k.refer(in, k.section.index, off)
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
		return fmt.Errorf("no function starts at %s%+#x", show(k.l.f.sections[section].name), off)
	}
	to.called = true
	if to.caller != k.number {
		to.caller = k.number
		k.l.calls = append(k.l.calls, to)
	}
	in.Imm = 0
	in.SetSymbol(asm.RefFunc, to.name)
	return nil
}

// resolveCall resolves a call that has a relocation: the immediate counts instructions from the
// symbol, and -1 is the symbol itself.
func (k *linker) resolveCall(in *asm.Insn, r *reloc) error {
	sym := &k.l.f.symbols[r.symbol]
	if sym.section == indexUndef {
		return k.callExtern(in, sym)
	}
	sym, sec, err := k.defined(r)
	if err != nil {
		return err
	}
	if !sec.exec() {
		return fmt.Errorf("call to %q, which is in section %s without code", show(sym.name), show(sec.name))
	}
	in.Src = asm.PseudoCall
	return k.refer(in, sym.section, int64(sym.value)+(int64(int32(in.Imm))+1)*asm.SlotSize)
}

func (k *linker) callExtern(in *asm.Insn, sym *symbol) error {
	i, ok := k.l.externs[sym.name]
	if !ok && k.l.o.Lenient {
		k.undefined(sym)
		in.Src, in.Imm = asm.PseudoCall, 0
		in.SetSymbol(asm.RefFunc, sym.name)
		return nil
	}
	if !ok {
		return fmt.Errorf("function %q is called but not defined", show(sym.name))
	}
	if e := k.l.c.Externs[i]; e.Kind != spec.ExternKfunc {
		return fmt.Errorf("call to %q, which is no function but a %v", show(sym.name), e.Kind)
	}
	in.Src, in.Imm = asm.PseudoKfuncCall, 0
	in.SetSymbol(asm.RefKfunc, sym.name)
	return nil
}

// defined gives a symbol of this file and its section.
func (k *linker) defined(r *reloc) (*symbol, *section, error) {
	sym := &k.l.f.symbols[r.symbol]
	if sym.special {
		return nil, nil, fmt.Errorf("symbol %q has no section", show(sym.name))
	}
	return k.l.f.check(r.symbol)
}

// resolveLoad resolves the 64-bit load of an address.
func (k *linker) resolveLoad(in *asm.Insn, r *reloc) error {
	if k.l.f.symbols[r.symbol].section == indexUndef {
		return k.loadExtern(in, &k.l.f.symbols[r.symbol])
	}
	sym, sec, err := k.defined(r)
	if err != nil {
		return err
	}
	addend := int64(int32(in.Imm))
	at := int64(sym.value) + addend
	if name, ok := k.l.dataMap[sec.index]; ok {
		return k.loadData(in, r, name, at, addend)
	}
	if sec == k.l.parts.jumps {
		return k.loadTable(in, r, addend)
	}
	if sec.exec() {
		in.Src = asm.PseudoFunc
		return k.refer(in, sym.section, at)
	}
	if name, ok := k.l.mapAt[location{sec.index, uint64(at)}]; ok {
		in.Src, in.Imm = asm.PseudoMapFD, 0
		in.SetSymbol(asm.RefMap, name)
		return nil
	}
	return fmt.Errorf("address of %q in section %s, which is neither code nor data nor a map", show(sym.name), show(sec.name))
}

// loadData makes the address of a variable, or of a place in its section where no variable can be
// named.
func (k *linker) loadData(in *asm.Insn, r *reloc, mapName string, at, addend int64) error {
	m := k.l.mapByName[mapName]
	size := int64(m.ValueSize)
	if m.Type == spec.MapArena {
		size = int64(len(m.Data))
	}
	if at < 0 || at >= size {
		return fmt.Errorf("address %+d is outside the %d bytes of section %s", at, size, show(m.Section))
	}
	k.l.used[mapName] = true
	in.Src = asm.PseudoMapValue
	if name, ok := k.l.varOf[r.symbol]; ok {
		in.Imm = addend
		in.SetSymbol(asm.RefVar, name)
		return nil
	}
	in.Imm = at
	in.SetSymbol(asm.RefMapValue, mapName)
	return nil
}

// loadExtern makes the address of what the kernel provides, or of a map that is only declared
// where it is used.
func (k *linker) loadExtern(in *asm.Insn, sym *symbol) error {
	i, ok := k.l.externs[sym.name]
	switch {
	case ok && k.l.c.Externs[i].Kind == spec.ExternKconfig:
		in.Src, in.Imm = asm.PseudoMapValue, int64(int32(in.Imm))
		in.SetSymbol(asm.RefVar, sym.name)
	case ok:
		in.Src, in.Imm = 0, int64(int32(in.Imm))
		in.SetSymbol(asm.RefKsym, sym.name)
	case k.l.hasMap(sym.name):
		in.Src, in.Imm = asm.PseudoMapFD, 0
		in.SetSymbol(asm.RefMap, sym.name)
	case k.l.o.Lenient && sym.name != "":
		k.undefined(sym)
		in.Src, in.Imm = asm.PseudoMapValue, int64(int32(in.Imm))
		in.SetSymbol(asm.RefVar, sym.name)
	default:
		return fmt.Errorf("undefined map or variable %q", show(sym.name))
	}
	return nil
}

// undefined notes a reference that nothing in the object satisfies; Collection.Check refuses it.
func (k *linker) undefined(sym *symbol) {
	k.l.note(NoteUndefined, "%s is not defined in this object", sym.name)
}
