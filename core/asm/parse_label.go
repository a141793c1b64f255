package asm

import "fmt"

// resolver numbers the labels of a text that was read, and resolves what refers to them.
type resolver struct{ *parser }

func (p resolver) resolve() error {
	if p.function != nil {
		return p.function.error("function " + show(p.function.name) + " has no instruction")
	}
	if err := p.resolveCalls(); err != nil {
		return err
	}
	for _, s := range p.symbols {
		switch {
		case s.insn == undefined:
			return s.error("label " + s.String() + " is not defined")
		case s.insn == len(p.listing.Insns):
			return s.error("label " + s.String() + " has no instruction")
		}
	}
	targets, err := p.targets()
	if err != nil {
		return err
	}
	if err := p.numberLabels(targets); err != nil {
		return err
	}
	for i := range p.listing.Insns {
		if in := &p.listing.Insns[i]; in.Ref == RefLabel && in.Target != 0 {
			in.Target = p.listing.Insns[p.symbols[in.Target-1].insn].Label
		}
	}
	for i, r := range p.relatives {
		p.listing.Insns[r.insn].Target = p.listing.Insns[targets[i]].Label
	}
	return nil
}

func (s symbol) error(reason string) error {
	return &ParseError{Line: s.row, Column: s.at + 1, Reason: reason}
}

// resolveCalls finds out what the name after a call is.
func (p resolver) resolveCalls() error {
	functions := map[string]bool{}
	for _, name := range p.listing.Funcs {
		functions[name] = true
	}
	for _, c := range p.calls {
		if err := p.worked(perName); err != nil {
			return err
		}
		in := &p.listing.Insns[c.insn]
		if s, ok := p.names[symbolKey{name: c.name}]; ok {
			in.SetTarget(Label(s + 1))
			continue
		}
		if h, ok := ParseHelper(c.name); ok && !functions[c.name] {
			*in = Call(h)
		}
	}
	return nil
}

// targets returns the index of the instruction that each relative reference leads to.
func (p resolver) targets() ([]int, error) {
	if len(p.relatives) == 0 {
		return nil, nil
	}
	starts := make([]int, len(p.listing.Insns)) // slot by instruction
	var at []int                                // instruction by slot
	for i := range p.listing.Insns {
		starts[i] = len(at)
		at = append(at, i)
		if p.listing.Insns[i].slots() == 2 {
			at = append(at, undefined)
		}
	}
	targets := make([]int, len(p.relatives))
	for i, r := range p.relatives {
		if err := p.worked(perName); err != nil {
			return nil, err
		}
		to := int64(starts[r.insn]) + 1 + r.by
		if to < 0 || to >= int64(len(at)) {
			return nil, symbol{row: r.row, at: r.at}.error(fmt.Sprintf("target %+d is outside of the %d slots", r.by, len(at)))
		}
		if at[to] == undefined {
			return nil, symbol{row: r.row, at: r.at}.error(fmt.Sprintf("target %+d is the second half of a 64-bit load", r.by))
		}
		targets[i] = at[to]
	}
	return targets, nil
}

// numberLabels puts a label on every instruction that needs one: the number in the text, or else
// the smallest that is free.
func (p resolver) numberLabels(targets []int) error {
	insns := p.listing.Insns
	used := map[Label]bool{}
	needed := map[int]bool{}
	for _, s := range p.symbols {
		if err := p.worked(perName); err != nil {
			return err
		}
		needed[s.insn] = true
		if s.symbolKey.number != 0 {
			used[s.symbolKey.number] = true
			if insns[s.insn].Label == 0 {
				insns[s.insn].Label = s.symbolKey.number
			}
		}
	}
	for _, i := range targets {
		needed[i] = true
	}
	next := Label(1)
	for i := range insns {
		if err := p.worked(1); err != nil {
			return err
		}
		if !needed[i] || insns[i].Label != 0 {
			continue
		}
		for used[next] {
			next++
		}
		insns[i].Label = next
		next++
	}
	for _, s := range p.symbols {
		if s.symbolKey.number != 0 {
			continue
		}
		if err := p.worked(perName); err != nil {
			return err
		}
		if p.listing.LabelNames == nil {
			p.listing.LabelNames = map[Label]string{}
		}
		if l := insns[s.insn].Label; p.listing.LabelNames[l] == "" {
			p.listing.LabelNames[l] = s.name
		}
	}
	return nil
}
