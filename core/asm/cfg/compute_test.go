package cfg

import (
	"math"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

// TestCompute checks the cases for which the standard defines a result of their own. The
// conformance programs hold the rest against the kernel.
func TestCompute(t *testing.T) {
	min64, min32 := uint64(1)<<63, uint64(1)<<31
	for _, tt := range []struct {
		name string
		in   asm.Insn
		x, y uint64
		want uint64
	}{
		{"divide by zero", asm.ALU64Reg(asm.Div, asm.R0, asm.R1), 7, 0, 0},
		{"modulo zero", asm.ALU64Reg(asm.Mod, asm.R0, asm.R1), 7, 0, 7},
		{"modulo zero, 32 bits", asm.ALU32Reg(asm.Mod, asm.R0, asm.R1), 7<<32 | 9, 1 << 32, 9},
		{"smallest by -1", asm.ALU64Reg(asm.SDiv, asm.R0, asm.R1), min64, math.MaxUint64, min64},
		{"smallest modulo -1", asm.ALU64Reg(asm.SMod, asm.R0, asm.R1), min64, math.MaxUint64, 0},
		{"smallest by -1, 32 bits", asm.ALU32Reg(asm.SDiv, asm.R0, asm.R1), min32, math.MaxUint32, min32},
		{"smallest modulo -1, 32 bits", asm.ALU32Reg(asm.SMod, asm.R0, asm.R1), min32, math.MaxUint32, 0},
		{"signed", asm.ALU64Reg(asm.SDiv, asm.R0, asm.R1), ^uint64(12), 4, ^uint64(2)},
		{"signed modulo", asm.ALU64Reg(asm.SMod, asm.R0, asm.R1), ^uint64(12), 4, ^uint64(0)},
		{"shift by too much", asm.ALU64Reg(asm.Lsh, asm.R0, asm.R1), 1, 65, 2},
		{"shift by too much, 32 bits", asm.ALU32Reg(asm.Lsh, asm.R0, asm.R1), 1, 33, 2},
		{"arithmetic shift, 32 bits", asm.ALU32Reg(asm.Arsh, asm.R0, asm.R1), 0x80000000, 4, 0xf8000000},
		{"upper half is lost", asm.ALU32Reg(asm.Add, asm.R0, asm.R1), math.MaxUint64, 1, 0},
		{"negate", asm.Neg64(asm.R0), 1, 0, math.MaxUint64},
		{"negate, 32 bits", asm.Neg32(asm.R0), 1, 0, math.MaxUint32},
		{"sign extension", asm.Mov64SX(asm.R0, asm.R1, asm.Byte), 0, 0x180, math.MaxUint64 - 0x7f},
		{"sign extension, 32 bits", asm.Mov32SX(asm.R0, asm.R1, asm.Half), 0, 0x18000, 0xffff8000},
		{"swap", asm.ByteSwap(asm.R0, asm.Half), 0x123456, 0, 0x5634},
		{"swap 32", asm.ByteSwap(asm.R0, asm.Word), 0xff12345678, 0, 0x78563412},
		{"swap 64", asm.ByteSwap(asm.R0, asm.DWord), 1, 0, 1 << 56},
	} {
		got := compute(&tt.in, Value{Kind: ValueNumber, Bits: tt.x}, Value{Kind: ValueNumber, Bits: tt.y})
		if got.Kind != ValueNumber || got.Bits != tt.want {
			t.Errorf("%s: %v with %#x and %#x is %+v, want %#x", tt.name, tt.in, tt.x, tt.y, got, tt.want)
		}
	}
	for _, in := range []asm.Insn{asm.ToBE(asm.R0, asm.Half), asm.ToLE(asm.R0, asm.DWord), asm.AddrSpaceCast(asm.R0, asm.R1, 0, 1)} {
		if got := compute(&in, Value{Kind: ValueNumber}, Value{Kind: ValueNumber}); got.Kind != ValueAny {
			t.Errorf("%v depends on the machine, but gives %+v", in, got)
		}
	}
}
