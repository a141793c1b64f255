package module

// prefixed handles the instructions after opPrefix: conversions that saturate, and bulk memory.
func (w *walker) prefixed(at int) {
	r := w.r
	sub := r.u32()
	if r.err != nil {
		return
	}
	if sub < 8 {
		w.operands(1, 1)
		w.work.checked++
		return
	}
	if sub > 14 {
		w.unknown(opPrefix)
		return
	}
	first, second := uint32(0), uint32(0)
	first = r.u32()
	if sub == 8 || sub == 10 || sub == 12 || sub == 14 {
		second = r.u32()
	}
	if r.err != nil {
		return
	}
	switch sub {
	case 8: // memory.init
		w.segment(first)
		w.only(second, w.m.Memories, "memory")
	case 9: // data.drop
		w.segment(first)
	case 10, 11: // memory.copy, memory.fill
		w.only(first, w.m.Memories, "memory")
		w.only(second, w.m.Memories, "memory")
	case 12: // table.init
		w.only(first, w.m.elements, "element segment")
		w.only(second, w.m.tables, "table")
	case 13: // elem.drop
		w.only(first, w.m.elements, "element segment")
	case 14: // table.copy
		w.only(first, w.m.tables, "table")
		w.only(second, w.m.tables, "table")
	}
	if sub == 9 || sub == 13 {
		return
	}
	w.body.Bulk = true
	w.cost += costCall
	w.work.bulks++
	w.work.blocks += 3 + chargedBulk
	w.m.mark(Bulk, at, sub)
	w.operands(3, 0)
}

// segment checks the index of a data segment, which the data count section has to announce.
func (w *walker) segment(i uint32) {
	if int64(i) >= int64(w.m.data) {
		w.r.fail("function %d uses data segment %d of %d", w.fn, i, max(w.m.data, 0))
	}
}

// only checks an index.
func (w *walker) only(i uint32, n int, what string) {
	if uint64(i) >= uint64(n) {
		w.r.fail("function %d uses %s %d of %d", w.fn, what, i, n)
	}
}

// vector handles the instructions after opVector.
func (w *walker) vector() {
	r := w.r
	sub := r.u32()
	if r.err != nil {
		return
	}
	if sub > 255 || vectors[sub].imm == immInvalid {
		r.fail("function %d: unknown vector instruction %d", w.fn, sub)
		return
	}
	op := &vectors[sub]
	switch op.imm {
	case immMemory, immMemLane:
		w.memory()
		r.u32()
		r.u32()
		if op.imm == immMemLane {
			r.skip(1)
		}
	case imm16:
		r.skip(16)
	case immLane:
		r.skip(1)
	}
	w.work.instructions += 2
	w.operands(int(op.pop), int(op.push))
}

// The features of WebAssembly that are not for plugins, each with what to change.
const (
	tailCalls       = "tail calls; build with -mno-tail-call"
	exceptions      = "exceptions; build with -fno-exceptions, in Rust with panic=abort"
	references      = "reference types; build with -mno-reference-types"
	typedReferences = "typed references or garbage collection; build for a target without them"
	threads         = "threads; build without -pthread, shared memory and atomics"
	memory64        = "64-bit memory; build for wasm32"
)

// unknown refuses an opcode and says where it comes from.
func (w *walker) unknown(op uint8) {
	feature := ""
	switch {
	case op == 0x12 || op == 0x13:
		feature = tailCalls
	case op >= 0x06 && op <= 0x0a || op == 0x18 || op == 0x19 || op == 0x1f:
		feature = exceptions
	case op == 0x25 || op == 0x26 || op >= 0xd0 && op <= 0xd2 || op == opPrefix:
		feature = references
	case op == 0xfe:
		feature = threads
	case op == 0x14 || op == 0x15 || op >= 0xd3 && op <= 0xd6 || op == 0xfb:
		feature = typedReferences
	}
	if feature == "" {
		w.r.fail("function %d: unknown instruction 0x%02x", w.fn, op)
		return
	}
	w.r.err = unsupported("function %d has instruction 0x%02x of %s", w.fn, op, feature)
}
