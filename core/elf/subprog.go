package elf

import (
	"cmp"
	"math"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// layout says what a program is made of; it has the program's place in the list.
type layout struct {
	functions [2]uint32 // from where on, and up to where, in loader.flat
	insns     uint32
}

// flatten lists the functions of a program: its entry function and every one that it calls, directly or
// not, in the order in which they are first met.
func (l *loader) flatten(p *spec.Program, entry *function) error {
	mark := int32(len(l.layouts) + 1)
	entry.mark = mark
	from, total := len(l.flat), int(entry.insns)
	l.flat = append(l.flat, entry)
	for i := from; i < len(l.flat); i++ {
		for _, callee := range l.callsOf(l.flat[i]) {
			if callee.mark == mark {
				continue
			}
			callee.mark = mark
			l.flat = append(l.flat, callee)
			total += int(callee.insns)
		}
	}
	entries := 0
	for _, fn := range l.flat[from:] {
		if j := l.jumps[fn]; j != nil {
			for _, u := range j.tables {
				entries += len(u.table.Labels)
			}
		}
	}
	if l.total += total + entries; l.total > l.o.MaxInsns {
		return entry.section.fail(entry.off, "program %q and those before it have more than %d instructions together with the functions they call", show(p.Name), l.o.MaxInsns)
	}
	l.layouts = append(l.layouts, layout{[2]uint32{uint32(from), uint32(len(l.flat))}, uint32(total)})
	return nil
}

// emitPrograms gives the programs their instructions. Labels are renumbered so that they stay unique.
func (l *loader) emitPrograms() error {
	var err error
	e := emitter{l: l, infos: make([]btf.Func, len(l.flat))}
	e.visit = e.chunk
	for i := range l.layouts {
		p := &l.layouts[i]
		l.c.Programs[i].Insns = spec.MakeCode(int(p.insns), func(insns []spec.Insn) {
			err = e.emit(l.c.Programs[i], l.flat[p.functions[0]:p.functions[1]], insns)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// emitter writes functions into a program.
type emitter struct {
	l     *loader
	visit func([]asm.Insn) error
	infos []btf.Func // one for each function

	to      []spec.Insn // where the next instructions go
	base    asm.Label   // what labels are counted from
	index   uint32      // of the next instruction in its function
	slot    uint32      // of the next instruction in its section
	patches []patch
	places  map[uint32]asm.Label
	records extRecords
}

// emit writes the functions one behind the other.
func (e *emitter) emit(p *spec.Program, list []*function, to []spec.Insn) error {
	e.base = 0
	for _, fn := range list {
		e.to, e.index, e.slot = to[:fn.insns], 0, uint32(fn.off/asm.SlotSize)
		j := e.l.jumps[fn]
		e.places = nil
		if j != nil {
			e.places = j.places
		}
		e.patches = e.l.patches[fn.patches[0]:fn.patches[1]]
		e.records = recordsFrom(e.l.exts[fn.section.index], e.slot)
		if err := asm.DecodeChunks(e.l.code(fn), e.l.decodeOptions(), e.visit); err != nil {
			return err
		}
		to[0].Func, e.infos = &e.infos[0], e.infos[1:]
		*to[0].Func = btf.Func{Name: fn.name, Type: fn.typ}
		startLine(to[:fn.insns])
		if j != nil {
			j.emitTables(p, to[:fn.insns], e.base)
		}
		to = to[fn.insns:]
		e.base += fn.labels
	}
	return nil
}

// chunk writes some instructions of a function, with what is known of them and labels above base.
func (e *emitter) chunk(insns []asm.Insn) error {
	slot, index := e.slot, e.index
	for i := range insns {
		from := &insns[i]
		if len(e.patches) > 0 && e.patches[0].at == index {
			from, e.patches = &e.patches[0].insn, e.patches[1:]
		}
		in := &e.to[i]
		in.Insn = *from
		if e.places != nil || e.base != 0 {
			e.label(in, index)
		}
		if slot >= e.records.next {
			e.records.attach(in, slot)
		}
		index++
		slot += slots(from)
	}
	e.slot, e.index, e.to = slot, index, e.to[len(insns):]
	return nil
}

// label gives an instruction the labels that it has in the program.
func (e *emitter) label(in *spec.Insn, index uint32) {
	if l := e.places[index]; l != 0 {
		in.Label = l
	}
	if in.Label != 0 {
		in.Label += e.base
	}
	if in.Ref == asm.RefLabel {
		in.Target += e.base
	}
}

// slots is in.Slots without a copy of the instruction.
func slots(in *asm.Insn) uint32 {
	if in.Op == asm.OpLoadImm64 && in.Flags&asm.Raw == 0 {
		return 2
	}
	return 1
}

// startLine gives a function that has lines one at its start, which the kernel asks for.
func startLine(insns []spec.Insn) {
	if insns[0].Line != nil {
		return
	}
	for i := range insns {
		if insns[i].Line != nil {
			insns[0].Line = insns[i].Line
			return
		}
	}
}

// extRecords are the records of .BTF.ext from some slot on.
type extRecords struct {
	lines []btf.LineAt
	relos []btf.ReloAt
	next  uint32 // slot of the first of them
}

func recordsFrom(ext *btf.ExtSection, slot uint32) extRecords {
	if ext == nil {
		return extRecords{next: math.MaxUint32}
	}
	i, _ := slices.BinarySearchFunc(ext.Lines, slot, func(x btf.LineAt, slot uint32) int { return cmp.Compare(x.Slot, slot) })
	j, _ := slices.BinarySearchFunc(ext.Relos, slot, func(x btf.ReloAt, slot uint32) int { return cmp.Compare(x.Slot, slot) })
	return extRecords{lines: ext.Lines[i:], relos: ext.Relos[j:]}
}

// attach gives an instruction the records of its slot. Records between instructions are passed
// over.
func (e *extRecords) attach(in *spec.Insn, slot uint32) {
	for len(e.lines) > 0 && e.lines[0].Slot <= slot {
		if e.lines[0].Slot == slot {
			in.Line = &e.lines[0].Line
		}
		e.lines = e.lines[1:]
	}
	for len(e.relos) > 0 && e.relos[0].Slot <= slot {
		if e.relos[0].Slot == slot {
			in.Core = &e.relos[0].CoreRelo
		}
		e.relos = e.relos[1:]
	}
	e.next = math.MaxUint32
	if len(e.lines) > 0 {
		e.next = e.lines[0].Slot
	}
	if len(e.relos) > 0 {
		e.next = min(e.next, e.relos[0].Slot)
	}
}

// funcType gives what BTF says of the function that starts at a slot of a section.
func funcType(e *btf.ExtSection, slot uint32) btf.ID {
	if e == nil {
		return 0
	}
	i, ok := slices.BinarySearchFunc(e.Funcs, slot, func(f btf.FuncAt, slot uint32) int { return cmp.Compare(f.Slot, slot) })
	if !ok {
		return 0
	}
	return e.Funcs[i].Type
}
