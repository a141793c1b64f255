package wasm

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
)

// insn writes an instruction that control leaves at its end only.
func (f *function) insn(i int) error {
	in := &f.g.Insns[i]
	if in.Flags&asm.Raw != 0 || in.Dst > asm.R10 || in.Src > asm.R10 {
		return fmt.Errorf("%v is not an instruction", *in)
	}
	switch in.Op.Format() {
	case asm.FormatLoad64:
		f.i64(int64(f.p.value(in, i)))
		f.set(local(in.Dst))
		return nil
	case asm.FormatLoad, asm.FormatLoadSX:
		f.load(i, in)
		return nil
	case asm.FormatStoreImm, asm.FormatStoreReg:
		f.store(i, in)
		return nil
	case asm.FormatAtomic:
		return f.atomic(i, in)
	case asm.FormatAbs, asm.FormatInd:
		f.loadPacket(i, in)
		return nil
	case asm.FormatCall:
		if calls(in) {
			f.callFunction(i)
			return nil
		}
		f.callHelper(i, in)
		return nil
	case asm.FormatEnd:
		return f.swap(in)
	case asm.FormatNeg:
		f.negate(in)
		return nil
	}
	if c := in.Op.Class(); c == asm.ClassALU || c == asm.ClassALU64 {
		return f.arithmetic(in)
	}
	return fmt.Errorf("%v is not an instruction", *in)
}

// operand pushes a local, or its low half.
func (c *code) operand(l uint32, wide bool) {
	c.get(l)
	if !wide {
		c.op(opI32WrapI64)
	}
}

// second pushes the second operand of arithmetic.
func (c *code) second(in *asm.Insn, wide bool) {
	switch {
	case in.Op.Reg():
		c.operand(local(in.Src), wide)
	case wide:
		c.i64(in.Imm)
	default:
		c.i32(int32(in.Imm))
	}
}

// result sets the destination to the number on the stack.
func (c *code) result(in *asm.Insn, wide bool) {
	if !wide {
		c.op(opI64ExtI32U)
	}
	c.set(local(in.Dst))
}

// simple has the instructions on 32 and on 64 bits of what needs no care.
var simple = map[asm.ALUOp][2]opcode{
	asm.Add: {opI32Add, opI64Add}, asm.Sub: {opI32Sub, opI64Sub}, asm.Mul: {opI32Mul, opI64Mul}, asm.Or: {opI32Or, opI64Or},
	asm.And: {opI32And, opI64And}, asm.Xor: {opI32Xor, opI64Xor}, asm.Lsh: {opI32Shl, opI64Shl}, asm.Rsh: {opI32ShrU, opI64ShrU},
	asm.Arsh: {opI32ShrS, opI64ShrS},
}

func (c *code) arithmetic(in *asm.Insn) error {
	wide := in.Op.Class() == asm.ClassALU64
	alu := in.Op.ALU()
	switch alu {
	case asm.Mov:
		return c.move(in, wide)
	case asm.Div, asm.Mod:
		if in.Off == 1 {
			c.signedDivision(in, alu == asm.Mod, wide)
			return nil
		}
		c.division(in, alu == asm.Mod, wide)
		return nil
	}
	ops, ok := simple[alu]
	if !ok {
		return fmt.Errorf("%v is not an instruction", *in)
	}
	c.operand(local(in.Dst), wide)
	c.second(in, wide)
	if wide {
		c.op(ops[1])
	} else {
		c.op(ops[0])
	}
	c.result(in, wide)
	return nil
}

func (c *code) negate(in *asm.Insn) {
	wide := in.Op.Class() == asm.ClassALU64
	if wide {
		c.i64(0)
		c.get(local(in.Dst))
		c.op(opI64Sub)
	} else {
		c.i32(0)
		c.operand(local(in.Dst), false)
		c.op(opI32Sub)
	}
	c.result(in, wide)
}

func (c *code) move(in *asm.Insn, wide bool) error {
	extend, ok := map[int16]opcode{8: opI64Extend8S, 16: opI64Extend16S, 32: opI64Extend32S}[in.Off]
	switch {
	case in.Off == 0 && !in.Op.Reg() && !wide:
		c.i64(int64(uint32(in.Imm)))
		c.set(local(in.Dst))
		return nil
	case in.Off == 0:
		c.second(in, true)
	case ok && in.Op.Reg() && (wide || in.Off < 32):
		c.get(local(in.Src))
		c.op(extend)
	default:
		return fmt.Errorf("%v is not an instruction", *in)
	}
	if !wide {
		c.op(opI32WrapI64)
	}
	c.result(in, wide)
	return nil
}

