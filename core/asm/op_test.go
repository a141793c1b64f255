package asm

import "testing"

func TestOp(t *testing.T) {
	for _, tt := range []struct {
		name      string
		got, want int
	}{
		{"class of an add", int(ALU64Reg(Add, R1, R2).Op.Class()), int(ClassALU64)},
		{"class of a short jump", int(JumpImm32(Less, R1, 2, 1).Op.Class()), int(ClassJmp32)},
		{"class of an atomic", int(Atomic(Xchg, R1, 0, R2, Word).Op.Class()), int(ClassStx)},
		{"operation", int(ALU32Imm(Xor, R1, 2).Op.ALU()), int(Xor)},
		{"operation without sign", int(ALU32Imm(SMod, R1, 2).Op.ALU()), int(Mod)},
		{"condition", int(JumpReg(SGreaterEq, R1, R2, 1).Op.Jump()), int(SGreaterEq)},
		{"size", int(LoadMem(R1, R2, 0, Half).Op.Size()), int(Half)},
		{"mode", int(LoadMemSX(R1, R2, 0, Half).Op.Mode()), int(ModeMemSX)},
		{"mode of an atomic", int(Atomic(Xchg, R1, 0, R2, Word).Op.Mode()), int(ModeAtomic)},
		{"byte", Byte.Bytes(), 1},
		{"half", Half.Bytes(), 2},
		{"word", Word.Bytes(), 4},
		{"double word", DWord.Bytes(), 8},
		{"slots of a load", LoadImm64(R1, 0).Slots(), 2},
		{"slots of a raw load", Insn{Op: OpLoadImm64, Flags: Raw}.Slots(), 1},
		{"slots of exit", Exit().Slots(), 1},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %#x, want %#x", tt.name, tt.got, tt.want)
		}
	}
	if !JumpReg(Equal, R1, R2, 1).Op.Reg() || JumpImm(Equal, R1, 2, 1).Op.Reg() {
		t.Error("Reg does not tell registers from immediates")
	}
	if LittleEndian.String() != "little" || BigEndian.String() != "big" {
		t.Errorf("byte orders are %v and %v", LittleEndian, BigEndian)
	}
}
