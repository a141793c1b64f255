package module

import "math/bits"

// flow follows the locals with the numbers 0 to 63, as bits, by the rules of definite assignment:
// each place has the locals that all paths to it from the head of the innermost loop have set. Where
// paths join it is what they share, and it is everything where none arrives.
type flow struct {
	now  uint64 // locals that are set here for sure
	read uint64 // before they were set
	set  uint64 // anywhere in the loop
}

const everything = ^uint64(0)

// local notes that a local is read or set.
func (f *flow) local(i uint32, set bool) {
	bit := uint64(1) << i
	if set {
		f.now |= bit
		f.set |= bit
	} else {
		f.read |= bit &^ f.now
	}
}

// flowTo notes a branch to the end of a block. Out of more loops than that it may lack some of what is
// set.
func (w *walker) flowTo(target int) {
	now := w.flow.now
	for i, left := w.around, 16; i > target && left > 0; i, left = w.frames[i].around, left-1 {
		now |= w.frames[i].flow.now
	}
	w.frames[target].out &= now
}

// flowEnd goes on after the end of a block that is not a loop.
func (w *walker) flowEnd(f *frame) {
	if f.op == opIf {
		w.flow.now &= f.flow.now
	}
	w.flow.now &= f.out
}

// flowEndLoop goes on after the end of a loop, and notes what it carries: the locals that a round sets
// and that the next one reads before it sets them.
func (w *walker) flowEndLoop(f *frame, loop *Loop) {
	loop.first = uint32(len(w.m.Carried))
	for carried := w.flow.read & w.flow.set; carried != 0; carried &= carried - 1 {
		i := uint32(bits.TrailingZeros64(carried))
		w.m.Carried = append(w.m.Carried, Local{i, w.localType(i)})
	}
	loop.n = uint32(len(w.m.Carried)) - loop.first
	w.work.instructions += carriedWork * int(loop.n)
	w.flow = flow{
		now:  f.flow.now | w.flow.now,
		read: f.flow.read | w.flow.read&^f.flow.now,
		set:  f.flow.set | w.flow.set,
	}
}

// localType returns the type of a local of the function.
func (w *walker) localType(i uint32) ValueType {
	params := w.m.Types[w.m.Funcs[w.fn]].Params
	if uint64(i) < uint64(len(params)) {
		return params[i]
	}
	i -= uint32(len(params))
	groups, width := Uint32(w.r.b[w.body.Locals:])
	pos := w.body.Locals + width
	for range groups {
		n, width := Uint32(w.r.b[pos:])
		pos += width
		if i < n {
			return ValueType(w.r.b[pos])
		}
		i -= n
		pos++
	}
	return 0
}
