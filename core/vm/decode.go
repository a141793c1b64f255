package vm

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
)

// insn is an instruction made ready to run. Its second operand is the sum of imm and a register,
// which is zeroReg where the instruction has none; loads have their offset in imm.
type insn struct {
	imm  uint64
	off  int32 // where a jump goes, offset of a store, index of a helper
	op   uint8
	dst  uint8
	src  uint8
	size uint8 // bytes, of atomics and packet loads
}

// zeroReg is a register that no program has; it is always 0.
const zeroReg = 15

// The operations of exec.
const (
	opPoison uint8 = iota
	opMov64
	opAdd64
	opSub64
	opMul64
	opDiv64
	opSDiv64
	opMod64
	opSMod64
	opOr64
	opAnd64
	opXor64
	opLsh64
	opRsh64
	opArsh64
	opNeg64
	opMov32
	opAdd32
	opSub32
	opMul32
	opDiv32
	opSDiv32
	opMod32
	opSMod32
	opOr32
	opAnd32
	opXor32
	opLsh32
	opRsh32
	opArsh32
	opNeg32
	opMovS8
	opMovS16
	opMovS32
	opMov32S8
	opMov32S16
	opZero16
	opSwap16
	opSwap32
	opSwap64
	opLoad8
	opLoad16
	opLoad32
	opLoad64
	opLoadS8
	opLoadS16
	opLoadS32
	opStore8
	opStore16
	opStore32
	opStore64
	opAtomic
	opGoto
	opEqual64
	opNotEqual64
	opGreater64
	opGreaterEq64
	opLess64
	opLessEq64
	opSGreater64
	opSGreaterEq64
	opSLess64
	opSLessEq64
	opSet64
	opEqual32
	opNotEqual32
	opGreater32
	opGreaterEq32
	opLess32
	opLessEq32
	opSGreater32
	opSGreaterEq32
	opSLess32
	opSLessEq32
	opSet32
	opMayGoto
	opGotoReg
	opHelper
	opCall
	opTailCall
	opPacket
	opExit
	opTraced // of a Tracer, in the place of each
)

// aluOps has the operation on 64 bits of each arithmetic operation; those on 32 bits follow at the
// same distance.
var aluOps = map[asm.ALUOp]uint8{
	asm.Mov: opMov64, asm.Add: opAdd64, asm.Sub: opSub64, asm.Mul: opMul64, asm.Div: opDiv64, asm.SDiv: opSDiv64,
	asm.Mod: opMod64, asm.SMod: opSMod64, asm.Or: opOr64, asm.And: opAnd64, asm.Xor: opXor64, asm.Lsh: opLsh64,
	asm.Rsh: opRsh64, asm.Arsh: opArsh64, asm.Neg: opNeg64,
}

// condOps has the jump on 64 bits of each condition; those on 32 bits follow at the same distance.
var condOps = map[asm.JumpOp]uint8{
	asm.Equal: opEqual64, asm.NotEqual: opNotEqual64, asm.Greater: opGreater64, asm.GreaterEq: opGreaterEq64,
	asm.Less: opLess64, asm.LessEq: opLessEq64, asm.SGreater: opSGreater64, asm.SGreaterEq: opSGreaterEq64,
	asm.SLess: opSLess64, asm.SLessEq: opSLessEq64, asm.Set: opSet64,
}

// memOps has the load of each width; stores and sign-extending loads follow at the same distance.
var memOps = map[asm.Size]uint8{asm.Byte: opLoad8, asm.Half: opLoad16, asm.Word: opLoad32, asm.DWord: opLoad64}

// decoder makes the instructions of one program ready.
type decoder struct {
	m      *Machine
	p      *spec.Program
	bound  *bind.Program
	start  int                 // of the program in the code of the machine
	labels map[asm.Label]int32 // where in the code of the machine they are
}

// decode appends the code of a program to that of the machine.
func (m *builder) decode(b *bind.Program) error {
	d := &decoder{m: m.Machine, p: b.Spec, bound: b, start: len(m.code), labels: map[asm.Label]int32{}}
	if len(b.Code) == 0 {
		return fmt.Errorf("it has no instructions")
	}
	for i := range b.Code {
		if l := b.Code[i].Label; l != 0 {
			d.labels[l] = int32(d.start + i)
		}
	}
	if err := d.tables(); err != nil {
		return err
	}
	for i := range b.Code {
		in, err := d.insn(i, &b.Code[i])
		if err != nil {
			return fmt.Errorf("instruction %d: %w", i, err)
		}
		m.code = append(m.code, in)
	}
	switch last := m.code[len(m.code)-1].op; last {
	case opExit, opGoto, opGotoReg, opPoison:
		d.translatable()
		return nil
	}
	return fmt.Errorf("instruction %d: control would leave the program at its end", len(b.Code)-1)
}

