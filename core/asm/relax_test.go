package asm

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestRelax(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first Insn
		want  string
	}{
		{"negated", JumpImm(Equal, R1, 5, 1), "5501010005000000 06000000409c0000"},
		{"negated register", JumpReg32(SLess, R1, R2, 1), "7e21010000000000 06000000409c0000"},
		{"bits", JumpImm(Set, R1, 5, 1), "4501010005000000 0500010000000000 06000000409c0000"},
		{"may_goto", MayGoto(1), "e500010000000000 0500010000000000 06000000409c0000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			insns := far(tt.first, 40000)
			before := slices.Clone(insns)
			got, err := AppendEncode(nil, insns, EncodeOptions{})
			if want := unhex(t, tt.want); err != nil || !bytes.HasPrefix(got, want) || len(got) != len(want)+8*40001 {
				t.Errorf("first slots %x, %d bytes, %v; want %s", got[:24], len(got), err, tt.want)
			}
			if !slices.Equal(before, insns) {
				t.Error("the input changed")
			}
			checkLayout(t, insns, got)
		})
	}
}

// checkLayout holds Layout against what AppendEncode wrote: every instruction of the input that is
// no jump must stand where Layout says.
func checkLayout(t *testing.T, insns []Insn, code []byte) {
	t.Helper()
	slots, err := Layout(insns, EncodeOptions{})
	if err != nil || len(slots) != len(insns) {
		t.Fatalf("Layout: %d slots, %v", len(slots), err)
	}
	for i, in := range insns {
		w := readWord(code[slots[i].Bytes():], LittleEndian)
		if in.Ref == RefNone && (w.op() != in.Op || int32(w.imm()) != int32(in.Imm)) {
			t.Fatalf("insn %d, %v, is not at slot %d: %016x", i, in, slots[i], uint64(w))
		}
	}
}

// TestRelaxMeaning checks in a program with far jumps everywhere that each still leads to its label,
// by following the bytes.
func TestRelaxMeaning(t *testing.T) {
	const n = 70_000
	var insns []Insn
	for i := range n {
		in := Mov64Imm(R0, int32(i))
		if i%7 == 0 && i+40_000 < n {
			in = JumpImm(Equal, R0, int32(i), Label(i+40_000+1))
		}
		if i%7 == 1 && i > 36_000 {
			in = JumpReg(Set, R0, R1, Label(i-36_000+1))
		}
		if i%7 == 2 { // near the limit: becomes too far by what others add
			in = JumpImm32(NotEqual, R0, int32(i), Label(min(n, i+30_000+i%3000)))
		}
		in.Label = Label(i + 1)
		insns = append(insns, in)
	}
	code, err := AppendEncode(nil, insns, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, insns, code)
	slots, err := Layout(insns, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	widened := 0
	for i, in := range insns {
		if in.Ref != RefLabel {
			continue
		}
		at := slots[i]
		w := readWord(code[at.Bytes():], LittleEndian)
		size := Slot(1)
		if i+1 < n {
			size = slots[i+1] - at
		}
		var to Slot
		if size == 1 {
			to = at + 1 + Slot(w.off())
		} else {
			widened++
			if w.off() != 1 || (w.op() == in.Op) != (size == 3) {
				t.Fatalf("insn %d is %d slots, the first %016x", i, size, uint64(w))
			}
			at += size - 1
			long := readWord(code[at.Bytes():], LittleEndian)
			if long.op() != OpJumpLong {
				t.Fatalf("insn %d ends in %016x", i, uint64(long))
			}
			to = at + 1 + Slot(long.imm())
		}
		if want := slots[in.Target-1]; to != want {
			t.Fatalf("insn %d jumps to slot %d, want %d", i, to, want)
		}
	}
	if widened < 1000 {
		t.Errorf("only %d conditions were widened", widened)
	}
}

func TestRelaxBad(t *testing.T) {
	cond := JumpImm(Equal, R1, 5, 1)
	late := func(in Insn) []Insn {
		insns := far(cond, 40000)
		insns[100] = in
		return insns
	}
	bad := JumpImm(Equal, R0, 0, 1)
	bad.Off = 3
	for _, tt := range []struct {
		name  string
		insns []Insn
		index int
		want  string
	}{
		{"fixed", late(Insn{Op: OpJump, Off: 3}), 0, "displacement +40000 to label L1 at insn 40001 does not fit 16 bits (encode insn 100: fixed displacement forbids"},
		{"label", late(Jump(7)), 100, "label L7 is not defined"},
		{"immediate", late(Insn{Op: 0xb7, Imm: 1 << 40}), 100, "does not fit 32 bits"},
		{"offset", late(bad), 100, "offset is 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AppendEncode([]byte("x"), tt.insns, EncodeOptions{})
			var e *Error
			if !errors.As(err, &e) || e.Index != tt.index || !strings.Contains(err.Error(), tt.want) || string(got) != "x" {
				t.Errorf("AppendEncode = %q, %v; want %q at %d", got, err, tt.want, tt.index)
			}
		})
	}
	if _, err := Layout([]Insn{at(1, Exit()), at(1, Exit())}, EncodeOptions{}); err == nil {
		t.Error("Layout takes a label twice")
	}
	if _, err := Layout([]Insn{Jump(1)}, EncodeOptions{}); err == nil {
		t.Error("Layout takes a label that is not there")
	}
	if _, err := Layout(late(Insn{Op: OpJump, Off: 3}), EncodeOptions{}); err == nil {
		t.Error("Layout takes a fixed displacement")
	}
}

func TestRelaxEnd(t *testing.T) {
	insns := make([]Insn, 40_000)
	for i := range insns {
		insns[i] = Mov64Imm(R0, 1)
	}
	insns[0].Label = 1
	insns = append(insns, JumpImm(Equal, R0, 0, 1))
	code, err := AppendEncode(nil, insns, EncodeOptions{})
	if want := unhex(t, "55000100000000000600000 0be63ffff"); err != nil || !bytes.HasSuffix(code, want) {
		t.Errorf("last slots %x, %v; want %x", code[max(0, len(code)-16):], err, want)
	}
}

// TestRelaxCascade makes every condition too far because of the one before, so that the rounds run out.
func TestRelaxCascade(t *testing.T) {
	const n = 60
	var insns []Insn
	for i := range n { // each fits by one slot less than the one before
		insns = append(insns, JumpImm(Equal, R1, int32(i), Label(i+1)))
	}
	for range math.MaxInt16 - n {
		insns = append(insns, Mov64Imm(R0, 0))
	}
	for i := range n {
		insns = append(insns, Mov64Imm(R0, 0))
		insns = append(insns, at(Label(i+1), Mov64Imm(R0, 0)))
	}
	code, err := AppendEncode(nil, insns, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, insns, code)
}
