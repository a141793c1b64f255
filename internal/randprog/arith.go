package randprog

import "github.com/bpfhost/bpfhost/core/asm"

var (
	aluOps  = []asm.ALUOp{asm.Add, asm.Sub, asm.Mul, asm.Div, asm.SDiv, asm.Or, asm.And, asm.Lsh, asm.Rsh, asm.Mod, asm.SMod, asm.Xor, asm.Mov, asm.Arsh}
	jumpOps = []asm.JumpOp{asm.Equal, asm.Greater, asm.GreaterEq, asm.Set, asm.NotEqual, asm.SGreater, asm.SGreaterEq, asm.Less, asm.LessEq, asm.SLess, asm.SLessEq}
	sizes   = []asm.Size{asm.Byte, asm.Half, asm.Word, asm.DWord}
)

// arithmetic makes an instruction on numbers.
func (g *generator) arithmetic() {
	dst, src := g.reg(), g.reg()
	switch g.IntN(12) {
	case 0:
		g.add([]asm.Insn{asm.ToBE(dst, sizes[1+g.IntN(3)]), asm.ToLE(dst, sizes[1+g.IntN(3)])}[g.IntN(2)])
	case 1:
		g.add(asm.ByteSwap(dst, sizes[1+g.IntN(3)]))
	case 2:
		g.add(asm.Mov64SX(dst, src, sizes[g.IntN(3)]))
	case 3:
		g.add(asm.Mov32SX(dst, src, sizes[g.IntN(2)]))
	case 4:
		g.add([]asm.Insn{asm.Neg64(dst), asm.Neg32(dst)}[g.IntN(2)])
	default:
		op := aluOps[g.IntN(len(aluOps))]
		switch g.IntN(4) {
		case 0:
			g.add(asm.ALU64Imm(op, dst, g.operand(op, 63)))
		case 1:
			g.add(asm.ALU32Imm(op, dst, g.operand(op, 31)))
		case 2:
			g.divisor(op, src)
			g.add(asm.ALU64Reg(op, dst, src))
		default:
			g.divisor(op, src)
			g.add(asm.ALU32Reg(op, dst, src))
		}
	}
}

// divisor makes a register 0, 1 or -1 now and then, if the operation divides by it.
func (g *generator) divisor(op asm.ALUOp, r asm.Reg) {
	if (op == asm.Div || op == asm.SDiv || op == asm.Mod || op == asm.SMod) && g.IntN(3) == 0 {
		g.add([]asm.Insn{asm.ALU64Imm(asm.And, r, 1), asm.ALU64Imm(asm.Arsh, r, 63)}[g.IntN(2)])
	}
}

// operand returns an immediate that the verifier takes.
func (g *generator) operand(op asm.ALUOp, mostBits int32) int32 {
	imm := g.imm()
	switch op {
	case asm.Lsh, asm.Rsh, asm.Arsh:
		return imm & mostBits
	case asm.Div, asm.SDiv, asm.Mod, asm.SMod:
		if imm == 0 {
			return 7
		}
	}
	return imm
}

// constant loads a number.
func (g *generator) constant() { g.add(asm.LoadImm64(g.reg(), g.interesting())) }

// jump makes a jump that depends on numbers.
func (g *generator) jump(to asm.Label) {
	op, a, b := jumpOps[g.IntN(len(jumpOps))], g.reg(), g.reg()
	switch g.IntN(4) {
	case 0:
		g.add(asm.JumpImm(op, a, g.imm(), to))
	case 1:
		g.add(asm.JumpImm32(op, a, g.imm(), to))
	case 2:
		g.add(asm.JumpReg(op, a, b, to))
	default:
		g.add(asm.JumpReg32(op, a, b, to))
	}
}

// skip makes parts that may be jumped over.
func (g *generator) skip(n int) {
	end := g.label()
	g.jump(end)
	g.block(n)
	g.here(end)
}

// either makes parts of which some are done or others.
func (g *generator) either(n int) {
	other, end := g.label(), g.label()
	g.jump(other)
	g.block(n)
	g.always(end)
	g.here(other)
	g.block(1)
	g.here(end)
}

// loop makes parts that are done a few times. Its counter is in the stack, where no part comes.
func (g *generator) loop(n int) {
	at := int16(counters + 8*g.loops)
	rounds := int32(2 + g.IntN(2))
	begin, end := g.label(), g.label()
	g.loops++
	defer func() { g.loops-- }()
	g.add(asm.StoreImm(asm.R10, at, 0, asm.DWord))
	g.here(begin)
	if g.IntN(2) == 0 {
		g.tag("bounded loop")
	} else {
		g.tag("loop with may_goto")
		g.add(asm.MayGoto(end))
	}
	g.block(n)
	r := g.reg()
	g.add(asm.LoadMem(r, asm.R10, at, asm.DWord), asm.ALU64Imm(asm.Add, r, 1), asm.StoreMem(asm.R10, at, r, asm.DWord))
	g.add([]asm.Insn{asm.JumpImm(asm.Less, r, rounds, begin), asm.JumpImm32(asm.SLess, r, rounds, begin)}[g.IntN(2)])
	g.here(end)
}
