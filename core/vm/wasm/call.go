package wasm

import "github.com/bpfhost/bpfhost/core/asm"

// Error numbers that helpers return here, as R0 (include/uapi/asm-generic/errno-base.h).
const (
	einval = -22
	e2big  = -7
)

// maxLoop is how many rounds bpf_loop takes (BPF_MAX_LOOPS).
const maxLoop = 8 << 20

// deeper ends the run if there is no frame below this one.
func (f *function) deeper(i int) {
	f.get(localR10)
	f.i64(int64(f.p.StackTop - (MaxFrames-1)*FrameStride))
	f.op(opI64LeU)
	f.fail(i, HostDepth)
}

// nextFrame pushes the frame pointer of a function that is called.
func (c *code) nextFrame() {
	c.get(localR10)
	c.i64(FrameStride)
	c.op(opI64Sub)
}

// callFunction writes a call of a function of the program.
func (f *function) callFunction(i int) {
	f.deeper(i)
	f.charge(i)
	f.save()
	for r := range uint32(5) {
		f.get(r)
	}
	f.nextFrame()
	f.call(f.t.index[f.g.FuncOf(f.g.Target(i))])
	f.set(localR0)
	f.restore()
}

// callHelper writes a call of a helper.
func (f *function) callHelper(i int, in *asm.Insn) {
	m := f.p.argument(&f.k)
	switch h := asm.Helper(in.Imm); {
	case h == asm.HelperMapLookupElem && m != nil && m.Kind == MapArray:
		f.lookup(i, m, f.index32)
	case h == asm.HelperMapLookupElem && m != nil && m.Kind == MapHash:
		f.lookup(i, m, f.search)
	case h == asm.HelperRingbufReserve && m != nil && m.Kind == MapRing:
		f.reserve(m)
	case h == asm.HelperRingbufSubmit, h == asm.HelperRingbufDiscard:
		f.release(i, h == asm.HelperRingbufDiscard)
	case h == asm.HelperGetSmpProcessorID:
		f.state(StateCPU)
		f.set(localR0)
	case h == asm.HelperLoop:
		f.loop(i)
	case h == asm.HelperForEachMapElem:
		f.forEach(i)
	case h == asm.HelperTailCall:
		f.tailCall(i)
	default:
		f.askHost(i)
	}
}

// askHost has the host do a call.
func (f *function) askHost(i int) {
	f.save()
	f.host(i, HostInsn, 5)
	f.set(localR0)
	f.restore()
}

// lookup writes a look-up in a map, whose key find finds. A key that is not there to be read is for the host
// to complain of.
func (f *function) lookup(i int, m *Map, find func(m *Map, key place)) {
	if key, ok := f.known(asm.R2, 0, int64(m.KeySize), false); ok {
		find(m, key)
		return
	}
	f.get(local(asm.R2))
	f.i64(int64(m.KeySize))
	f.i32(0)
	f.call(f.t.ownedFunc())
	f.enter(opIf)
	find(m, place{local: local(asm.R2), wide: true})
	f.op(opElse)
	f.askHost(i)
	f.op(opEnd)
}

// index32 sets R0 to the address of a value of an array, or to 0.
func (f *function) index32(m *Map, key place) {
	f.push(key)
	f.mem(opI64Load32U, key.offset)
	f.tee(localT)
	f.i64(int64(m.Entries))
	f.op(opI64LtU)
	f.enter(opIf)
	f.get(localT)
	f.i64(int64(m.Stride))
	f.op(opI64Mul)
	f.i64(int64(m.Data))
	f.op(opI64Add)
	if m.PerCPU != 0 {
		f.state(StateCPU)
		f.i64(int64(m.PerCPU))
		f.op(opI64Mul, opI64Add)
	}
	f.set(localR0)
	f.op(opElse)
	f.i64(0)
	f.set(localR0)
	f.op(opEnd)
}

// search sets R0 to the address of a value of a hash map, or to 0.
func (f *function) search(m *Map, key place) {
	f.push(key)
	if key.offset != 0 {
		f.i32(int32(key.offset))
		f.op(opI32Add)
	}
	f.op(opI64ExtI32U)
	f.call(f.t.hashFunc(m))
	f.set(localR0)
}

// reserve writes a reservation of a record.
func (f *function) reserve(m *Map) {
	f.get(local(asm.R3))
	f.op(opI64Eqz)
	f.enter(opIf)
	f.get(local(asm.R2))
	f.call(f.t.reserveFunc(m))
	f.set(localR0)
	f.op(opElse)
	f.i64(0)
	f.set(localR0)
	f.op(opEnd)
}

