package wasm

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
)

// Bits of a shadow byte: how many of 8 bytes belong to an object, and that they are read-only.
const (
	shadowFull     = 8
	shadowCount    = 0x0f
	shadowReadOnly = 0x20
)

// place is memory that an instruction accesses, once it is known to be there.
type place struct {
	local  uint32 // that has the address, without offset
	wide   bool   // it has 64 bits
	fixed  bool   // there is no local: offset is the address
	offset uint32
	adjust int64 // added before offset, which cannot be negative
}

// push pushes the address of a place without its offset.
func (c *code) push(p place) {
	switch {
	case p.fixed:
		c.i32(0)
		return
	case p.wide:
		c.get(p.local)
		c.op(opI32WrapI64)
	default:
		c.get(p.local)
	}
	if p.adjust != 0 {
		c.i32(int32(p.adjust))
		c.op(opI32Add)
	}
}

// known returns where n bytes at an offset from a register are, if they can be accessed without a look at the
// shadow.
func (f *function) known(reg asm.Reg, off, n int64, write bool) (place, bool) {
	if !f.p.proven(&f.k, reg, off, n, write) {
		return place{}, false
	}
	v := f.k.regs[reg]
	switch v.kind {
	case kindFrame:
		return place{local: localFrame, offset: uint32(FrameSize + v.off + off)}, true
	case kindContext:
		return place{fixed: true, offset: uint32(int64(f.p.Context) + v.off + off)}, true
	case kindNumber:
		return place{fixed: true, offset: uint32(v.off + off)}, true
	}
	return offsetFrom(local(reg), off), true
}

// offsetFrom returns the place at an offset from a local.
func offsetFrom(l uint32, off int64) place {
	if off < 0 {
		return place{local: l, wide: true, adjust: off}
	}
	return place{local: l, wide: true, offset: uint32(off)}
}

// place returns where n bytes at an offset from a register are. What belongs to nothing ends the run; where
// 0 is read instead, done is called for what to do then, and a block is left open.
func (f *function) place(i int, reg asm.Reg, off, n int64, write bool, done func()) place {
	if p, ok := f.known(reg, off, n, write); ok {
		return p
	}
	zero := done != nil && f.p.ReadsZero && !write
	if zero {
		f.enter(opBlock)
	}
	if f.outlined {
		f.get(local(reg))
		f.i64(off)
		f.op(opI64Add)
		f.set(localT)
		f.ask(i, n, write)
		if zero {
			f.enter(opIf)
			done()
			f.with(opBr, 1)
			f.op(opEnd)
		} else {
			f.op(opDrop)
		}
		return place{local: localT, wide: true}
	}
	f.look(reg, off, n, write)
	f.ask(i, n, write)
	if zero {
		f.text("i32.eqz br_if 0")
		done()
		f.with(opBr, 1)
	} else {
		f.op(opDrop)
	}
	f.op(opEnd)
	return place{local: localT, wide: true}
}

// look leaves the outer of two blocks if the shadow says that n bytes are an object's, and closes the inner one.
func (f *function) look(reg asm.Reg, off, n int64, write bool) {
	f.enter(opBlock) // it is an object's
	f.enter(opBlock) // look closer
	f.get(local(reg))
	if off != 0 {
		f.i64(off)
		f.op(opI64Add)
	}
	f.tee(localT)
	f.text("i64.const 3 i64.shr_u")
	f.tee(localU)
	f.get(localGranules)
	f.op(opI64GeU)
	f.with(opBrIf, 0)
	f.shadowByte()
	if write {
		f.need8(n)
		f.op(opI32Sub)
		f.i32(shadowFull)
		f.op(opI32LeU)
	} else {
		f.i32(shadowCount)
		f.op(opI32And)
		f.need8(n)
		f.op(opI32GeU)
	}
	f.with(opBrIf, 1)
	f.op(opEnd)
}

// ask calls the function access for n bytes at localT.
func (f *function) ask(i int, n int64, write bool) {
	f.i32(int32(f.p.Start) + int32(i))
	f.get(localT)
	f.i64(n)
	f.i32(bit(write))
	f.save()
	f.call(f.t.accessFunc())
}

// shadowByte pushes the shadow byte whose number is in localU.
func (c *code) shadowByte() {
	c.get(localU)
	c.op(opI32WrapI64)
	c.get(localShadow)
	c.op(opI32Add)
	c.mem(opI32Load8U, 0)
}

// need8 pushes how many of the 8 bytes around the address in localT have to be an object's for n from there.
func (c *code) need8(n int64) {
	c.get(localT)
	c.op(opI32WrapI64)
	c.text("i32.const 7 i32.and")
	c.i32(int32(n))
	c.op(opI32Add)
}

