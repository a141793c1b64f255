package cfg

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

// forward visits blocks until nothing changes: all of them in reverse postorder at first, and again
// those that visit asks for. What visit computes has to grow, and to stop growing soon.
func (g *Graph) forward(visit func(k int, again func(to int32))) {
	g.repeat(g.ReversePostorder(), visit)
}

// backward is forward in the other direction: visit asks for blocks that come before.
func (g *Graph) backward(visit func(k int, again func(to int32))) {
	order := g.ReversePostorder()
	slices.Reverse(order)
	g.repeat(order, visit)
}

// repeat visits the blocks in the order of the list, and then, round by round, those that were
// asked for.
func (g *Graph) repeat(order []int32, visit func(k int, again func(to int32))) {
	waits := make([]bool, len(g.Blocks)) // will be visited, in this round or the next
	for _, k := range order {
		waits[k] = true
	}
	var later []int32
	again := func(to int32) {
		if waits[to] {
			return
		}
		waits[to] = true
		later = append(later, to)
	}
	for len(order) > 0 {
		for _, k := range order {
			waits[k] = false
			visit(int(k), again)
		}
		order, later = later, order[:0]
	}
}

// Liveness says for every block which registers are still needed at its end.
type Liveness struct {
	g   *Graph
	out []asm.RegSet
}

// Live finds which registers are still needed where. An instruction whose only effect is to set a
// register that nothing needs does not count as needing its own operands. R10 is always
// needed. Time is linear.
func (g *Graph) Live() *Liveness {
	l := &Liveness{g: g, out: make([]asm.RegSet, len(g.Blocks))}
	in := make([]asm.RegSet, len(g.Blocks))
	for k := range g.Blocks {
		if b := &g.Blocks[k]; b.FallsThrough || g.Funcs[b.Func].HasIndirectJump {
			l.out[k] = asm.AllRegs
		}
	}
	g.backward(func(k int, again func(int32)) {
		for _, s := range g.Succs(k) {
			l.out[k] |= in[s]
		}
		live := l.out[k]
		b := &g.Blocks[k]
		for i := b.End - 1; i >= b.Start; i-- {
			live = liveBefore(&g.Insns[i], live)
		}
		if live|in[k] != in[k] {
			in[k] |= live
			for _, p := range g.Preds(k) {
				again(p)
			}
		}
	})
	return l
}

// Block calls visit for the instructions of a block from the last to the first, with the registers
// that are needed after each.
func (l *Liveness) Block(block int, visit func(insn int, after asm.RegSet)) {
	b := &l.g.Blocks[block]
	live := l.out[block]
	for i := b.End - 1; i >= b.Start; i-- {
		visit(i, live)
		live = liveBefore(&l.g.Insns[i], live)
	}
}

// After returns the registers that are needed after an instruction.
func (l *Liveness) After(insn int) asm.RegSet {
	b := &l.g.Blocks[l.g.blockOf[insn]]
	live := l.out[l.g.blockOf[insn]]
	for i := b.End - 1; i > insn; i-- {
		live = liveBefore(&l.g.Insns[i], live)
	}
	return live
}

// liveBefore returns the registers that are needed before an instruction.
func liveBefore(in *asm.Insn, after asm.RegSet) asm.RegSet {
	if in.Dead(after) {
		return after
	}
	return after&^in.Writes() | in.MayRead()
}