// division writes a division or remainder without a sign. Division by zero is 0 and leaves the dividend as
// remainder.
func (c *code) division(in *asm.Insn, mod, wide bool) {
	ops := [2]opcode{opI32DivU, opI64DivU}
	if mod {
		ops = [2]opcode{opI32RemU, opI64RemU}
	}
	op := ops[0]
	if wide {
		op = ops[1]
	}
	dst := local(in.Dst)
	if !in.Op.Reg() && in.Imm != 0 {
		c.operand(dst, wide)
		c.second(in, wide)
		c.op(op)
		c.result(in, wide)
		return
	}
	c.second(in, wide)
	if wide {
		c.i64(0)
		c.op(opI64Ne)
	}
	c.enter(opIf)
	c.operand(dst, wide)
	c.second(in, wide)
	c.op(op)
	c.result(in, wide)
	c.byZero(dst, mod, wide)
}

// byZero writes the other case of a division, and its end.
func (c *code) byZero(dst uint32, mod, wide bool) {
	switch {
	case !mod:
		c.op(opElse)
		c.i64(0)
		c.set(dst)
	case !wide:
		c.op(opElse)
		c.operand(dst, false)
		c.op(opI64ExtI32U)
		c.set(dst)
	}
	c.op(opEnd)
}

// signedDivision writes a division or remainder with a sign. 32 bits are divided in 64, where the smallest
// number divided by -1 does not overflow; of 64 bits it is itself, with the remainder 0.
func (c *code) signedDivision(in *asm.Insn, mod, wide bool) {
	dst := local(in.Dst)
	push := func(l uint32) {
		c.get(l)
		if !wide {
			c.op(opI64Extend32S)
		}
	}
	if in.Op.Reg() {
		push(local(in.Src))
	} else {
		c.i64(in.Imm)
	}
	c.tee(localT)
	c.i64(0)
	c.op(opI64Ne)
	c.enter(opIf)
	switch {
	case mod:
		push(dst)
		c.get(localT)
		c.op(opI64RemS)
	case wide:
		c.i64(0) // 0 - dst, or the quotient
		c.get(dst)
		c.op(opI64Sub)
		c.set(localU)
		c.get(localT)
		c.i64(-1)
		c.op(opI64Ne)
		c.enter(opIf)
		c.get(dst)
		c.get(localT)
		c.op(opI64DivS)
		c.set(localU)
		c.op(opEnd)
		c.get(localU)
	default:
		push(dst)
		c.get(localT)
		c.op(opI64DivS)
	}
	if !wide {
		c.op(opI32WrapI64)
	}
	c.result(in, wide)
	c.byZero(dst, mod, wide)
}

// swap writes a conversion of byte order, for a little-endian machine.
func (c *code) swap(in *asm.Insn) error {
	dst := local(in.Dst)
	if in.Op.Class() == asm.ClassALU && !in.Op.Reg() { // to little endian
		switch in.Imm {
		case 16:
			c.get(dst)
			c.i64(0xffff)
			c.op(opI64And)
		case 32:
			c.get(dst)
			c.op(opI32WrapI64, opI64ExtI32U)
		case 64:
			return nil
		default:
			return fmt.Errorf("%v is not an instruction", *in)
		}
		c.set(dst)
		return nil
	}
	switch in.Imm {
	case 16:
		c.get(dst)
		c.text("i64.const 8 i64.shl i64.const 0xff00 i64.and")
		c.get(dst)
		c.text("i64.const 8 i64.shr_u i64.const 0xff i64.and i64.or")
	case 32:
		c.operand(dst, false)
		c.text("i32.const 8 i32.rotl i32.const 0x00ff00ff i32.and")
		c.operand(dst, false)
		c.text("i32.const 24 i32.rotl i32.const -0xff0100 i32.and i32.or i64.extend_i32_u")
	case 64:
		c.get(dst)
		c.tee(localT)
		c.text("i64.const 8 i64.rotl i64.const 0x000000ff000000ff i64.and")
		c.get(localT)
		c.text("i64.const 24 i64.rotl i64.const 0x0000ff000000ff00 i64.and i64.or")
		c.get(localT)
		c.text("i64.const 40 i64.rotl i64.const 0x00ff000000ff0000 i64.and i64.or")
		c.get(localT)
		c.text("i64.const 56 i64.rotl i64.const -0x00ffffff01000000 i64.and i64.or")
	default:
		return fmt.Errorf("%v is not an instruction", *in)
	}
	c.set(dst)
	return nil
}
