package elf

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// flatten gives a program the code of its entry function followed by every function that it calls,
// directly or not, in the order in which they are first met. Labels are renumbered so that they
// stay unique.
func (l *loader) flatten(p *spec.Program, entry *function) error {
	mark := len(l.c.Programs) + 1
	entry.mark = mark
	list := []*function{entry}
	total := len(entry.insns)
	for i := 0; i < len(list); i++ {
		for _, callee := range list[i].calls {
			if callee.mark == mark {
				continue
			}
			callee.mark = mark
			list = append(list, callee)
			total += len(callee.insns)
		}
	}
	if l.total += total; l.total > l.o.MaxInsns {
		return entry.section.fail(entry.off, "program %q and those before it have more than %d instructions together with the functions they call", show(p.Name), l.o.MaxInsns)
	}
	if len(list) == 1 && !entry.called {
		p.Insns = entry.insns
		return nil
	}
	p.Insns = make([]spec.Insn, 0, total)
	var base asm.Label
	for _, fn := range list {
		at := len(p.Insns)
		p.Insns = append(p.Insns, fn.insns...)
		if base > 0 {
			shiftLabels(p.Insns[at:], base)
		}
		base += asm.Label(fn.labels)
	}
	return nil
}

func shiftLabels(insns []spec.Insn, by asm.Label) {
	for i := range insns {
		in := &insns[i]
		if in.Label != 0 {
			in.Label += by
		}
		if in.Ref.Kind == asm.RefLabel {
			in.Ref.Label += by
		}
	}
}
