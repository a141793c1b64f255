package vm_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestKernelAgrees runs random programs of arithmetic, byte swaps, jumps, stack and atomics on the
// kernel and on the machine.
func TestKernelAgrees(t *testing.T) {
	testenv.NeedKernel(t, "6.6", "signed division, sign extension and unconditional swaps")
	k := loader.NewKernel()
	t.Cleanup(func() { k.Close() })
	probe := randomProgram(rand.New(rand.NewPCG(0, 0)), 0)
	c, err := loader.Load(probe, loader.Options{Kernel: k})
	kerneltest.Check(t, err)
	c.Close()
	const programs = 300
	for seed := range uint64(programs) {
		c := randomProgram(rand.New(rand.NewPCG(seed, 1)), 60)
		loaded, err := loader.Load(c, loader.Options{Kernel: k})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, c)
		}
		ctx := make([]byte, 8)
		_, err = loaded.Program("main").TestRun(loader.TestRunOptions{Ctx: ctx})
		loaded.Close()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		m, err := vm.New(c, vm.Options{})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, c)
		}
		r, err := m.Run("main", vm.Input{Context: make([]byte, 8)})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, c)
		}
		if kernel, here := binary.LittleEndian.Uint64(ctx), binary.LittleEndian.Uint64(r.Context); kernel != here {
			t.Errorf("seed %d: the kernel says %#x, the machine %#x", seed, kernel, here)
		}
	}
}

// TestEnginesAgree runs the same random programs interpreted and translated.
func TestEnginesAgree(t *testing.T) {
	for seed := range uint64(100) {
		c := randomProgram(rand.New(rand.NewPCG(seed, 2)), 60)
		var results []uint64
		for _, e := range engines {
			m, err := vm.New(c, e.options)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, c)
			}
			r, err := m.Run("main", vm.Input{Context: make([]byte, 8)})
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, c)
			}
			e.translated(t, m, "main")
			results = append(results, binary.LittleEndian.Uint64(r.Context))
			m.Close()
		}
		if results[0] != results[len(results)-1] {
			t.Errorf("seed %d: interpreted %#x, translated %#x", seed, results[0], results[1])
		}
	}
}

// randomProgram returns a program of n random instructions, which stores a mixture of its registers
// and its stack in the context.
func randomProgram(r *rand.Rand, n int) *spec.Collection {
	var code []asm.Insn
	number := func() int64 {
		return []int64{0, 1, -1, -1 << 63, 1<<31 - 1, 1 << 31, int64(r.Uint32()), int64(r.Uint64())}[r.IntN(8)]
	}
	add := func(in ...asm.Insn) { code = append(code, in...) }
	add(asm.Mov64Reg(asm.R9, asm.R1))
	for reg := asm.R0; reg < asm.R9; reg++ {
		add(asm.LoadImm64(reg, number()))
	}
	for off := int16(-32); off < 0; off += 8 {
		add(asm.StoreMem(asm.R10, off, asm.Reg(r.IntN(9)), asm.DWord))
	}
	next := asm.Label(1)
	var pending []int // where jumps go, by their labels but 1
	for i := range n {
		in := randomInsn(r)
		if r.IntN(6) == 0 {
			in = randomJump(r, next)
			pending = append(pending, i+1+r.IntN(4))
			next++
		}
		add(in)
	}
	start := len(code) - n
	for i, to := range pending {
		l := asm.Label(i + 1)
		for to < n && code[start+to].Label != 0 {
			to++
		}
		if to >= n {
			add(asm.Mov64Imm(asm.R0, 1)) // a place for the label
			code[len(code)-1].Label = l
			continue
		}
		code[start+to].Label = l
	}
	for reg := asm.R1; reg < asm.R9; reg++ {
		add(asm.ALU64Imm(asm.Mul, asm.R0, 31), asm.ALU64Reg(asm.Xor, asm.R0, reg))
	}
	for off := int16(-32); off < 0; off += 8 {
		add(asm.LoadMem(asm.R1, asm.R10, off, asm.DWord), asm.ALU64Imm(asm.Mul, asm.R0, 31), asm.ALU64Reg(asm.Add, asm.R0, asm.R1))
	}
	add(asm.StoreMem(asm.R9, 0, asm.R0, asm.DWord), asm.Mov64Imm(asm.R0, 0), asm.Exit())
	p := &spec.Program{Name: "main", Type: spec.ProgramSyscall, Flags: spec.FlagSleepable, Insns: spec.NewInsns(code...)}
	p.Insns.Edit(func(in []spec.Insn) { in[0].Func = &btf.FuncInfo{Name: "main"} })
	return &spec.Collection{License: "GPL", Programs: []*spec.Program{p}}
}

