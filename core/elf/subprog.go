package elf

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf/internal/object"
	"github.com/bpfhost/bpfhost/core/internal/pack"
	"github.com/bpfhost/bpfhost/core/spec"
)

// assemble makes a program of its entry function and every one that it calls, directly or not, in the order in
// which they are first met. Programs share the instructions of functions; labels are moved so that they
// stay unique.
func (l *loader) assemble(p *spec.Program, entry *function) error {
	list, err := l.flatten(p, entry)
	if err != nil {
		return err
	}
	pieces, infos := l.newPieces.many(len(list)), l.newFuncs.many(len(list))
	base := asm.Label(0)
	for i, fn := range list {
		infos[i] = btf.FuncInfo{Name: fn.name(), Type: fn.typ}
		pieces[i] = l.piece(fn)
		pieces[i].Func, pieces[i].Labels = &infos[i], base
		base += fn.labels
	}
	p.Insns = spec.NewPackedInsns(pieces)
	if l.jumps == nil {
		return nil
	}
	at := 0
	for i, fn := range list {
		l.addTables(p, fn, at, pieces[i].Labels)
		at += int(fn.insns)
	}
	return nil
}

// piece returns the instructions of a function.
func (t *codeTable) piece(fn *function) pack.Piece {
	return pack.Piece{Pack: t.packs[fn.symbol.Section], From: fn.first, To: fn.first + fn.insns}
}

// flatten lists the functions of a program. The list is good until the next call.
func (l *loader) flatten(p *spec.Program, entry *function) ([]*function, error) {
	mark := -int32(len(l.c.Programs) + 1)
	entry.mark = mark
	list, total := append(l.flat[:0], entry), 0
	for i := 0; i < len(list); i++ {
		total += int(list[i].insns)
		for _, u := range l.jumps[list[i]] {
			total += len(u.table.Labels)
		}
		for _, callee := range l.callsOf(list[i]) {
			if callee.mark != mark {
				callee.mark = mark
				list = append(list, callee)
			}
		}
	}
	l.flat = list
	if l.total += total; l.total > l.o.MaxInsns {
		return nil, l.sectionOf(entry).Errorf(entry.off(), "%w", limitError("MaxInsns", uint64(l.o.MaxInsns),
			"program %q and those before it have more than %d instructions together with the functions they call", object.Show(p.Name), l.o.MaxInsns))
	}
	return list, nil
}