func (d *decoder) insn(i int, in *asm.Insn) (insn, error) {
	if d.bound.PoisonAt(i) != "" {
		return insn{op: opPoison}, nil
	}
	if in.Flags&asm.Raw != 0 || in.Dst > asm.R10 || in.Src > asm.R10 {
		return insn{}, fmt.Errorf("%v is not an instruction", *in)
	}
	out := insn{dst: uint8(in.Dst), src: zeroReg, imm: uint64(in.Imm), off: int32(in.Off)}
	if in.Op.Reg() {
		out.src, out.imm = uint8(in.Src), 0
	}
	switch in.Op.Class() {
	case asm.ClassALU, asm.ClassALU64:
		return d.arithmetic(in, out)
	case asm.ClassJmp, asm.ClassJmp32:
		return d.jump(in, out)
	}
	return d.memory(in, out)
}

// refuse says that the machine does not have what an instruction needs.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrNotSupported}, args...)...)
}

func (d *decoder) arithmetic(in *asm.Insn, out insn) (insn, error) {
	if in.Dst == asm.R10 {
		return out, fmt.Errorf("%v writes to R10, which is read-only", *in)
	}
	wide := in.Op.Class() == asm.ClassALU64
	switch in.Op.Format() {
	case asm.FormatEnd:
		return swap(in, out, wide)
	case asm.FormatMovReg:
		if in.Off != 0 {
			return extend32(in, out, wide)
		}
	case asm.FormatUnknown:
		return out, fmt.Errorf("%v is not an instruction", *in)
	}
	alu := in.Op.ALU()
	if (alu == asm.Div || alu == asm.Mod) && in.Off == 1 {
		alu |= 1
	} else if in.Off != 0 {
		return out, fmt.Errorf("%v is not an instruction", *in)
	}
	out.op = aluOps[alu]
	if !wide {
		out.op += opMov32 - opMov64
	}
	return out, nil
}

// extend32 decodes the moves whose offset is the width that they extend from.
func extend32(in *asm.Insn, out insn, wide bool) (insn, error) {
	ops := map[int16]uint8{8: opMovS8, 16: opMovS16, 32: opMovS32}
	if !wide {
		ops = map[int16]uint8{8: opMov32S8, 16: opMov32S16}
	}
	op, ok := ops[in.Off]
	if !ok {
		if wide && in.Off == 1 {
			return out, refuse("address space casts of arenas are not simulated")
		}
		return out, fmt.Errorf("%v is not an instruction", *in)
	}
	out.op = op
	return out, nil
}

// swap decodes byte order conversions for a little-endian machine.
func swap(in *asm.Insn, out insn, wide bool) (insn, error) {
	width := int(in.Imm)
	out.src, out.imm = zeroReg, 0
	ops := map[int]uint8{16: opSwap16, 32: opSwap32, 64: opSwap64}
	if !wide && !in.Op.Reg() { // to little endian
		ops = map[int]uint8{16: opZero16, 32: opMov32, 64: opMov64}
		out.src = out.dst
	}
	op, ok := ops[width]
	if !ok {
		return out, fmt.Errorf("%v is not an instruction", *in)
	}
	out.op = op
	return out, nil
}

func (d *decoder) jump(in *asm.Insn, out insn) (insn, error) {
	switch in.Op.Format() {
	case asm.FormatExit:
		out.op = opExit
		return out, nil
	case asm.FormatCall:
		return d.call(in, out)
	case asm.FormatJump, asm.FormatJumpLong:
		out.op = opGoto
	case asm.FormatMayGoto:
		if in.Src != 0 {
			return out, fmt.Errorf("%v is not an instruction", *in)
		}
		out.op = opMayGoto
	case asm.FormatJumpReg:
		out.op = opGotoReg
		return out, nil
	case asm.FormatCondImm, asm.FormatCondReg:
		out.op = condOps[in.Op.Jump()]
		if in.Op.Class() == asm.ClassJmp32 {
			out.op += opEqual32 - opEqual64
		}
	case asm.FormatCallReg:
		return out, refuse("calls through registers are not simulated")
	default:
		return out, fmt.Errorf("%v is not an instruction", *in)
	}
	return out, d.target(in, &out)
}

// target resolves the label that an instruction goes to.
func (d *decoder) target(in *asm.Insn, out *insn) error {
	to, ok := d.labels[in.Target]
	if in.Ref != asm.RefLabel || !ok {
		return fmt.Errorf("%v goes to no place of the program", *in)
	}
	out.off = to
	return nil
}

func (d *decoder) call(in *asm.Insn, out insn) (insn, error) {
	switch {
	case in.Ref == asm.RefLabel:
		out.op = opCall
		return out, d.target(in, &out)
	case in.Ref != asm.RefNone || in.Src != 0:
		return out, refuse("calls of kernel functions are not simulated")
	}
	h := asm.Helper(in.Imm)
	if h == asm.HelperTailCall {
		out.op = opTailCall
		return out, nil
	}
	i, ok := helperIndex[h]
	if !ok {
		return out, refuse("helper %v is not simulated", h)
	}
	if info, known := h.Info(); known && info.In(uint32(d.p.Type)) == asm.No {
		return out, fmt.Errorf("programs of type %v cannot call helper %v", d.p.Type, h)
	}
	out.op, out.off = opHelper, int32(i)
	return out, nil
}