// randomInsn returns an instruction on R0 to R8 and 32 bytes of stack.
func randomInsn(r *rand.Rand) asm.Insn {
	dst, src := asm.Reg(r.IntN(9)), asm.Reg(r.IntN(9))
	sizes := []asm.Size{asm.Byte, asm.Half, asm.Word, asm.DWord}
	size := sizes[r.IntN(4)]
	slot := int16(-32 + 8*r.IntN(4))
	off := slot + int16(r.IntN(8/size.Bytes())*size.Bytes())
	switch r.IntN(12) {
	case 0:
		return asm.ToBE(dst, sizes[1+r.IntN(3)])
	case 1:
		return asm.ByteSwap(dst, sizes[1+r.IntN(3)])
	case 2:
		return asm.Mov64SX(dst, src, sizes[r.IntN(3)])
	case 3:
		return asm.Mov32SX(dst, src, sizes[r.IntN(2)])
	case 4:
		return asm.StoreMem(asm.R10, off, src, size)
	case 5:
		return asm.LoadMem(dst, asm.R10, off, size)
	case 6:
		if size == asm.DWord {
			size, off = asm.Word, slot
		}
		return asm.LoadMemSX(dst, asm.R10, off, size)
	case 7:
		ops := []asm.AtomicOp{asm.AtomicAdd, asm.AtomicOr | asm.Fetch, asm.AtomicAnd, asm.AtomicXor | asm.Fetch, asm.AtomicAdd | asm.Fetch, asm.Xchg, asm.CmpXchg}
		return asm.Atomic(ops[r.IntN(len(ops))], asm.R10, slot, src, sizes[2+r.IntN(2)])
	case 8:
		return asm.Neg64(dst)
	}
	ops := []asm.ALUOp{asm.Add, asm.Sub, asm.Mul, asm.Div, asm.SDiv, asm.Or, asm.And, asm.Lsh, asm.Rsh, asm.Mod, asm.SMod, asm.Xor, asm.Mov, asm.Arsh}
	op := ops[r.IntN(len(ops))]
	imm := int32(r.Uint32()) >> r.IntN(32)
	if op == asm.Lsh || op == asm.Rsh || op == asm.Arsh {
		imm &= 31
	} else if imm == 0 { // the verifier refuses division by it
		imm = 7
	}
	switch r.IntN(4) {
	case 0:
		return asm.ALU64Imm(op, dst, imm)
	case 1:
		return asm.ALU32Imm(op, dst, imm)
	case 2:
		return asm.ALU64Reg(op, dst, src)
	}
	return asm.ALU32Reg(op, dst, src)
}

// randomJump returns a conditional jump.
func randomJump(r *rand.Rand, to asm.Label) asm.Insn {
	ops := []asm.JumpOp{asm.Equal, asm.Greater, asm.GreaterEq, asm.Set, asm.NotEqual, asm.SGreater, asm.SGreaterEq, asm.Less, asm.LessEq, asm.SLess, asm.SLessEq}
	op, a, b := ops[r.IntN(len(ops))], asm.Reg(r.IntN(9)), asm.Reg(r.IntN(9))
	imm := int32(r.Uint32()) >> r.IntN(32)
	switch r.IntN(4) {
	case 0:
		return asm.JumpImm(op, a, imm, to)
	case 1:
		return asm.JumpImm32(op, a, imm, to)
	case 2:
		return asm.JumpReg(op, a, b, to)
	}
	return asm.JumpReg32(op, a, b, to)
}
