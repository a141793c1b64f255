package asm_test

import (
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

func TestOp(t *testing.T) {
	for _, tt := range []struct {
		name      string
		got, want int
	}{
		{"class of an add", int(asm.ALU64Reg(asm.Add, asm.R1, asm.R2).Op.Class()), int(asm.ClassALU64)},
		{"class of a short jump", int(asm.JumpImm32(asm.Less, asm.R1, 2, 1).Op.Class()), int(asm.ClassJmp32)},
		{"class of an atomic", int(asm.Atomic(asm.Xchg, asm.R1, 0, asm.R2, asm.Word).Op.Class()), int(asm.ClassStx)},
		{"operation", int(asm.ALU32Imm(asm.Xor, asm.R1, 2).Op.ALU()), int(asm.Xor)},
		{"operation without sign", int(asm.ALU32Imm(asm.SMod, asm.R1, 2).Op.ALU()), int(asm.Mod)},
		{"condition", int(asm.JumpReg(asm.SGreaterEq, asm.R1, asm.R2, 1).Op.Jump()), int(asm.SGreaterEq)},
		{"size", int(asm.LoadMem(asm.R1, asm.R2, 0, asm.Half).Op.Size()), int(asm.Half)},
		{"mode", int(asm.LoadMemSX(asm.R1, asm.R2, 0, asm.Half).Op.Mode()), int(asm.ModeMemSX)},
		{"mode of an atomic", int(asm.Atomic(asm.Xchg, asm.R1, 0, asm.R2, asm.Word).Op.Mode()), int(asm.ModeAtomic)},
		{"byte", asm.Byte.Bytes(), 1},
		{"half", asm.Half.Bytes(), 2},
		{"word", asm.Word.Bytes(), 4},
		{"double word", asm.DWord.Bytes(), 8},
		{"slots of a load", asm.LoadImm64(asm.R1, 0).Slots(), 2},
		{"slots of a raw load", asm.Insn{Op: asm.OpLoadImm64, Flags: asm.Raw}.Slots(), 1},
		{"slots of exit", asm.Exit().Slots(), 1},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %#x, want %#x", tt.name, tt.got, tt.want)
		}
	}
	if !asm.JumpReg(asm.Equal, asm.R1, asm.R2, 1).Op.Reg() || asm.JumpImm(asm.Equal, asm.R1, 2, 1).Op.Reg() {
		t.Error("Reg does not tell registers from immediates")
	}
	if asm.LittleEndian.String() != "little" || asm.BigEndian.String() != "big" {
		t.Errorf("byte orders are %v and %v", asm.LittleEndian, asm.BigEndian)
	}
}

// meaning is a line of testdata/opcodes.txt.
type meaning struct {
	op        asm.Op
	fields    [3]int64 // of src, off and imm: a number, or anyValue
	name, why string
}

// anyValue stands for a field that selects nothing.
const anyValue = 1 << 40

func readMeanings(t *testing.T) []meaning {
	t.Helper()
	var out []meaning
	for i, f := range readBars(t, "testdata/opcodes.txt") {
		bits := strings.Fields(f[0])
		op, err := strconv.ParseUint(bits[0], 16, 8)
		if err != nil || len(bits) != 4 || len(f) < 2 || len(f) > 3 {
			t.Fatalf("opcodes.txt: entry %d is %q: %v", i+1, f, err)
		}
		m := meaning{op: asm.Op(op), name: f[1]}
		for k, b := range bits[1:] {
			if m.fields[k], err = strconv.ParseInt(b, 0, 32); b == "." {
				m.fields[k] = anyValue
			} else if err != nil {
				t.Fatalf("opcodes.txt: entry %d is %q: %v", i+1, f, err)
			}
		}
		if len(f) == 3 {
			m.why = f[2]
		}
		out = append(out, m)
	}
	return out
}

// readBars reads the lines of a file, each split at its bars.
func readBars(t *testing.T, file string) [][]string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			out = append(out, strings.Split(line, " | "))
		}
	}
	return out
}

// is reports whether the instruction has this meaning.
func (m meaning) is(in asm.Insn) bool {
	if in.Op != m.op || in.Flags&asm.Raw != 0 {
		return false
	}
	have := [3]int64{int64(in.Src), int64(in.Off), in.Imm}
	if in.Op == asm.OpLoadImm64 || in.Ref == asm.RefLabel {
		have[1], have[2] = 0, 0
	}
	if in.Ref == asm.RefKsym { // the loader sets it
		have[0] = int64(asm.PseudoBTFID)
	}
	for i, want := range m.fields {
		if want != anyValue && want != have[i] {
			return false
		}
	}
	return true
}

// TestMeanings holds the list of instructions against what the codec knows, for all values of the
// fields that select something somewhere.
func TestMeanings(t *testing.T) {
	list := readMeanings(t)
	seen := make([]bool, len(list))
	for op := range 256 {
		for _, src := range []asm.Reg{0, 1, 2, 3, 4, 5, 6, 7, 15} {
			for _, off := range []int16{0, 1, 2, 8, 16, 32, 64, -1} {
				for _, imm := range []int64{0, 1, 2, 16, 32, 64, 128, 0x40, 0x50, 0xa0, 0x41, 0x51, 0xa1, 0xe1, 0xf1, 0xf0, 0x100, 0x101, 0x110, 0x111, -1} {
					in := asm.Insn{Op: asm.Op(op), Src: src, Off: off, Imm: imm}
					_, err := asm.AppendEncode(nil, []asm.Insn{in}, asm.EncodeOptions{})
					n := 0
					for i, m := range list {
						if m.is(in) {
							seen[i] = true
							n++
						}
					}
					if n > 1 || (err == nil) != (n == 1) {
						t.Fatalf("%d lines have opcode %#02x, src %d, off %d, imm %#x (%v): %v", n, op, src, off, imm, in, err)
					}
				}
			}
		}
	}
	for i, m := range list {
		if !seen[i] {
			t.Errorf("the codec does not know %+v", m)
		}
	}
}

// TestMeaningsAreTested demands, for every instruction, text in insns.txt and a case for the kernel
// in conformance.txt or a reason for having none.
func TestMeaningsAreTested(t *testing.T) {
	var table, run []asm.Insn
	for _, f := range readBars(t, "testdata/insns.txt") {
		code, err := hex.DecodeString(strings.ReplaceAll(f[0], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		insns, err := asm.Decode(code, asm.DecodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		table = append(table, insns...)
	}
	for _, c := range readCases(t) {
		run = append(run, c.insns...)
	}
	for _, m := range readMeanings(t) {
		switch {
		case !m.in(table):
			t.Errorf("insns.txt has no line for %s (%02x)", m.name, uint8(m.op))
		case !m.in(run) && m.why == "":
			t.Errorf("conformance.txt has no case for %s (%02x)", m.name, uint8(m.op))
		case m.in(run) && m.why != "":
			t.Errorf("%s has a case although %q", m.name, m.why)
		}
	}
}

func (m meaning) in(insns []asm.Insn) bool {
	for _, in := range insns {
		if m.is(in) {
			return true
		}
	}
	return false
}