func (d *decoder) memory(in *asm.Insn, out insn) (insn, error) {
	out.src, out.imm = uint8(in.Src), uint64(int64(in.Off))
	switch in.Op.Format() {
	case asm.FormatLoad64:
		return d.load64(in, out)
	case asm.FormatLoad:
		out.op = memOps[in.Op.Size()]
	case asm.FormatLoadSX:
		out.op = memOps[in.Op.Size()] + opLoadS8 - opLoad8
	case asm.FormatStoreReg:
		out.op, out.imm = memOps[in.Op.Size()]+opStore8-opLoad8, 0
		return out, nil
	case asm.FormatStoreImm:
		out.op, out.src, out.imm = memOps[in.Op.Size()]+opStore8-opLoad8, zeroReg, uint64(in.Imm)
		return out, nil
	case asm.FormatAtomic:
		return atomicInsn(in, out)
	case asm.FormatAbs, asm.FormatInd:
		if !hasSkb(d.p.Type) {
			return out, fmt.Errorf("programs of type %v have no packet that %v could load from", d.p.Type, *in)
		}
		out.op, out.imm, out.size = opPacket, uint64(in.Imm), uint8(in.Op.Size().Bytes())
		if in.Op.Mode() == asm.ModeAbs {
			out.src = zeroReg
		}
		return out, nil
	default:
		return out, fmt.Errorf("%v is not an instruction", *in)
	}
	if in.Dst == asm.R10 {
		return out, fmt.Errorf("%v writes to R10, which is read-only", *in)
	}
	return out, nil
}

// atomicInsn decodes an atomic operation.
func atomicInsn(in *asm.Insn, out insn) (insn, error) {
	out.op, out.imm, out.size = opAtomic, uint64(in.Imm), uint8(in.Op.Size().Bytes())
	reg := in.Src // that is written
	switch op := asm.AtomicOp(in.Imm); op {
	case asm.LoadAcquire:
		reg = in.Dst
	case asm.StoreRelease:
		reg = asm.R0
	default:
		switch op &^ asm.Fetch {
		case asm.AtomicAdd, asm.AtomicOr, asm.AtomicAnd, asm.AtomicXor, asm.Xchg &^ asm.Fetch, asm.CmpXchg &^ asm.Fetch:
		default:
			return out, fmt.Errorf("%v is not an instruction", *in)
		}
		if op == asm.Xchg&^asm.Fetch || op == asm.CmpXchg&^asm.Fetch || out.size < 4 {
			return out, fmt.Errorf("%v is not an instruction", *in)
		}
		if op&asm.Fetch == 0 || op == asm.CmpXchg {
			reg = asm.R0
		}
	}
	if reg == asm.R10 {
		return out, fmt.Errorf("%v writes to R10, which is read-only", *in)
	}
	return out, nil
}

// load64 decodes a 64-bit immediate, which may be the address of something.
func (d *decoder) load64(in *asm.Insn, out insn) (insn, error) {
	out.op, out.src, out.imm = opMov64, zeroReg, uint64(in.Imm)
	if in.Dst == asm.R10 {
		return out, fmt.Errorf("%v writes to R10, which is read-only", *in)
	}
	switch in.Ref {
	case asm.RefNone:
		if in.Src != 0 {
			return out, refuse("%v loads a number of the kernel, which has no meaning here", *in)
		}
	case asm.RefLabel:
		err := d.target(in, &out)
		out.imm = codeAddr | uint64(out.off)
		return out, err
	case asm.RefMap:
		m := d.m.maps[in.Symbol]
		if m == nil {
			return out, fmt.Errorf("there is no map %q", in.Symbol)
		}
		out.imm = m.handle
	case asm.RefMapValue:
		return out, d.value(in.Symbol, 0, &out)
	case asm.RefVar:
		v := d.m.names.Var(in.Symbol)
		if v == nil {
			return out, fmt.Errorf("there is no variable %q", in.Symbol)
		}
		return out, d.value(v.Map, uint64(v.Offset), &out)
	case asm.RefTable:
		addr, ok := d.m.tables[tableKey{d.start, in.Symbol}]
		if !ok {
			return out, fmt.Errorf("there is no jump table %q", in.Symbol)
		}
		out.imm = addr
	default:
		return out, refuse("%v %q is not simulated", in.Ref, in.Symbol)
	}
	return out, nil
}

// value adds the address of a map's first value, and an offset into it.
func (d *decoder) value(name string, off uint64, out *insn) error {
	m := d.m.maps[name]
	if m == nil {
		return fmt.Errorf("there is no map %q", name)
	}
	a, ok := m.table.(*array)
	if !ok || m.spec.Type != spec.MapArray {
		return fmt.Errorf("map %q of type %v has no value at a fixed address", name, m.spec.Type)
	}
	out.imm += a.values + off
	return nil
}
