package fuel

import "github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"

// The opcodes that meters are made of.
const (
	opBlock      = 0x02
	opLoop       = 0x03
	opIf         = 0x04
	opElse       = 0x05
	opEnd        = 0x0b
	opBr         = 0x0c
	opBrIf       = 0x0d
	opReturn     = 0x0f
	opCall       = 0x10
	opSelect     = 0x1b
	opLocalGet   = 0x20
	opLocalSet   = 0x21
	opLocalTee   = 0x22
	opGlobalGet  = 0x23
	opGlobalSet  = 0x24
	opConst32    = 0x41
	opConst64    = 0x42
	opEqz32      = 0x45
	opLess32U    = 0x49
	opAtMost32U  = 0x4d
	opAtLeast64S = 0x59
	opOr32       = 0x72
	opAdd64      = 0x7c
	opSub64      = 0x7d
	opOr64       = 0x84
	opShl64      = 0x86
	opShr64U     = 0x88
	opExtendU    = 0xad
	opBitsOf32   = 0xbc
	opBitsOf64   = 0xbd
	opFromBits32 = 0xbe
	opFromBits64 = 0xbf
	opVector     = 0xfd
	opOrVector   = 0x50
	blockEmpty   = 0x40
)

// meter says what a function gets.
type meter struct {
	on     bool
	loops  bool   // it has a local with fuel for loops without calls
	lead   uint32 // what its first round takes too, of a loop with calls that always runs; 0 is none
	depth  bool   // it takes from the stack
	wrap   bool   // its body is in a block, so that all its ends meet
	count  uint32 // index of the local with fuel for loops
	length uint32 // index of the local for lengths
	frame  int64
}

// meterOf decides what a function gets.
func (w *writer) meterOf(b *module.Body, i int) meter {
	mt := meter{loops: b.Loops, depth: w.graph.takes[i], frame: w.graph.frame(b, i)}
	mt.on = w.graph.metered(i)
	mt.wrap = mt.loops || mt.depth
	mt.count = b.NumLocal
	mt.length = mt.count
	if mt.loops {
		mt.length++
	}
	return mt
}

// paid reports whether each round of a loop calls a function that takes enough fuel for both.
func (w *writer) paid(loop *module.Loop) bool {
	i := int(loop.Payer) - 1 - int(w.imports)
	return i >= 0 && w.graph.metered(i) && loop.Cost <= paidBy*w.m.Bodies[i].Cost
}

// body writes a function from its locals to its end.
func (w *writer) body(i int) {
	b := &w.m.Bodies[i]
	w.meter = w.meterOf(b, i)
	w.locals(b)
	if w.meter.on {
		w.enter(b, i)
	}
	w.copyTo(b.End - 1)
	if w.meter.wrap {
		w.plain(opEnd)
		w.exit()
	}
	w.copy(b.End)
}

// locals writes the locals with those of the meter.
func (w *writer) locals(b *module.Body) {
	groups, width := module.Uint32(w.in[b.Locals:b.Code])
	long := w.meter.length - b.NumLocal
	if long > 0 {
		groups++
	}
	if b.Bulk {
		groups++
	}
	w.out = leb(w.out, groups)
	w.pos = b.Locals + width
	w.copy(b.Code)
	if long > 0 {
		w.out = append(leb(w.out, long), byte(i64))
	}
	if b.Bulk {
		w.out = append(w.out, 1, 0x7f)
	}
}

// enter takes fuel for what is outside of loops. A loop that always runs makes that cheaper: one
// with calls takes it in its first round, for one without the first round is paid here.
func (w *writer) enter(b *module.Body, i int) {
	if w.meter.depth {
		w.op(opGlobalGet, w.stack)
		w.const64(w.meter.frame)
		w.plain(opSub64)
		w.op(opGlobalSet, w.stack)
	}
	switch first := w.leadLoop(b); {
	case first == nil || w.paid(first):
		w.takeFuel(int64(b.Cost), w.meter.depth)
	case first.Calls:
		w.meter.lead = b.Cost
	default:
		w.takeFuel(int64(b.Cost)+int64(first.Cost), w.meter.depth)
		w.const64(int64(first.Cost))
		w.op(opLocalSet, w.meter.count)
	}
	if w.meter.wrap {
		w.block(w.m.Funcs[int(w.imports)+i])
	}
}

// leadLoop returns the function's first loop if it always runs.
func (w *writer) leadLoop(b *module.Body) *module.Loop {
	if b.LeadLoop {
		for _, mark := range w.m.Marks[w.next:] {
			if mark.Kind == module.LoopHead {
				return &w.m.Loops[mark.Arg]
			}
		}
	}
	return nil
}

