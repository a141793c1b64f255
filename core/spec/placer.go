package spec

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
)

// place says where a label is: the instruction, and where its function starts.
type place struct{ insn, fn int }

// placer finds all labels and functions of one program after the other, and keeps the memory for
// that.
type placer struct {
	funcs map[string]bool

	dense  []int32 // by label, most of which are small: index in list plus one, or 0
	list   []place
	labels []asm.Label         // beside list
	sparse map[asm.Label]int32 // as dense, of labels that are not small
}

// fewFuncs is how many functions a map has that is emptied; a larger one is dropped, since emptying
// takes as long as it has room.
const fewFuncs = 16

// read finds the labels and functions of a program and refuses duplicates.
func (x *placer) read(p *Program) error {
	for _, l := range x.labels {
		if int64(l) < int64(len(x.dense)) {
			x.dense[l] = 0
		}
	}
	x.list, x.labels, x.sparse = x.list[:0], x.labels[:0], nil
	if x.funcs == nil || len(x.funcs) > fewFuncs {
		x.funcs = make(map[string]bool)
	}
	clear(x.funcs)
	if n := 2*p.Insns.Len() + 1; n > len(x.dense) {
		x.dense = make([]int32, n)
	}
	fn := 0
	for i, m := range p.Insns.marks() {
		if m.fn != nil {
			fn = i
			if x.funcs[m.fn.Name] {
				return fmt.Errorf("function %s is defined twice", show(m.fn.Name))
			}
			x.funcs[m.fn.Name] = true
		}
		if m.label == 0 {
			continue
		}
		if at, dup := x.of(m.label); dup {
			return fmt.Errorf("label %s is defined at instructions %d and %d", p.labelName(m.label), at.insn, i)
		}
		x.put(m.label, place{insn: i, fn: fn})
	}
	return nil
}

func (x *placer) put(l asm.Label, at place) {
	x.list, x.labels = append(x.list, at), append(x.labels, l)
	n := int32(len(x.list))
	if int64(l) < int64(len(x.dense)) {
		x.dense[l] = n
		return
	}
	if x.sparse == nil {
		x.sparse = make(map[asm.Label]int32)
	}
	x.sparse[l] = n
}

// of returns where a label is.
func (x *placer) of(l asm.Label) (at place, ok bool) {
	var n int32
	if int64(l) < int64(len(x.dense)) {
		n = x.dense[l]
	} else {
		n = x.sparse[l]
	}
	if n == 0 {
		return place{}, false
	}
	return x.list[n-1], true
}