func bit(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// loads has the instruction of each width, without and with sign; stores those that store.
var (
	loads = map[asm.Size][2]opcode{
		asm.Byte: {opI64Load8U, opI64Load8S}, asm.Half: {opI64Load16U, opI64Load16S}, asm.Word: {opI64Load32U, opI64Load32S}, asm.DWord: {opI64Load, opI64Load},
	}
	stores = map[asm.Size]opcode{asm.Byte: opI64Store8, asm.Half: opI64Store16, asm.Word: opI64Store32, asm.DWord: opI64Store}
)

// load writes a load of a register.
func (f *function) load(i int, in *asm.Insn) {
	if f.loadPointer(in) {
		return
	}
	dst := local(in.Dst)
	op := loads[in.Op.Size()][0]
	if in.Op.Format() == asm.FormatLoadSX {
		op = loads[in.Op.Size()][1]
	}
	_, proven := f.known(in.Src, int64(in.Off), int64(in.Op.Size().Bytes()), false)
	at := f.place(i, in.Src, int64(in.Off), int64(in.Op.Size().Bytes()), false, func() {
		f.i64(0)
		f.set(dst)
	})
	f.push(at)
	f.mem(op, at.offset)
	f.set(dst)
	if f.p.ReadsZero && !proven {
		f.op(opEnd)
	}
}

// loadPointer writes a load of data or data_end from the context. What the state says is what analyse
// takes for granted.
func (f *function) loadPointer(in *asm.Insn) bool {
	if in.Op.Format() != asm.FormatLoad {
		return false
	}
	switch f.facts.loaded(&f.k, in).kind {
	case kindData:
		f.state(StatePacketStart)
	case kindDataEnd:
		f.state(StatePacketEnd)
	default:
		return false
	}
	f.set(local(in.Dst))
	return true
}

// store writes a store of a register or a number.
func (f *function) store(i int, in *asm.Insn) {
	at := f.place(i, in.Dst, int64(in.Off), int64(in.Op.Size().Bytes()), true, nil)
	f.push(at)
	if in.Op.Format() == asm.FormatStoreImm {
		f.i64(in.Imm)
	} else {
		f.get(local(in.Src))
	}
	f.mem(stores[in.Op.Size()], at.offset)
}

// loadPacket writes a load from the packet by LD_ABS or LD_IND, which ends the function if there is none.
func (f *function) loadPacket(i int, in *asm.Insn) {
	f.save()
	f.i32(int32(f.p.Start) + int32(i))
	f.i32(HostInsn)
	f.get(localR10)
	f.i64(in.Imm)
	if in.Op.Mode() == asm.ModeInd {
		f.get(local(in.Src))
		f.op(opI64Add)
	}
	for range 4 {
		f.i64(0)
	}
	f.call(hostIndex)
	f.set(localR0)
	f.i32(0)
	f.mem(opI32Load, StateTail)
	f.i32(TailReturn)
	f.op(opI32Eq)
	f.enter(opIf)
	f.get(localR0)
	f.op(opReturn, opEnd)
}

// combine has the instruction of each atomic operation.
var combine = map[asm.AtomicOp]opcode{asm.AtomicAdd: opI64Add, asm.AtomicOr: opI64Or, asm.AtomicAnd: opI64And, asm.AtomicXor: opI64Xor}

// atomic writes an atomic operation, as a plain one: one program runs at a time.
func (f *function) atomic(i int, in *asm.Insn) error {
	size := in.Op.Size()
	n, op := int64(size.Bytes()), asm.AtomicOp(in.Imm)
	if op == asm.LoadAcquire {
		at := f.place(i, in.Src, int64(in.Off), n, false, nil)
		f.push(at)
		f.mem(loads[size][0], at.offset)
		f.set(local(in.Dst))
		return nil
	}
	change, ok := combine[op&^asm.Fetch]
	if !ok && op != asm.Xchg && op != asm.CmpXchg && op != asm.StoreRelease {
		return fmt.Errorf("%v is not an instruction", *in)
	}
	at := f.place(i, in.Dst, int64(in.Off), n, true, nil)
	src := local(in.Src)
	if op == asm.StoreRelease {
		f.push(at)
		f.get(src)
		f.mem(stores[size], at.offset)
		return nil
	}
	f.push(at)
	f.mem(loads[size][0], at.offset)
	f.set(localU)
	f.push(at)
	switch op {
	case asm.Xchg:
		f.get(src)
	case asm.CmpXchg:
		f.get(src)
		f.get(localU)
		f.get(localU)
		f.get(localR0)
		if n == 4 {
			f.op(opI64Xor, opI32WrapI64, opI32Eqz)
		} else {
			f.op(opI64Eq)
		}
		f.op(opSelect)
	default:
		f.get(localU)
		f.get(src)
		f.op(change)
	}
	f.mem(stores[size], at.offset)
	switch {
	case op == asm.CmpXchg:
		f.get(localU)
		f.set(localR0)
	case op&asm.Fetch != 0:
		f.get(localU)
		f.set(src)
	}
	return nil
}
