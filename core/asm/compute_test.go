package asm

import (
	"math"
	"testing"
)

// TestCompute checks the cases that the standard gives a result of its own. The conformance programs
// hold the rest against the kernel.
func TestCompute(t *testing.T) {
	min64, min32 := uint64(1)<<63, uint64(1)<<31
	for _, tt := range []struct {
		name string
		in   Insn
		x, y uint64
		want uint64
	}{
		{"divide by zero", ALU64Reg(Div, R0, R1), 7, 0, 0},
		{"modulo zero", ALU64Reg(Mod, R0, R1), 7, 0, 7},
		{"modulo zero, 32 bits", ALU32Reg(Mod, R0, R1), 7<<32 | 9, 1 << 32, 9},
		{"smallest by -1", ALU64Reg(SDiv, R0, R1), min64, math.MaxUint64, min64},
		{"smallest modulo -1", ALU64Reg(SMod, R0, R1), min64, math.MaxUint64, 0},
		{"smallest by -1, 32 bits", ALU32Reg(SDiv, R0, R1), min32, math.MaxUint32, min32},
		{"smallest modulo -1, 32 bits", ALU32Reg(SMod, R0, R1), min32, math.MaxUint32, 0},
		{"signed", ALU64Reg(SDiv, R0, R1), ^uint64(12), 4, ^uint64(2)},
		{"signed modulo", ALU64Reg(SMod, R0, R1), ^uint64(12), 4, ^uint64(0)},
		{"shift by too much", ALU64Reg(Lsh, R0, R1), 1, 65, 2},
		{"shift by too much, 32 bits", ALU32Reg(Lsh, R0, R1), 1, 33, 2},
		{"arithmetic shift, 32 bits", ALU32Reg(Arsh, R0, R1), 0x80000000, 4, 0xf8000000},
		{"upper half is lost", ALU32Reg(Add, R0, R1), math.MaxUint64, 1, 0},
		{"negate", Neg64(R0), 1, 0, math.MaxUint64},
		{"negate, 32 bits", Neg32(R0), 1, 0, math.MaxUint32},
		{"sign extension", Mov64SX(R0, R1, Byte), 0, 0x180, math.MaxUint64 - 0x7f},
		{"sign extension, 32 bits", Mov32SX(R0, R1, Half), 0, 0x18000, 0xffff8000},
		{"swap", ByteSwap(R0, Half), 0x123456, 0, 0x5634},
		{"swap 32", ByteSwap(R0, Word), 0xff12345678, 0, 0x78563412},
		{"swap 64", ByteSwap(R0, DWord), 1, 0, 1 << 56},
	} {
		got := compute(&tt.in, Value{Kind: ValueNumber, Bits: tt.x}, Value{Kind: ValueNumber, Bits: tt.y})
		if got.Kind != ValueNumber || got.Bits != tt.want {
			t.Errorf("%s: %v with %#x and %#x is %+v, want %#x", tt.name, tt.in, tt.x, tt.y, got, tt.want)
		}
	}
	for _, in := range []Insn{ToBE(R0, Half), ToLE(R0, DWord), AddrSpaceCast(R0, R1, 0, 1)} {
		if got := compute(&in, Value{Kind: ValueNumber}, Value{Kind: ValueNumber}); got.Kind != ValueAny {
			t.Errorf("%v depends on the machine, but gives %+v", in, got)
		}
	}
}
