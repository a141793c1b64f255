package module

// Bounds of what carried looks at. Registers are for the innermost loops, and for few locals.
const (
	carriedHeight = 2       // loops in each other
	carriedBytes  = 4 << 10 // of their instructions
	carriedLocals = 64
)

// Local is a local of a function, with its type.
type Local struct {
	Index uint32
	Type  ValueType
}

// carried appends the locals that a loop sets and that its next round reads before it sets them
// again. from and to are the offsets of its instructions and of its end; the walker went through
// them, so that they have the right form.
func (w *walker) carried(from, to int) (first, n uint32) {
	c := &w.carry
	c.b, c.pos = w.r.b, from
	c.reset()
	for c.pos < to && !c.many {
		c.step()
	}
	first = uint32(len(w.m.Carried))
	if c.many {
		return first, 0
	}
	for i := range c.number {
		if bit := uint64(1) << i; c.set&c.read&bit != 0 {
			w.m.Carried = append(w.m.Carried, Local{c.locals[i], w.localType(c.locals[i])})
		}
	}
	return first, uint32(len(w.m.Carried)) - first
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

// carry finds which locals are read before they are set for sure, by the rules of definite
// assignment: each place has a set of locals that all paths to it set, where ways join it is what
// they share, and it is everything where none arrives.
type carry struct {
	b   []byte
	pos int

	frames []assigned // blocks that are open
	now    uint64     // locals that are set here, by their numbers
	set    uint64     // ever
	read   uint64     // before they were set
	many   bool       // more locals or larger ones than there are numbers for

	locals [carriedLocals]uint32 // by number
	number int
	known  [256]uint8 // of each local, its number + 1
}

// assigned is an open block.
type assigned struct {
	op  uint8
	in  uint64 // set at the start
	out uint64 // set at all branches to its end
}

const everything = ^uint64(0)

func (c *carry) reset() {
	for _, i := range c.locals[:c.number] {
		c.known[i] = 0
	}
	c.frames, c.now, c.set, c.read, c.many, c.number = c.frames[:0], 0, 0, 0, false, 0
}

// step goes over an instruction.
func (c *carry) step() {
	op := c.b[c.pos]
	c.pos++
	switch operations[op].imm {
	case immLocal:
		c.local(op, c.u32())
	case immGlobal:
		c.u32()
	case immInt32, immInt64:
		c.number64()
	case immMemory:
		c.u32()
		c.u32()
	case imm4:
		c.pos += 4
	case imm8:
		c.pos += 8
	case immControl:
		c.control(op)
	}
}

func (c *carry) u32() uint32 {
	v, n := Uint32(c.b[c.pos:])
	c.pos += n
	return v
}

// number64 passes over a number.
func (c *carry) number64() {
	for c.b[c.pos] >= 0x80 {
		c.pos++
	}
	c.pos++
}

// local notes that a local is read or set.
func (c *carry) local(op uint8, i uint32) {
	if i >= uint32(len(c.known)) {
		return
	}
	if c.known[i] == 0 {
		if c.number == len(c.locals) {
			c.many = true
			return
		}
		c.locals[c.number] = i
		c.number++
		c.known[i] = uint8(c.number)
	}
	bit := uint64(1) << (c.known[i] - 1)
	if op == opLocalGet {
		c.read |= bit &^ c.now
	} else {
		c.set |= bit
		c.now |= bit
	}
}

// control goes over an instruction of control flow, or one with a prefix.
func (c *carry) control(op uint8) {
	switch op {
	case opBlock, opLoop, opIf:
		c.number64() // its type
		c.frames = append(c.frames, assigned{op: op, in: c.now, out: everything})
	case opElse:
		f := &c.frames[len(c.frames)-1]
		f.op, f.out, c.now = opElse, f.out&c.now, f.in
	case opEnd:
		f := c.frames[len(c.frames)-1]
		c.frames = c.frames[:len(c.frames)-1]
		if f.op == opIf {
			c.now &= f.in
		}
		c.now &= f.out
	case opBr, opBrIf:
		if c.branch(c.u32()); op == opBr {
			c.now = everything
		}
	case opBrTable:
		for range c.u32() + 1 {
			c.branch(c.u32())
		}
		c.now = everything
	case opReturn, opUnreachable:
		c.now = everything
	case opMemorySize, opMemoryGrow:
		c.pos++
	case opPrefix:
		c.prefixed(c.u32())
	case opVector:
		c.vector(c.u32())
	}
}

// branch notes a branch to a label. Those to a loop or out of the one in question change nothing.
func (c *carry) branch(label uint32) {
	if uint64(label) >= uint64(len(c.frames)) {
		return
	}
	if f := &c.frames[len(c.frames)-1-int(label)]; f.op != opLoop {
		f.out &= c.now
	}
}

func (c *carry) prefixed(sub uint32) {
	switch {
	case sub == 8 || sub == 10 || sub == 12 || sub == 14:
		c.u32()
		c.u32()
	case sub > 8:
		c.u32()
	}
}

func (c *carry) vector(sub uint32) {
	switch vectors[sub].imm {
	case immMemory:
		c.u32()
		c.u32()
	case immMemLane:
		c.u32()
		c.u32()
		c.pos++
	case imm16:
		c.pos += 16
	case immLane:
		c.pos++
	}
}
