package module

// special handles an opcode that is not in the table of plain ones.
func (w *walker) special(at int) {
	r, op := w.r, w.r.b[at]
	switch op {
	case opUnreachable:
		w.leave()
	case opBlock, opLoop, opIf:
		w.open(op)
	case opElse:
		w.orElse()
	case opEnd:
		w.close(at)
	case opBr, opBrIf:
		w.branch(op)
	case opBrTable:
		w.branchTable()
	case opReturn:
		w.m.mark(Return, at, uint32(len(w.frames)-1))
		w.frames[0].branches++
		w.operands(w.frames[0].results, 0)
		w.leave()
	case opCall:
		w.call()
	case opCallIndirect:
		w.callIndirect()
	case opMemorySize, opMemoryGrow:
		w.memory()
		if i := r.u8(); i != 0 {
			r.fail("memory %d of 1", i)
		}
		if op == opMemoryGrow {
			w.body.Bulk = true
			w.work.blocks += 2 + chargedBulk
			w.cost += costGrow
			w.m.mark(Grow, at, 0)
			w.operands(1, 1)
		} else {
			w.operands(0, 1)
		}
	case opPrefix:
		w.prefixed(at)
	case opVector:
		w.vector()
	case opSelectTyped:
		r.err = unsupported("function %d has a select with a type, of %s", w.fn, references)
	default:
		w.unknown(op)
	}
}

// open begins a block, a loop or an if.
func (w *walker) open(op uint8) {
	if len(w.frames) > w.l.Nesting {
		w.r.exceed("Nesting", "function %d nests %d blocks, the limit is %d", w.fn, len(w.frames), w.l.Nesting)
		return
	}
	typeAt := w.r.pos
	params, results := w.blockType()
	if op == opIf {
		w.operands(1, 0)
		w.lead = false
		w.work.blocks += 2
	}
	w.operands(params, 0)
	f := frame{op: op, scope: w.work.scope, height: w.height, params: params, results: results, flow: w.flow, out: everything, loops: w.loops}
	if op == opLoop {
		w.work.loop()
		w.body.LeadLoop = w.body.LeadLoop || w.lead
		w.lead = false
		f.loop, f.outer, w.cost = len(w.m.Loops), w.cost, 1
		w.m.mark(LoopHead, w.r.pos, uint32(f.loop))
		if params > 0 {
			typeAt = 0
		}
		w.m.Loops = append(w.m.Loops, Loop{TypeAt: typeAt})
		w.flow = flow{}
		f.start, f.around, w.around = w.r.pos, w.around, len(w.frames)
		w.loops++
		f.marks = len(w.m.Marks)
	}
	w.work.blocks++
	w.blocks++
	f.calls, f.blocks = w.calls, w.blocks
	w.work.enter()
	w.frames = append(w.frames, f)
	w.operands(0, params)
}

// blockType reads the type of a block: nothing, one result, or the index of a function type.
func (w *walker) blockType() (params, results int) {
	r := w.r
	if r.pos < r.end && r.b[r.pos] == 0x40 {
		r.pos++
		return 0, 0
	}
	if r.pos < r.end && r.b[r.pos]&0xc0 == 0x40 {
		r.valueType()
		return 0, 1
	}
	i := r.signed(33)
	if r.err == nil && (i < 0 || i >= int64(len(w.m.Types))) {
		r.fail("block of type %d of %d", i, len(w.m.Types))
	}
	if r.err != nil {
		return 0, 0
	}
	return len(w.m.Types[i].Params), len(w.m.Types[i].Results)
}

// orElse switches to the other half of an if.
func (w *walker) orElse() {
	f := &w.frames[len(w.frames)-1]
	if f.op != opIf {
		w.r.fail("function %d has an else outside of an if", w.fn)
		return
	}
	w.finish(f)
	f.out &= w.flow.now
	f.op, f.dead, w.flow.now = opElse, false, f.flow.now
	w.height = f.height
	w.work.join(1)
	w.operands(0, f.params)
}

// close ends a block or the function.
func (w *walker) close(at int) {
	f := &w.frames[len(w.frames)-1]
	w.finish(f)
	if f.op == opIf && f.params != f.results {
		w.r.fail("function %d has an if without else that changes the stack", w.fn)
	}
	if f.op == opLoop {
		w.endLoop(f, at)
		w.work.endLoop(f.branches)
	} else {
		w.work.join(1 + f.branches)
		w.flowEnd(f)
	}
	w.work.scope = f.scope
	w.height = f.height
	results := f.results
	w.frames = w.frames[:len(w.frames)-1]
	if len(w.frames) > 0 {
		w.operands(0, results)
	}
}

