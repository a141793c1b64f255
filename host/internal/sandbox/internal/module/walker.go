package module

import "time"

// walker goes through the instructions of one function after the other. It keeps the height of the
// operand stack and the blocks, as the validation algorithm of the specification does (appendix
// A.3), without types.
type walker struct {
	m      *Module
	l      *Limits
	r      *reader
	body   *Body
	fn     int     // index of the function
	height int     // of the operand stack
	peak   int     // the largest height
	cost   uint32  // fuel of the region since the last loop or function began
	frames []frame // blocks that are open, the function first
	lead   bool    // no branch, no call and no loop so far
	calls  int     // so far
	blocks int     // and branches so far
	work   work    // of the compiler
	flow   flow    // of locals
	around int     // index in frames of the innermost loop, -1 is none
	loops  int     // that are open
}

// frame is an open block.
type frame struct {
	op              uint8
	dead            bool // the rest of the block is not reached
	height          int  // of the stack below its operands
	params, results int
	loop            int    // its index in Loops
	start, marks    int    // of a loop: offset of its instructions, marks up to them
	around          int    // of a loop: index of the one around, -1 is none
	loops           int    // that were open before it
	calls, blocks   int    // of the walker, when it began
	outer           uint32 // cost of the region around a loop
	branches        int    // to the block's label
	scope           int32  // of work, around the block
	flow            flow   // at its start; of a loop, around it
	out             uint64 // locals that are set at all branches to its end
}

// function walks through one body.
func (w *walker) function(r *reader, i int, locals uint32) {
	w.fn, w.body, w.r = i+len(w.m.Imports), &w.m.Bodies[i], r
	t := &w.m.Types[w.m.Funcs[w.fn]]
	w.body.Code = r.pos
	w.body.NumLocal = locals + uint32(len(t.Params))
	w.m.mark(Start, r.pos, uint32(i))
	w.height, w.peak, w.cost, w.lead, w.calls, w.blocks = 0, 0, 2, true, 0, 0 // a call and its end
	w.around, w.loops, w.flow = -1, 0, flow{}
	w.frames = append(w.frames[:0], frame{results: len(t.Results)})
	w.work.begin(int(w.body.NumLocal))
	w.run()
	if r.err != nil {
		return
	}
	if len(w.frames) != 0 {
		r.fail("function %d ends inside of a block", w.fn)
		return
	}
	if w.peak > w.l.OperandStack {
		r.exceed("OperandStack", "function %d has %d operands at a time, the limit is %d", w.fn, w.peak, w.l.OperandStack)
		return
	}
	w.body.Cost = w.cost
	w.body.Frame = w.body.NumLocal + uint32(w.peak)
	w.m.CompileTime += w.work.end()
	if w.m.CompileTime > w.l.CompileTime {
		r.exceed("CompileTime", "compiling up to function %d takes about %v, the limit is %v", w.fn,
			w.m.CompileTime.Round(time.Millisecond), w.l.CompileTime)
	}
}

// run reads instructions up to the end of the function. Most of a module goes through here, so it
// keeps in variables what the rest of the walker has in fields, and decodes short numbers on the
// spot.
func (w *walker) run() {
	r, b := w.r, w.r.b[:w.r.end]
	pos, height, floor, peak, cost := r.pos, w.height, 0, w.peak, w.cost
	for pos < len(b) {
		at, op, quick := pos, operations[b[pos]], false
		pos++
		switch op.imm {
		case immNone:
			quick = true
		case immLocal:
			if quick = pos < len(b) && b[pos] < 0x80 && uint32(b[pos]) < w.body.NumLocal; quick {
				w.work.local(uint32(b[pos]), b[at] != opLocalGet)
				w.flow.local(uint32(b[pos]), b[at] != opLocalGet)
				pos++
			}
		case immInt32, immInt64:
			last := pos
			for last < len(b) && b[last] >= 0x80 {
				last++
			}
			if quick = last < len(b) && last-pos < 4; quick { // shorter than what could be too large
				pos = last + 1
			}
		case immMemory:
			if quick = pos+1 < len(b) && b[pos]|b[pos+1] < 0x80 && w.m.Memories > 0; quick {
				w.work.accesses++
				pos += 2
			}
		}
		if !quick {
			r.pos, w.height, w.peak, w.cost = pos, height, peak, cost
			w.slow(op.imm, at)
			pos, height, peak, cost = r.pos, w.height, w.peak, w.cost
			if r.err != nil || len(w.frames) == 0 {
				return
			}
			floor = w.frames[len(w.frames)-1].height
		}
		w.work.instructions++
		cost += uint32(op.cost)
		if op.cost == costDivide {
			w.work.checked++
		}
		if height -= int(op.pop); height < floor {
			if r.pos = pos; !w.lacks() {
				return
			}
			height = floor
		}
		height += int(op.push)
		peak = max(peak, height)
	}
	r.pos = pos
}

// slow reads what follows an opcode where that is not short or has an effect.
func (w *walker) slow(imm uint8, at int) {
	r, op := w.r, w.r.b[at]
	switch imm {
	case immLocal:
		if i := r.u32(); i < w.body.NumLocal {
			w.work.local(i, op != opLocalGet)
			w.flow.local(i, op != opLocalGet)
		} else {
			r.fail("local %d of %d", i, w.body.NumLocal)
		}
	case immInt32:
		r.signed(32)
	case immInt64:
		r.signed(64)
	case immGlobal:
		w.global(r.u32(), op == opGlobalSet)
	case immMemory:
		w.memory()
		w.work.accesses++
		r.u32()
		r.u32()
	case imm4:
		r.skip(4)
	case imm8:
		r.skip(8)
	default:
		w.special(at)
	}
}

// lacks reports whether operands of another block may be taken, because that is never reached.
func (w *walker) lacks() bool {
	if !w.frames[len(w.frames)-1].dead {
		w.r.fail("function %d: an instruction lacks operands", w.fn)
	}
	return w.r.err == nil
}

// operands takes operands from the stack and puts others onto it.
func (w *walker) operands(pop, push int) {
	w.height -= pop
	if floor := w.frames[len(w.frames)-1].height; w.height < floor {
		w.lacks()
		w.height = floor
	}
	w.height += push
	w.peak = max(w.peak, w.height)
}

// memory checks that there is one.
func (w *walker) memory() {
	if w.m.Memories == 0 {
		w.r.fail("function %d uses a memory, there is none", w.fn)
	}
}

// global checks the index of a global.
func (w *walker) global(i uint32, set bool) {
	switch {
	case uint64(i) >= uint64(len(w.m.globals)):
		w.r.fail("global %d of %d", i, len(w.m.globals))
	case set && !w.m.globals[i].mutable:
		w.r.fail("global %d is set and cannot be", i)
	}
}
