package tx

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/plan"
)

// What is held in memory, in bytes, apart from names and data: measured, of what takes most. Copies
// count in full, though they share what was not edited.
const (
	insnBytes    = 150 // of a program that is edited in small pieces
	funcBytes    = 100 // of what is known of a function of a program
	programBytes = 320
	mapBytes     = 320
	attachBytes  = 160
	objectBytes  = 1024
	nameBytes    = 64 // of a symbol or label, apart from its text
	editBytes    = 160
	noteBytes    = 96
)

// take counts so many more bytes for something in the transaction, or fewer if n is negative. The
// error is a *budget.LimitError.
func (t *Transaction) take(key any, n int) error {
	n = max(n, -t.counted[key])
	if err := t.budget.Take(n); err != nil {
		return err
	}
	t.budget.Return(-n)
	t.counted[key] += n
	return nil
}

// drop counts something no more.
func (t *Transaction) drop(key any) {
	t.budget.Return(t.counted[key])
	delete(t.counted, key)
}

// take is Transaction.take of the transaction that the object is in.
func (o *Object) take(key any, n int) error {
	if o.tx == nil {
		return nil
	}
	return o.tx.take(key, n)
}

// programCost and mapCost return what one of them holds.
func programCost(p *spec.Program) int {
	n := programBytes + len(p.Name) + p.Insns.Len()*insnBytes
	for _, name := range p.LabelNames {
		n += nameBytes + len(name)
	}
	return n
}

func mapCost(m *spec.Map) int { return mapBytes + len(m.Name) + len(m.Data) }

// takeAll counts a new object and what is in it.
func (t *Transaction) takeAll(o *Object) error {
	err := t.take(o, objectBytes+len(o.Name)+len(o.Work.Attach)*attachBytes)
	for _, p := range o.Work.Programs {
		if err == nil {
			err = t.take(p, programCost(p))
		}
	}
	for _, m := range o.Work.Maps {
		if err == nil {
			err = t.take(m, mapCost(m))
		}
	}
	if err != nil {
		t.dropAll(o)
	}
	return err
}

// dropAll counts an object and what is in it no more.
func (t *Transaction) dropAll(o *Object) {
	t.drop(o)
	for _, p := range o.Work.Programs {
		t.drop(p)
	}
	for _, m := range o.Work.Maps {
		t.drop(m)
	}
}

// spliceCost returns by how much a splice changes what its program holds. A program of the operator
// counts from its first edit on.
func (t *Transaction) spliceCost(p *spec.Program, s *Splice) int {
	n := (len(s.Insns) - s.Del) * insnBytes
	if t.counted[p] == 0 {
		n += programCost(p)
	}
	for i := range s.Insns {
		if f := s.Insns[i].Func; f != nil {
			n += funcBytes + len(f.Name)
		}
	}
	for _, name := range s.Names {
		n += nameBytes + len(name)
	}
	return n
}

// writing counts the initial bytes of a map, which a write makes where they were all zero, unless the
// write fails.
func (t *Transaction) writing(o *Object, name string, write func() error) error {
	m := o.Map(name)
	if m == nil || m.Data != nil {
		return write()
	}
	if err := t.take(m, int(m.ValueSize)); err != nil {
		return err
	}
	err := write()
	if m.Data == nil {
		t.take(m, -int(m.ValueSize))
	}
	return err
}

// intern makes the symbols of instructions the transaction's own, each text once, so that none keeps
// a larger text alive of which it is a part.
func (t *Transaction) intern(s *Splice) error {
	for i := range s.Insns {
		in := &s.Insns[i]
		if in.Symbol == "" {
			continue
		}
		own, ok := t.names[in.Symbol]
		if !ok {
			if err := t.take(t, nameBytes+len(in.Symbol)); err != nil {
				return err
			}
			own = strings.Clone(in.Symbol)
			t.names[own] = own
		}
		in.Symbol = own
	}
	return nil
}

// logged counts an edit or note.
func (t *Transaction) logged(n int) error {
	if t.bytes+n > MaxLog {
		return budget.TooLarge("edits and notes of the plan", t.bytes+n, MaxLog, "")
	}
	if err := t.take(t, n); err != nil {
		return err
	}
	t.bytes += n
	return nil
}

// editCost is what an edit holds.
func editCost(e *plan.Edit) int {
	return editBytes + len(e.Object) + len(e.Name) + len(e.Old) + len(e.New)
}

// ofMap names something of a map in errors.
func ofMap(what string, m *spec.Map) string { return fmt.Sprintf("%s of map %q", what, m.Name) }
