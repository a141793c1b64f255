package fuel

import "github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"

// guard is a loop that is open. Its instructions may be in the first half of an if, whose second half
// asks for fuel and begins the loop again: then what runs in each round has no other branch, and the
// compiler puts the rest where it is not in the way.
type guard struct {
	loop *module.Loop
	cost int64  // that each round takes
	on   bool   // there is such an if
	all  uint32 // such ifs up to this one
}

// open notes that a loop is open.
func (w *writer) open(g guard) {
	g.all = w.guards(len(w.loops))
	if g.on {
		g.all++
	}
	w.loops = append(w.loops, g)
}

// guards returns by how many labels the guards of the innermost loops move a branch out of them.
func (w *writer) guards(loops int) uint32 {
	n, outside := len(w.loops), uint32(0)
	if loops == 0 {
		return 0
	}
	if loops < n {
		outside = w.loops[n-loops-1].all
	}
	return w.loops[n-1].all - outside
}

// loop writes what is at the head of a loop.
func (w *writer) loop(loop *module.Loop) {
	g := guard{loop: loop, cost: int64(loop.Cost)}
	switch {
	case loop.Straight != 0:
		w.unroll(loop)
		return
	case !loop.Calls:
		w.round(g.cost)
	case w.paid(loop):
		w.open(g)
		return
	default: // the fuel is in a global in any case
		g.cost += int64(w.meter.lead)
		w.charge(g.cost, w.meter.lead > 0 && w.meter.depth)
		w.meter.lead = 0
	}
	w.const64(0)
	w.plain(opAtLeast64S, opIf)
	if g.on = loop.TypeAt != 0; g.on {
		w.out = append(w.out, w.in[loop.TypeAt:w.pos]...)
	} else {
		w.plain(blockEmpty, opElse)
		w.ask(&g)
		w.plain(opEnd)
	}
	w.open(g)
}

// endLoop writes what is before the end of a loop.
func (w *writer) endLoop() {
	g := &w.loops[len(w.loops)-1]
	w.loops = w.loops[:len(w.loops)-1]
	if !g.on {
		return
	}
	w.plain(opElse)
	w.ask(g)
	w.plain(opBr, 1, opEnd)
}

// round takes fuel for a round of a loop from the portion, and leaves what is left of it.
func (w *writer) round(cost int64) {
	w.op(opLocalGet, w.meter.count)
	w.const64(cost)
	w.plain(opSub64)
	w.op(opLocalTee, w.meter.count)
}

// ask gets more fuel for a loop: a portion, or from the host. In a guard the round begins again after
// that and takes fuel once more, so that it is put back.
func (w *writer) ask(g *guard) {
	w.renew(g.loop)
	if g.loop.Calls {
		w.op(opCall, w.refill)
		if g.on {
			w.op(opGlobalGet, w.fuel)
			w.const64(g.cost)
			w.plain(opAdd64)
			w.op(opGlobalSet, w.fuel)
		}
		return
	}
	w.const64(min(max(portionRounds*g.cost, portionMin), max(portionMax, g.cost)))
	w.op(opCall, w.take)
	w.op(opLocalGet, w.meter.count)
	w.plain(opAdd64)
	if g.on {
		w.const64(g.cost)
		w.plain(opAdd64)
	}
	w.op(opLocalSet, w.meter.count)
}

// renew copies what a loop carries from round to round. The compiler keeps a value that lives through a
// call in memory, and one that is another one in each round is stored in each, for a call that is
// hardly ever made. What lives through it now is the copy.
func (w *writer) renew(loop *module.Loop) {
	for _, local := range w.m.CarriedBy(loop) {
		w.op(opLocalGet, local.Index)
		switch local.Type {
		case i32:
			w.op(opLocalGet, local.Index)
			w.plain(opOr32)
		case i64:
			w.op(opLocalGet, local.Index)
			w.plain(opOr64)
		case f32:
			w.plain(opBitsOf32, opFromBits32)
		case f64:
			w.plain(opBitsOf64, opFromBits64)
		case v128:
			w.op(opLocalGet, local.Index)
			w.plain(opVector, opOrVector)
		}
		w.op(opLocalSet, local.Index)
	}
}

// unroll writes a loop without blocks several times, so that it takes fuel for several rounds at
// once. Its branch and its end are the marks that come next.
func (w *writer) unroll(loop *module.Loop) {
	w.next += 2
	w.out = append(w.out[:len(w.out)-2], opBlock, blockEmpty, opLoop, blockEmpty)
	copies, branch := module.Copies(loop.Cost), int(loop.Straight)
	g := guard{loop: loop, cost: int64(copies) * int64(loop.Cost)}
	w.round(g.cost)
	w.const64(0)
	w.plain(opAtLeast64S, opIf, blockEmpty, opElse)
	w.ask(&g)
	w.plain(opEnd)
	from := w.pos
	for range copies - 1 {
		w.pos = from
		w.copy(branch)
		w.plain(opEqz32, opBrIf, 1)
	}
	w.pos = from
	w.copy(branch + 3) // br_if 0, end
	w.plain(opEnd)
}
