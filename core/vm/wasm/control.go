package wasm

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
)

// dominators and order are those of the whole program, found once.
func (t *translator) dominators() *cfg.Dominators {
	if t.dom == nil {
		t.dom = t.g.Dominators()
	}
	return t.dom
}

func (t *translator) order() []int32 {
	if t.postorder == nil {
		t.postorder = t.g.ReversePostorder()
	}
	return t.postorder
}

// flow writes how control goes through a function.
type flow struct {
	*function
	number []int32 // by block, from base on: its place in order, or -1
	base   int     // first block
	dom    *cfg.Dominators
	merge  []bool    // by block, from base on: it has a label around it
	header []bool    // it starts a loop
	nested [][]int32 // those with labels that it dominates immediately, the last first
	labels []int32   // of what is around: the block that a branch there goes to, or one of the constants

	dispatch bool // it is a loop around a br_table
}

// Labels of what is not a block of the program.
const (
	labelNone     = -1
	labelDispatch = -2
)

// arrange finds the order of blocks and how they nest.
func (f *flow) arrange() error {
	fn := &f.g.Funcs[f.index]
	f.number, f.merge, f.header = make([]int32, fn.Blocks), make([]bool, fn.Blocks), make([]bool, fn.Blocks)
	f.dom = f.t.dominators()
	for i := range f.number {
		f.number[i] = -1
	}
	reached := f.reached()
	for _, b := range f.t.order() {
		if n := int(b) - f.base; n >= 0 && n < fn.Blocks && reached[n] {
			f.number[n] = int32(len(f.order))
			f.order = append(f.order, b)
		}
	}
	forward := make([]int, fn.Blocks)
	for _, b := range f.order {
		if err := f.stays(int(b)); err != nil {
			return err
		}
		succs := f.g.Succs(int(b))
		table := f.g.Insns[f.g.Blocks[b].End-1].Op == asm.OpJumpReg
		for i, to := range succs {
			n := int(to) - f.base
			switch {
			case f.number[n] <= f.number[int(b)-f.base]:
				f.header[n] = true
				f.dispatch = f.dispatch || !f.dom.Dominates(int(to), int(b))
			case i > 0 && slices.Contains(succs[:i], to):
			default:
				forward[n]++
				f.merge[n] = f.merge[n] || forward[n] > 1 || table
			}
		}
	}
	f.nested = make([][]int32, fn.Blocks)
	for _, b := range slices.Backward(f.order) {
		if f.merge[int(b)-f.base] {
			d := f.dom.Immediate(int(b)) - f.base
			f.nested[d] = append(f.nested[d], b)
		}
	}
	return nil
}

// reached returns the blocks that control gets to from the start of the function.
func (f *flow) reached() []bool {
	fn := &f.g.Funcs[f.index]
	seen := make([]bool, fn.Blocks)
	seen[0] = true
	for todo := []int32{int32(fn.Block)}; len(todo) > 0; {
		b := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, to := range f.g.Succs(int(b)) {
			if n := int(to) - f.base; !seen[n] {
				seen[n] = true
				todo = append(todo, to)
			}
		}
	}
	return seen
}

var errLeaves = errors.New("control leaves a function other than by exit")

// stays refuses a block that goes to another function, as only the interpreter can.
func (f *flow) stays(b int) error {
	bl := &f.g.Blocks[b]
	last := bl.End - 1
	if bl.FallsThrough && !f.p.poisoned(last) {
		return errLeaves
	}
	if in := &f.g.Insns[last]; in.Op.Format() != asm.FormatCall && in.Op.Format() != asm.FormatLoad64 {
		if to := f.g.Target(last); to >= 0 && f.g.FuncOf(to) != f.index {
			return errLeaves
		}
	}
	return nil
}

// tree writes a block and all that it dominates.
func (f *flow) tree(b int32) {
	n := int(b) - f.base
	if f.header[n] {
		f.enter(opLoop)
		f.labels = append(f.labels, b)
		defer func() {
			f.labels = f.labels[:len(f.labels)-1]
			f.op(opEnd)
		}()
	}
	f.within(b, f.nested[n])
}