// endLoop fills in what is to be said of a loop that ends at an offset.
func (w *walker) endLoop(f *frame, at int) {
	loop := &w.m.Loops[f.loop]
	loop.Cost, loop.Calls = w.cost, w.calls > f.calls
	w.cost, w.around, w.loops = f.outer, f.around, f.loops
	w.flowEndLoop(f, loop)
	w.m.mark(LoopEnd, at, uint32(f.loop))
	if loop.Calls {
		w.body.CallLoop = true
		return
	}
	w.body.Loops = true
	b := w.r.b
	if w.blocks == f.blocks+1 && f.branches == 1 && !f.dead && b[at-2] == opBrIf && b[at-1] == 0 &&
		b[f.start-1] == 0x40 && len(w.m.Marks) == f.marks+2 && loop.Cost <= straightCost {
		loop.Straight = uint32(at - 2)
		w.work.straight(loop.Cost)
	}
}

// finish checks that a block leaves its results and nothing else.
func (w *walker) finish(f *frame) {
	w.operands(f.results, 0)
	if w.height != f.height {
		w.r.fail("function %d: %d operands are left at the end of a block", w.fn, w.height-f.height)
	}
}

// leave marks the rest of a block as not reached.
func (w *walker) leave() {
	f := &w.frames[len(w.frames)-1]
	f.dead, w.height, w.lead, w.flow.now = true, f.height, false, everything
}

// target reads a label and returns how many operands a branch to it takes.
func (w *walker) target() int {
	at := w.r.pos
	label := w.r.u32()
	if uint64(label) >= uint64(len(w.frames)) {
		w.r.fail("function %d branches to label %d of %d", w.fn, label, len(w.frames))
		return 0
	}
	i := len(w.frames) - 1 - int(label)
	f := &w.frames[i]
	f.branches++
	if loops := w.loops - f.loops; loops > 0 {
		w.m.mark(Branch, at, uint32(loops))
	}
	if f.op == opLoop {
		return f.params
	}
	w.flowTo(i)
	return f.results
}

func (w *walker) branch(op uint8) {
	if op == opBrIf {
		w.operands(1, 0)
		w.work.blocks++
	}
	w.blocks++
	n := w.target()
	w.operands(n, 0)
	if op == opBrIf {
		w.operands(0, n)
		w.lead = false
	} else {
		w.leave()
	}
}

func (w *walker) branchTable() {
	n := w.r.count("branch targets", 1, "BranchTargets", w.l.BranchTargets)
	w.operands(1, 0)
	arity := -1
	for range n + 1 {
		got := w.target()
		if arity >= 0 && got != arity {
			w.r.fail("function %d: targets of a br_table take %d and %d operands", w.fn, arity, got)
		}
		arity = got
		if w.r.err != nil {
			return
		}
	}
	w.work.blocks += n + 1
	w.blocks++
	w.operands(arity, 0)
	w.leave()
}

func (w *walker) call() {
	i := w.m.funcIndex(w.r)
	if w.r.err != nil {
		return
	}
	t := &w.m.Types[w.m.Funcs[i]]
	if int(i) < len(w.m.Imports) {
		w.cost += costImport
	} else {
		w.cost += costCall
		w.lead = false
		if f := &w.frames[len(w.frames)-1]; f.op == opLoop && f.branches == 0 && !f.dead {
			w.m.Loops[f.loop].Payer = i + 1
		}
	}
	w.calls++
	w.work.calls++
	w.operands(len(t.Params), len(t.Results))
}

func (w *walker) callIndirect() {
	i := w.m.typeIndex(w.r)
	if table := w.r.u32(); w.r.err == nil && int(table) >= w.m.tables {
		w.r.fail("function %d uses table %d of %d", w.fn, table, w.m.tables)
	}
	if w.r.err != nil {
		return
	}
	t := &w.m.Types[i]
	w.cost += costCall
	w.body.Indirect, w.lead = true, false
	w.calls++
	w.work.calls++
	w.work.blocks += 3
	w.operands(1+len(t.Params), len(t.Results))
}
