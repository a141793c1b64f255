package elf

import (
	"cmp"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// flatten gives a program the code of its entry function followed by every function that it calls,
// directly or not, in the order in which they are first met. Labels are renumbered so that they
// stay unique.
func (l *loader) flatten(p *spec.Program, entry *function) error {
	mark := len(l.c.Programs) + 1
	entry.mark = mark
	list := []*function{entry}
	total := len(entry.code)
	for i := 0; i < len(list); i++ {
		for _, callee := range list[i].calls {
			if callee.mark == mark {
				continue
			}
			callee.mark = mark
			list = append(list, callee)
			total += len(callee.code)
		}
	}
	entries := 0
	for _, fn := range list {
		for _, u := range fn.tables {
			entries += len(u.table.Labels)
		}
	}
	if l.total += total + entries; l.total > l.o.MaxInsns {
		return entry.section.fail(entry.off, "program %q and those before it have more than %d instructions together with the functions they call", show(p.Name), l.o.MaxInsns)
	}
	p.Insns = spec.MakeCode(total, func(insns []spec.Insn) {
		var base asm.Label
		for _, fn := range list {
			fn.emit(insns[:len(fn.code)], base)
			fn.emitTables(p, insns[:len(fn.code)], base)
			insns = insns[len(fn.code):]
			base += fn.labels
		}
	})
	return nil
}

// emit copies the function, with what is known of its instructions and labels above base.
func (fn *function) emit(to []spec.Insn, base asm.Label) {
	slot := uint32(fn.off / asm.SlotSize)
	records := fn.recordsFrom(slot)
	for i := range fn.code {
		in := &to[i]
		in.Insn = fn.code[i]
		if in.Label != 0 {
			in.Label += base
		}
		if in.Ref == asm.RefLabel {
			in.Target += base
		}
		records.attach(in, slot)
		slot += uint32(in.Slots())
	}
	to[0].Func = fn.info
	startLine(to)
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
