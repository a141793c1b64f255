package asm

import (
	"math/rand/v2"
	"testing"
)

// mix returns a program of n instructions in the proportions of usual ones: a fifth jumps, a tenth
// 64-bit loads.
func mix(n int) []Insn {
	random := rand.New(rand.NewPCG(1, 2))
	insns := make([]Insn, 0, n)
	for i := range n - 1 {
		dst, src := Reg(random.IntN(10)), Reg(random.IntN(10))
		var in Insn
		switch random.IntN(20) {
		case 0, 1, 2, 3:
			in = JumpImm(NotEqual, dst, int32(random.Uint32()), 1+Label(min(n-1, i+1+random.IntN(100))))
		case 4, 5:
			in = LoadImm64(dst, random.Int64())
		case 6:
			in = Call(HelperMapLookupElem)
		case 7, 8, 9:
			in = ALU64Imm(Add, dst, int32(random.IntN(4096)))
		case 10, 11, 12:
			in = Mov64Reg(dst, src)
		case 13, 14:
			in = StoreMem(R10, int16(-random.IntN(512)), src, DWord)
		default:
			in = LoadMem(dst, src, int16(random.IntN(512)), Word)
		}
		in.Label = Label(i + 1)
		insns = append(insns, in)
	}
	last := Exit()
	last.Label = Label(n)
	return append(insns, last)
}

const mixed = 10_000

func encodeMix(b testing.TB) []byte {
	b.Helper()
	code, err := AppendEncode(nil, mix(mixed), EncodeOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return code
}

func perInsn(b *testing.B) {
	b.ReportAllocs()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/mixed, "ns/insn")
}

func BenchmarkDecode(b *testing.B) {
	code := encodeMix(b)
	for b.Loop() {
		if _, err := Decode(code, DecodeOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	perInsn(b)
}

func BenchmarkEncode(b *testing.B) {
	insns := mix(mixed)
	var buf []byte
	for b.Loop() {
		var err error
		if buf, err = AppendEncode(buf[:0], insns, EncodeOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	perInsn(b)
}

func BenchmarkText(b *testing.B) {
	insns := mix(mixed)
	var buf []byte
	for b.Loop() {
		buf = AppendText(buf[:0], insns, TextOptions{})
	}
	perInsn(b)
}

func BenchmarkParse(b *testing.B) {
	text := string(AppendText(nil, mix(mixed), TextOptions{}))
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
	perInsn(b)
}