// within writes a block inside of the labels of others, which follow.
func (f *flow) within(b int32, around []int32) {
	if len(around) == 0 {
		f.block(b)
		return
	}
	f.enter(opBlock)
	f.labels = append(f.labels, around[0])
	f.within(b, around[1:])
	f.labels = f.labels[:len(f.labels)-1]
	f.op(opEnd)
	f.tree(around[0])
}

// table writes all blocks around one br_table, for loops that have several entries.
func (f *flow) table() {
	n := len(f.order)
	f.enter(opLoop)
	f.labels = append(f.labels, labelDispatch)
	for range f.order {
		f.enter(opBlock)
		f.labels = append(f.labels, labelNone)
	}
	f.get(localNext)
	targets := make([]uint32, n)
	for i := range targets {
		targets[i] = uint32(i)
	}
	f.brTable(targets, uint32(n-1))
	for _, b := range f.order {
		f.op(opEnd)
		f.labels = f.labels[:len(f.labels)-1]
		f.block(b)
	}
	f.op(opEnd)
	f.labels = f.labels[:len(f.labels)-1]
}

// brTable writes a branch by the number on the stack.
func (c *code) brTable(targets []uint32, other uint32) {
	c.with(opBrTable, uint32(len(targets)))
	for _, to := range targets {
		c.b = appendUint(c.b, to)
	}
	c.b = appendUint(c.b, other)
}

// depth returns how many labels are between here and one.
func (f *flow) depth(label int32) uint32 {
	for i := len(f.labels) - 1; i >= 0; i-- {
		if f.labels[i] == label {
			return uint32(len(f.labels) - 1 - i)
		}
	}
	panic("wasm: a branch leaves the function")
}

// labelled reports whether control goes from one block to another by a branch to a label.
func (f *flow) labelled(from, to int32) bool {
	n := int(to) - f.base
	return f.merge[n] || f.number[n] <= f.number[int(from)-f.base]
}

// goTo continues with another block, from instruction i.
func (f *flow) goTo(from, to int32, i int, jump bool) {
	if jump && f.g.Target(i) <= i {
		f.charge(i)
	}
	switch {
	case f.dispatch:
		f.i32(f.number[int(to)-f.base])
		f.set(localNext)
		f.with(opBr, f.depth(labelDispatch))
	case f.labelled(from, to):
		f.with(opBr, f.depth(to))
	default:
		f.tree(to)
	}
}

// leave writes where control goes after a block.
func (f *flow) leave(b int32) {
	i := f.g.Blocks[b].End - 1
	in := &f.g.Insns[i]
	succs := f.g.Succs(int(b))
	switch in.Op.Format() {
	case asm.FormatExit:
		f.save()
		f.get(localR0)
		f.op(opReturn)
	case asm.FormatJump, asm.FormatJumpLong:
		f.goTo(b, succs[0], i, true)
	case asm.FormatJumpReg:
		f.jumpTable(b, i, in)
	case asm.FormatCondImm, asm.FormatCondReg, asm.FormatMayGoto:
		f.condition(in)
		if succs[0] == succs[1] {
			f.op(opDrop)
			f.goTo(b, succs[0], i, false)
			return
		}
		if !f.dispatch && f.labelled(b, succs[1]) && f.g.Target(i) > i {
			f.with(opBrIf, f.depth(succs[1]))
		} else {
			f.enter(opIf)
			f.labels = append(f.labels, labelNone)
			f.goTo(b, succs[1], i, true)
			f.labels = f.labels[:len(f.labels)-1]
			f.op(opEnd)
		}
		f.goTo(b, succs[0], i, false)
	default:
		f.goTo(b, succs[0], i, false)
	}
}

