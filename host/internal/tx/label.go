package tx

import (
	"math"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// labels is what is known of the labels of a program, so that an edit need not look at all of them.
// Splices, which alone change labels in a transaction, keep it up to date.
type labels struct {
	program   *spec.Program
	next, end asm.Label              // numbers that no label has, end not included
	named     map[string][]asm.Label // may have more than there are
}

// labelsOf returns what is known of the labels of a program; the first time it looks at all.
func (o *Object) labelsOf(p *spec.Program) *labels {
	if x := o.labels[p]; x != nil {
		return x
	}
	if o.labels == nil {
		o.labels = make(map[*spec.Program]*labels)
	}
	x := &labels{program: p, named: make(map[string][]asm.Label, len(p.LabelNames))}
	for l, name := range p.LabelNames {
		x.named[name] = append(x.named[name], l)
	}
	o.labels[p] = x
	return x
}

// FreeLabels returns the first of n numbers that no label of the program has.
func (r ProgramRef) FreeLabels(n int) asm.Label {
	x := r.Object.labelsOf(r.Program)
	if uint64(x.end-x.next) < uint64(n)+1 {
		x.find(n)
	}
	return x.next
}

// LabelsNamed returns the labels of the program that have a name, in order.
func (r ProgramRef) LabelsNamed(name string) []asm.Label {
	x := r.Object.labelsOf(r.Program)
	list := slices.DeleteFunc(x.named[name], func(l asm.Label) bool { return r.Program.LabelNames[l] != name })
	if len(list) == 0 {
		delete(x.named, name)
		return nil
	}
	slices.Sort(list)
	x.named[name] = list
	return list
}

// fewFree is how many numbers from one that Program.NewLabel returns on are free, whatever the labels.
const fewFree = 1000

// find finds n free numbers: above all labels, if there is room.
func (x *labels) find(n int) {
	p := x.program
	var top asm.Label
	for _, in := range p.Insns.All() {
		top = max(top, in.Label, in.Target)
	}
	for l := range p.LabelNames {
		top = max(top, l)
	}
	for _, t := range p.Tables {
		top = max(top, slices.Max(t.Labels))
	}
	if uint64(top)+uint64(n)+1 < math.MaxInt32 {
		x.next, x.end = top+1, math.MaxInt32
		return
	}
	x.next = p.NewLabel()
	x.end = x.next + asm.Label(max(fewFree, n+1))
}

// spliced notes the labels of instructions that a splice put in, from index from on, up to but
// without to.
func (x *labels) spliced(from, to int) {
	p := x.program
	for _, in := range p.Insns.Part(from, min(to, p.Insns.Len())).All() {
		if in.Label == 0 {
			continue
		}
		if x.next <= in.Label && in.Label < x.end {
			x.next = in.Label + 1
		}
		if name, ok := p.LabelNames[in.Label]; ok && !slices.Contains(x.named[name], in.Label) {
			x.named[name] = append(x.named[name], in.Label)
		}
	}
}