// takeFuel takes so much, and calls the host where that, or the stack, is used up.
func (w *writer) takeFuel(cost int64, stack bool) {
	w.charge(cost, stack)
	w.check()
}

// charge takes so much, and leaves a number that is below zero where that, or the stack, is used up.
func (w *writer) charge(cost int64, stack bool) {
	w.op(opGlobalGet, w.fuel)
	w.const64(cost)
	w.plain(opSub64)
	w.op(opGlobalSet, w.fuel)
	w.op(opGlobalGet, w.fuel)
	if stack {
		w.op(opGlobalGet, w.stack)
		w.plain(opOr64)
	}
}

// block begins the block around a body of that type.
func (w *writer) block(t uint32) {
	w.plain(opBlock)
	switch results := w.m.Types[t].Results; len(results) {
	case 0:
		w.plain(blockEmpty)
	case 1:
		w.plain(byte(results[0]))
	default:
		w.out = sleb(w.out, int64(w.blocks[t]))
	}
}

// exit returns what is left of the portion for loops, and what the call held of the stack.
func (w *writer) exit() {
	if w.meter.loops {
		w.op(opGlobalGet, w.fuel)
		w.op(opLocalGet, w.meter.count)
		w.plain(opAdd64)
		w.op(opGlobalSet, w.fuel)
	}
	if w.meter.depth { // a local that lives through the calls of the body would cost more
		w.op(opGlobalGet, w.stack)
		w.const64(w.meter.frame)
		w.plain(opAdd64)
		w.op(opGlobalSet, w.stack)
	}
}

// leave writes a return, inside of so many blocks.
func (w *writer) leave(depth uint32) {
	w.pos++
	if w.meter.wrap {
		w.op(opBr, depth+w.guards(len(w.loops)))
	} else {
		w.plain(opReturn)
	}
}

// The instructions after the prefix 0xfc whose length is in bytes.
const (
	memoryInit = 8
	memoryCopy = 10
	memoryFill = 11
)

// bulk takes fuel for a bulk operation, whose length is the last operand: one for 8 bytes of
// memory or for an entry of a table. A short one is paid for by the cost of the instruction.
func (w *writer) bulk(sub uint32) {
	bytes := sub == memoryInit || sub == memoryCopy || sub == memoryFill
	most := int32(small)
	if bytes {
		most *= 8
	}
	w.op(opLocalTee, w.meter.length)
	w.const32(most)
	w.plain(opAtMost32U, opIf, blockEmpty, opElse)
	w.op(opGlobalGet, w.fuel)
	w.op(opLocalGet, w.meter.length)
	w.plain(opExtendU)
	if bytes {
		w.const64(3)
		w.plain(opShr64U)
	}
	w.plain(opSub64)
	w.op(opGlobalSet, w.fuel)
	w.checkFuel()
	w.plain(opEnd)
	w.op(opLocalGet, w.meter.length)
}

// grow takes fuel for a growth of the memory as if all of it were filled. What cannot succeed costs
// as much as the largest memory.
func (w *writer) grow() {
	const pages = 1 << 16
	w.op(opLocalTee, w.meter.length)
	w.op(opGlobalGet, w.fuel)
	w.op(opLocalGet, w.meter.length)
	w.const32(pages)
	w.op(opLocalGet, w.meter.length)
	w.const32(pages)
	w.plain(opLess32U, opSelect, opExtendU)
	w.const64(13) // 64 KiB, 8 bytes each
	w.plain(opShl64, opSub64)
	w.op(opGlobalSet, w.fuel)
	w.checkFuel()
}

// checkFuel calls the host where the fuel is used up.
func (w *writer) checkFuel() {
	w.op(opGlobalGet, w.fuel)
	w.check()
}

// check calls the host where the last operand is below zero. The compiler continues from the first half
// of an if with what it has in registers, so that the call is in the second one.
func (w *writer) check() {
	w.const64(0)
	w.plain(opAtLeast64S, opIf, blockEmpty, opElse)
	w.op(opCall, w.refill)
	w.plain(opEnd)
}

// plain writes opcodes.
func (w *writer) plain(ops ...byte) { w.out = append(w.out, ops...) }

// op writes an opcode with an index.
func (w *writer) op(code byte, index uint32) { w.out = leb(append(w.out, code), index) }

func (w *writer) const32(v int32) { w.out = sleb(append(w.out, opConst32), int64(v)) }
func (w *writer) const64(v int64) { w.out = sleb(append(w.out, opConst64), v) }