// condition pushes whether a jump is taken.
func (c *code) condition(in *asm.Insn) {
	if in.Op.Format() == asm.FormatMayGoto {
		c.i32(0)
		c.state(StateMayGoto)
		c.i64(1)
		c.op(opI64Sub)
		c.tee(localT)
		c.mem(opI64Store, StateMayGoto)
		c.get(localT)
		c.i64(0)
		c.op(opI64LtS)
		return
	}
	wide := in.Op.Class() == asm.ClassJmp
	c.operand(local(in.Dst), wide)
	switch {
	case in.Op.Reg():
		c.operand(local(in.Src), wide)
	case wide:
		c.i64(in.Imm)
	default:
		c.i32(int32(in.Imm))
	}
	ops := conditions[in.Op.Jump()]
	switch {
	case in.Op.Jump() == asm.Set && wide:
		c.op(opI64And)
		c.i64(0)
		c.op(opI64Ne)
	case in.Op.Jump() == asm.Set:
		c.op(opI32And)
	case wide:
		c.op(ops + opI64Eq - opI32Eq)
	default:
		c.op(ops)
	}
}

// conditions has the comparison of 32 bits of each condition; those of 64 bits are in the same order.
var conditions = map[asm.JumpOp]opcode{
	asm.Equal: opI32Eq, asm.NotEqual: opI32Ne, asm.Greater: opI32GtU, asm.GreaterEq: opI32GeU, asm.Less: opI32LtU,
	asm.LessEq: opI32LeU, asm.SGreater: opI32GtS, asm.SGreaterEq: opI32GeS, asm.SLess: opI32LtS, asm.SLessEq: opI32LeS,
}

// jumpTable writes a jump to an address in a register.
func (f *flow) jumpTable(b int32, i int, in *asm.Insn) {
	succs := f.g.Succs(int(b))
	first, last := 0, -1
	if len(succs) > 0 {
		first, last = f.g.Blocks[succs[0]].Start, f.g.Blocks[succs[len(succs)-1]].Start
	}
	f.charge(i)
	f.enter(opBlock)
	f.labels = append(f.labels, labelNone)
	if f.dispatch {
		f.dispatchTable(succs, in)
	} else {
		// What is not an address of code is made one that is outside of the table.
		f.get(local(in.Dst))
		f.i64(int64(f.p.Code | (f.p.Start + uint64(first))))
		f.op(opI64Sub)
		f.tee(localT)
		f.i64(int64(last - first + 1))
		f.op(opI64GeU)
		f.with(opBrIf, 0)
		f.get(localT)
		f.op(opI32WrapI64)
		targets := make([]uint32, last-first+1)
		for k, at := 0, first; at <= last; at++ {
			if targets[at-first] = 0; f.g.Blocks[succs[k]].Start == at {
				targets[at-first] = f.depth(succs[k])
				k++
			}
		}
		f.brTable(targets, 0)
	}
	f.labels = f.labels[:len(f.labels)-1]
	f.op(opEnd)
	f.save()
	f.get(local(in.Dst))
	f.set(localR1)
	f.host(i, HostInsn, 1)
	f.op(opUnreachable)
}

// dispatchTable is the part of jumpTable for functions that are a loop around a br_table.
func (f *flow) dispatchTable(succs []int32, in *asm.Insn) {
	for _, to := range succs {
		f.get(local(in.Dst))
		f.i64(int64(f.p.Code | (f.p.Start + uint64(f.g.Blocks[to].Start))))
		f.op(opI64Eq)
		f.enter(opIf)
		f.i32(f.number[int(to)-f.base])
		f.set(localNext)
		f.with(opBr, f.depth(labelDispatch)+1)
		f.op(opEnd)
	}
}

// block writes the instructions of a block and where control goes then.
func (f *flow) block(b int32) {
	f.k = f.facts.in[int(b)-f.facts.base]
	bl := &f.g.Blocks[b]
	for i := bl.Start; i < bl.End; i++ {
		if f.p.poisoned(i) {
			f.save()
			f.host(i, HostInsn, 0)
			f.op(opUnreachable)
			return
		}
		if !f.leaves(i) {
			if err := f.insn(i); err != nil && f.err == nil {
				f.err = fmt.Errorf("instruction %d: %w", i, err)
			}
			f.facts.step(&f.k, i)
		}
	}
	f.leave(b)
}

// leaves reports whether an instruction is one that leave writes.
func (f *flow) leaves(i int) bool {
	switch f.g.Insns[i].Op.Format() {
	case asm.FormatJump, asm.FormatJumpLong, asm.FormatJumpReg, asm.FormatMayGoto, asm.FormatCondImm, asm.FormatCondReg, asm.FormatExit:
		return true
	}
	return false
}
