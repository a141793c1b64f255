package spec

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// DeleteSet deletes the instructions whose elements of gone are true, in linear time, by the rule
// of the package comment for deletion: labels, the mark of a function and the last source line go
// to the next instruction that stays, if it is in the same function. Functions may go whole if
// nothing that stays refers to them. On error nothing has changed.
func (p *Program) DeleteSet(gone []bool) error {
	p.Insns.unpack()
	heirs := p.Heirs(gone)
	moved, err := p.inherit(gone, heirs)
	if err != nil {
		return fmt.Errorf("remove instructions of program %s: %w", show(p.Name), err)
	}
	kept := make([]Insn, 0, len(p.Insns.list))
	var mark *btf.FuncInfo // mark and line that wait for the next instruction that stays
	var line *btf.LineInfo
	for i := range p.Insns.list {
		in := p.Insns.list[i]
		if in.Func != nil {
			mark, line = in.Func, nil
		}
		if in.Line != nil {
			line = in.Line
		}
		if gone[i] {
			continue
		}
		in.Func, in.Line, in.Label = mark, line, moved.at[i]
		if in.Ref == asm.RefLabel {
			in.Target = moved.now[in.Target]
		}
		mark, line = nil, nil
		kept = append(kept, in)
	}
	for from, to := range moved.now {
		name, ok := p.LabelNames[from]
		if !ok || from == to {
			continue
		}
		delete(p.LabelNames, from)
		if _, taken := p.LabelNames[to]; to != 0 && !taken {
			p.LabelNames[to] = name
		}
	}
	p.Insns = Insns{list: kept}
	p.relabelTables(func(l asm.Label) (asm.Label, bool) { return moved.now[l], moved.now[l] != 0 })
	return nil
}

// Heirs returns what DeleteSet would hand labels and lines to: for every instruction the next one
// that stays, itself included, within its function, or -1.
func (p *Program) Heirs(gone []bool) []int32 {
	p.Insns.unpack()
	heirs := make([]int32, len(p.Insns.list))
	next := int32(-1)
	for i := len(p.Insns.list) - 1; i >= 0; i-- {
		if !gone[i] {
			next = int32(i)
		}
		heirs[i] = next
		if p.Insns.list[i].Func != nil {
			next = -1
		}
	}
	return heirs
}

// inheritance is where labels are after a removal.
type inheritance struct {
	at  []asm.Label             // by instruction that stays: its label
	now map[asm.Label]asm.Label // what each label has become; 0 is nothing
}

// inherit moves the labels of removed instructions to those that stay, and refuses references to
// what has no heir.
func (p *Program) inherit(gone []bool, heirs []int32) (inheritance, error) {
	m := inheritance{at: make([]asm.Label, len(p.Insns.list)), now: make(map[asm.Label]asm.Label)}
	lost := make(map[string]bool)
	for i := range p.Insns.list {
		if !gone[i] {
			m.at[i] = p.Insns.list[i].Label
		}
	}
	for i := range p.Insns.list {
		in := &p.Insns.list[i]
		if in.Func != nil && heirs[i] < 0 {
			lost[in.Func.Name] = true
		}
		switch l := in.Label; {
		case l == 0:
		case heirs[i] < 0:
			m.now[l] = 0
		default:
			if m.at[heirs[i]] == 0 {
				m.at[heirs[i]] = l
			}
			m.now[l] = m.at[heirs[i]]
		}
	}
	if err := p.keepTables(gone, m.now); err != nil {
		return m, err
	}
	for i := range p.Insns.list {
		if gone[i] {
			continue
		}
		switch r := &p.Insns.list[i]; {
		case r.Ref == asm.RefFunc && lost[r.Symbol]:
			return m, fmt.Errorf("instruction %d still refers to function %s", i, show(r.Symbol))
		case r.Ref == asm.RefLabel && m.now[r.Target] == 0:
			return m, fmt.Errorf("instruction %d still refers to label %s", i, p.labelName(r.Target))
		}
	}
	return m, nil
}

// keepTables refuses to take a place out of a jump table that is in use.
func (p *Program) keepTables(gone []bool, now map[asm.Label]asm.Label) error {
	used := usedTables(func(f func(*Insn)) {
		for i := range p.Insns.list {
			if !gone[i] {
				f(&p.Insns.list[i])
			}
		}
	})
	for _, t := range p.Tables {
		for i, l := range t.Labels {
			if used[t.Name] && now[l] == 0 {
				return fmt.Errorf("entry %d of jump table %s still leads to label %s", i, show(t.Name), p.labelName(l))
			}
		}
	}
	return nil
}
