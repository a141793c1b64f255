package tx

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/plan"
)

// Splice replaces instructions of a program.
type Splice struct {
	At, Del int         // index of the first instruction that goes, and how many go
	Insns   []spec.Insn // what comes in their place
	Names   map[asm.Label]string
	After   asm.Label // label for the instruction after them, which has none yet; 0 adds none
}

// CheckSplice refuses a splice that is not within the program or makes it longer than MaxInsns.
func (r ProgramRef) CheckSplice(at, del, inserted uint64) error {
	p := r.Program
	n := uint64(p.Insns.Len())
	switch {
	case at+del > n:
		return failf(abi.ErrRange, "instructions %d to %d are not within the %d of program %q", at, at+del, n, p.Name)
	case n-del+inserted > MaxInsns:
		return budget.TooMany(fmt.Sprintf("instructions of program %q", p.Name), int(n-del+inserted), MaxInsns, "")
	}
	return nil
}

// Splice makes a splice, whole or not at all. It takes over its instructions and names.
func (t *Transaction) Splice(r ProgramRef, s Splice) error {
	if err := r.CheckSplice(uint64(s.At), uint64(s.Del), uint64(len(s.Insns))); err != nil {
		return err
	}
	p := r.Program
	if err := t.intern(&s); err != nil {
		return err
	}
	cost := t.spliceCost(p, &s)
	if err := t.take(p, cost); err != nil {
		return err
	}
	was := p.Insns
	if s.After != 0 {
		in := p.Insns.At(s.At + s.Del)
		in.Label = s.After
		p.Insns.Set(s.At+s.Del, in)
	}
	if err := p.Splice(s.At, s.Del, s.Insns, spec.SpliceOptions{}); err != nil {
		p.Insns = was
		t.take(p, -cost)
		return err
	}
	r.Object.index.Refer(p, s.Insns)
	for l, name := range s.Names {
		if p.LabelNames == nil {
			p.LabelNames = make(map[asm.Label]string)
		}
		p.LabelNames[l] = strings.Clone(name)
	}
	r.Object.labelsOf(p).spliced(s.At, s.At+len(s.Insns)+1)
	e := EditOf(r)
	e.What = "insns"
	e.Insns = &plan.InsnRange{At: s.At, Removed: s.Del, Inserted: len(s.Insns)}
	e.Old, e.New = insnRange(s.Del, s.At), insnRange(len(s.Insns), s.At)
	return t.Log(e)
}

func insnRange(n, at int) string {
	if n == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%d at %d", n, at)
}
