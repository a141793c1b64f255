package elf

import (
	"cmp"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// layout says what a program is made of.
type layout struct {
	program   *spec.Program
	functions [2]int // from where on, and up to where, in loader.flat
	insns     int
}

// flatten lists the functions of a program: its entry function and every one that it calls, directly or
// not, in the order in which they are first met.
func (l *loader) flatten(p *spec.Program, entry *function) error {
	mark := len(l.layouts) + 1
	entry.mark = mark
	from, total := len(l.flat), entry.insns
	l.flat = append(l.flat, entry)
	for i := from; i < len(l.flat); i++ {
		for _, callee := range l.flat[i].calls {
			if callee.mark == mark {
				continue
			}
			callee.mark = mark
			l.flat = append(l.flat, callee)
			total += callee.insns
		}
	}
	entries := 0
	for _, fn := range l.flat[from:] {
		for _, u := range fn.tables {
			entries += len(u.table.Labels)
		}
	}
	if l.total += total + entries; l.total > l.o.MaxInsns {
		return entry.section.fail(entry.off, "program %q and those before it have more than %d instructions together with the functions they call", show(p.Name), l.o.MaxInsns)
	}
	l.layouts = append(l.layouts, layout{p, [2]int{from, len(l.flat)}, total})
	return nil
}

// emitPrograms gives the programs their instructions. Labels are renumbered so that they stay unique.
func (l *loader) emitPrograms() error {
	var err error
	e := emitter{l: l}
	e.visit = e.chunk
	total := 0
	for _, p := range l.layouts {
		total += p.insns
	}
	all := spec.MakeCode(total, func(insns []spec.Insn) {
		for i := 0; i < len(l.layouts) && err == nil; i++ {
			p := &l.layouts[i]
			err = e.emit(p.program, l.flat[p.functions[0]:p.functions[1]], insns[:p.insns])
			insns = insns[p.insns:]
		}
	})
	at := 0
	for _, p := range l.layouts {
		p.program.Insns = all.Part(at, at+p.insns)
		at += p.insns
	}
	return err
}

// emitter writes functions into a program.
type emitter struct {
	l     *loader
	visit func([]asm.Insn) error

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
		e.places = fn.places
		e.patches = e.l.patches[fn.patches[0]:fn.patches[1]]
		e.records = fn.recordsFrom(e.slot)
		if err := asm.DecodeChunks(fn.bytes, e.l.decodeOptions(), e.visit); err != nil {
			return err
		}
		to[0].Func = fn.info
		startLine(to[:fn.insns])
		fn.emitTables(p, to[:fn.insns], e.base)
		to = to[fn.insns:]
		e.base += fn.labels
	}
	return nil
}

// chunk writes some instructions of a function, with what is known of them and labels above base.
func (e *emitter) chunk(insns []asm.Insn) error {
	for i := range insns {
		in := &e.to[i]
		in.Insn = insns[i]
		if len(e.patches) > 0 && e.patches[0].at == e.index {
			in.Insn, e.patches = e.patches[0].insn, e.patches[1:]
		}
		if l := e.places[e.index]; l != 0 {
			in.Label = l
		}
		if in.Label != 0 {
			in.Label += e.base
		}
		if in.Ref == asm.RefLabel {
			in.Target += e.base
		}
		e.records.attach(in, e.slot)
		e.index++
		e.slot += uint32(in.Slots())
	}
	e.to = e.to[len(insns):]
	return nil
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
}

func (fn *function) recordsFrom(slot uint32) extRecords {
	if fn.ext == nil {
		return extRecords{}
	}
	i, _ := slices.BinarySearchFunc(fn.ext.Lines, slot, func(x btf.LineAt, slot uint32) int { return cmp.Compare(x.Slot, slot) })
	j, _ := slices.BinarySearchFunc(fn.ext.Relos, slot, func(x btf.ReloAt, slot uint32) int { return cmp.Compare(x.Slot, slot) })
	return extRecords{fn.ext.Lines[i:], fn.ext.Relos[j:]}
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