// release writes the end of a reservation. The host complains if there is none.
func (f *function) release(i int, discard bool) {
	f.get(local(asm.R1))
	f.call(f.t.releaseFunc(discard))
	f.op(opI64Eqz)
	f.enter(opIf)
	f.save()
	f.host(i, HostInsn, 5)
	f.op(opDrop, opEnd)
	f.i64(0)
	f.set(localR0)
}

// callback calls the function that R2 has the address of, with what is on the stack as R1 to R5, and leaves its
// result there.
func (f *function) callback(i int) {
	f.nextFrame()
	if r2 := f.k.regs[asm.R2]; r2.kind == kindNumber {
		if fn, ok := f.t.callee(uint64(r2.off)); ok {
			f.call(f.t.index[fn])
			return
		}
	}
	f.get(localN)
	f.callTable(tableCallbacks, typeFunc)
}

// callable sets localN to the function that R2 has the address of. The host complains if it is none.
func (f *function) callable(i int) {
	if len(f.t.callbacks) == 0 {
		f.askHost(i)
		return
	}
	f.get(local(asm.R2))
	f.call(f.t.callbackFunc())
	f.tee(localN)
	f.i32(-1)
	f.op(opI32Eq)
	f.enter(opIf)
	f.askHost(i)
	f.op(opEnd)
}

// loop writes a call of bpf_loop: of a function with 0, 1, 2 … until it returns 1.
func (f *function) loop(i int) {
	if len(f.t.callbacks) == 0 {
		f.askHost(i)
		return
	}
	f.callable(i)
	f.enter(opBlock)
	f.i64(einval)
	f.set(localR0)
	f.get(local(asm.R4))
	f.op(opI64Eqz, opI32Eqz)
	f.with(opBrIf, 0)
	f.i64(e2big)
	f.set(localR0)
	f.get(local(asm.R1))
	f.op(opI32WrapI64, opI64ExtI32U)
	f.tee(localV)
	f.i64(maxLoop)
	f.op(opI64GtU)
	f.with(opBrIf, 0)
	f.i64(0)
	f.set(localR0)
	f.enter(opLoop)
	f.get(localR0)
	f.get(localV)
	f.op(opI64GeU)
	f.with(opBrIf, 1)
	f.charge(i)
	f.deeper(i)
	f.save()
	f.get(localR0)
	f.get(localR3)
	for range 3 {
		f.i64(0)
	}
	f.callback(i)
	f.set(localT)
	f.restore()
	f.get(localR0)
	f.i64(1)
	f.op(opI64Add)
	f.set(localR0)
	f.get(localT)
	f.op(opI64Eqz)
	f.with(opBrIf, 0)
	f.op(opEnd, opEnd)
}

// forEach writes a call of bpf_for_each_map_elem, whose entries the host finds.
func (f *function) forEach(i int) {
	if len(f.t.callbacks) == 0 {
		f.askHost(i)
		return
	}
	f.callable(i)
	f.enter(opBlock)
	f.i64(0)
	f.set(localR0)
	f.i64(0)
	f.set(localV) // the slot
	f.enter(opLoop)
	f.save()
	f.i32(int32(f.p.Start) + int32(i))
	f.i32(HostEach)
	f.get(localR10)
	f.get(localR1)
	f.get(localV)
	f.get(localR3)
	f.get(localR4)
	f.i64(0)
	f.call(hostIndex)
	f.tee(localV)
	f.i64(0)
	f.op(opI64LeS)
	f.enter(opIf) // there are no more, or an error
	f.get(localV)
	f.get(localR0)
	f.get(localV)
	f.op(opI64Eqz, opI32Eqz, opSelect)
	f.set(localR0)
	f.with(opBr, 2)
	f.op(opEnd)
	f.restore()
	f.get(localR0)
	f.i64(1)
	f.op(opI64Add)
	f.set(localR0)
	f.charge(i)
	f.deeper(i)
	f.save()
	f.get(localR1)
	f.state(StateKey)
	f.state(StateValue)
	f.get(localR3)
	f.i64(0)
	f.callback(i)
	f.op(opI64Eqz)
	f.with(opBrIf, 0)
	f.op(opEnd, opEnd)
	f.restore()
}

// tailCall writes a tail call. What it goes to may be interpreted.
func (f *function) tailCall(i int) {
	f.save()
	f.host(i, HostInsn, 5)
	f.set(localR0)
	f.i32(0)
	f.mem(opI32Load, StateTail)
	f.tee(localN)
	f.i32(TailReturn)
	f.op(opI32Eq)
	f.enter(opIf)
	f.get(localR0)
	f.op(opReturn, opEnd)
	f.get(localN)
	f.i32(0)
	f.op(opI32GeS)
	f.enter(opIf)
	for r := range uint32(5) {
		f.get(r)
	}
	f.get(localR10)
	f.get(localN)
	f.callTable(tablePrograms, typeFunc)
	f.op(opReturn, opEnd)
	f.restore()
}
