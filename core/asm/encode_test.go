package asm

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// at puts a label on an instruction.
func at(l Label, in Insn) Insn {
	in.Label = l
	return in
}

func TestEncodeBad(t *testing.T) {
	wideJump := Jump(1)
	wideJump.Off = 5
	longJump := JumpLong(1)
	longJump.Imm = 5
	notACall := Call(HelperTailCall)
	notACall.SetTarget(1)
	notAFunction := LoadImm64(R1, 0)
	notAFunction.SetTarget(1)
	raw := Insn{Op: OpJump, Flags: Raw, Ref: RefLabel, Target: 1}
	stray := Exit()
	stray.Ref = 99
	for _, tt := range []struct {
		name  string
		insns []Insn
		index int
		want  string
	}{
		{"missing label", []Insn{Exit(), Jump(7)}, 1, "encode insn 1: label L7 is not defined"},
		{"no label", []Insn{at(1, Exit()), Jump(0)}, 1, "encode insn 1: label L0 is not defined"},
		{"huge missing label", []Insn{at(1, Jump(math.MaxUint32))}, 0, "label L4294967295 is not defined"},
		{"duplicate label", []Insn{at(3, Exit()), Exit(), at(3, Exit())}, 2, "encode insn 2: label L3 is also at insn 0"},
		{"huge duplicate label", []Insn{at(1<<31, Exit()), at(1<<31, Exit())}, 1, "label L2147483648 is also at insn 0"},
		{"large immediate", []Insn{{Op: 0xb7, Imm: 1 << 31}}, 0, "immediate 2147483648 does not fit 32 bits"},
		{"small immediate", []Insn{{Op: 0xb7, Imm: -1<<31 - 1}}, 0, "immediate -2147483649 does not fit 32 bits"},
		{"large raw", []Insn{{Op: OpLoadImm64, Imm: 1 << 40, Flags: Raw}}, 0, "immediate 1099511627776 does not fit 32 bits"},
		{"register", []Insn{{Op: 0xb7, Dst: 16}}, 0, "register 16 does not exist"},
		{"source register", []Insn{{Op: 0xbf, Src: 200}}, 0, "register 200 does not exist"},
		{"unknown", []Insn{{Op: 0xff}}, 0, "opcode 0xff with src 0, off 0, imm 0 is not known and not marked Raw"},
		{"unknown atomic", []Insn{{Op: 0xdb, Imm: 2}}, 0, "opcode 0xdb with src 0, off 0, imm 2 is not known"},
		{"map", []Insn{LoadMap(R1, "counts")}, 0, `encode insn 0: map "counts" is not resolved`},
		{"map value", []Insn{LoadMapValue(R1, ".rodata", 4)}, 0, `value of map ".rodata" is not resolved`},
		{"variable", []Insn{LoadVar(R1, "v", 4)}, 0, `variable "v" is not resolved`},
		{"function", []Insn{CallFunc("f")}, 0, `function "f" is not resolved`},
		{"function address", []Insn{LoadFunc(R1, "f")}, 0, `function "f" is not resolved`},
		{"kernel function", []Insn{CallKfunc("k")}, 0, `kernel function "k" is not resolved`},
		{"kernel symbol", []Insn{LoadKsym(R1, "k")}, 0, `kernel symbol "k" is not resolved`},
		{"jump table", []Insn{LoadTable(R1, "t")}, 0, `jump table "t" is not resolved`},
		{"unknown reference", []Insn{stray}, 0, `reference kind 99 "" is not resolved`},
		{"offset set", []Insn{at(1, wideJump)}, 0, "offset is 5, but the displacement to label L1 goes there"},
		{"immediate set", []Insn{at(1, longJump)}, 0, "immediate is 5, but the displacement to label L1 goes there"},
		{"helper", []Insn{at(1, notACall)}, 0, "opcode 0x85 with src 0 cannot refer to label L1"},
		{"plain load", []Insn{at(1, notAFunction)}, 0, "opcode 0x18 with src 0 cannot refer to label L1"},
		{"raw", []Insn{at(1, raw)}, 0, "opcode 0x05 with src 0 cannot refer to label L1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.insns)
			dst := []byte("x")
			got, err := AppendEncode(dst, tt.insns, EncodeOptions{})
			var e *Error
			if !errors.As(err, &e) || e.Index != tt.index || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("AppendEncode = %v, want %q at %d", err, tt.want, tt.index)
			}
			if string(got) != "x" {
				t.Errorf("the buffer became %q", got)
			}
			if !slices.Equal(before, tt.insns) {
				t.Errorf("the input became %v", tt.insns)
			}
		})
	}
}

// far returns first, so many instructions in between, and an exit with label 1.
func far(first Insn, between int) []Insn {
	insns := []Insn{first}
	for range between {
		insns = append(insns, Mov64Imm(R0, 0))
	}
	return append(insns, at(1, Exit()))
}

func TestEncodeDisplacement(t *testing.T) {
	bad := Jump(1)
	bad.Imm = 7
	for _, tt := range []struct {
		name    string
		insns   []Insn
		options EncodeOptions
		want    string // first slot, or the error
	}{
		{"longest", far(Jump(1), math.MaxInt16), EncodeOptions{NoGotol: true}, "0500ff7f00000000"},
		{"widened", far(Jump(1), math.MaxInt16+1), EncodeOptions{}, "0600000000800000"},
		{"widened big-endian", far(Jump(1), math.MaxInt16+1), EncodeOptions{Order: BigEndian}, "0600000000008000"},
		{"not widened", far(Jump(1), math.MaxInt16+1), EncodeOptions{NoGotol: true},
			"encode insn 0: displacement +32768 to label L1 at insn 32769 does not fit 16 bits"},
		{"condition", far(JumpImm(Equal, R1, 0, 1), 40000), EncodeOptions{NoGotol: true},
			"encode insn 0: displacement +40000 to label L1 at insn 40001 does not fit 16 bits"},
		{"may_goto", far(MayGoto(1), 40000), EncodeOptions{NoGotol: true}, "encode insn 0: displacement +40000 to label L1"},
		{"reserved field", far(bad, 40000), EncodeOptions{}, "encode insn 0: displacement +40000 to label L1"},
		{"gotol stays", far(JumpLong(1), 0), EncodeOptions{}, "0600000000000000"},
		{"call", far(CallLabel(1), 40000), EncodeOptions{}, "85100000409c0000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AppendEncode(nil, tt.insns, tt.options)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %q, want %q", err, tt.want)
				}
				return
			}
			if !bytes.HasPrefix(got, unhex(t, tt.want)) {
				t.Errorf("first slot %x, want %s", got[:8], tt.want)
			}
		})
	}
}

func TestEncodeBackwards(t *testing.T) {
	insns := []Insn{at(1, Mov64Imm(R0, 0))}
	for range math.MaxInt16 {
		insns = append(insns, Mov64Imm(R0, 0))
	}
	insns = append(insns, Jump(1))
	if got, err := AppendEncode(nil, insns, EncodeOptions{}); err != nil || !bytes.HasSuffix(got, unhex(t, "06000000 ff7fffff")) {
		t.Errorf("last slot %x, %v", got[max(0, len(got)-8):], err)
	}
	got, err := AppendEncode(nil, insns[1:], EncodeOptions{})
	if err == nil {
		t.Errorf("encoded %d bytes without the label", len(got))
	}
}

// TestEncodeHugeLabels checks labels that no table could hold.
func TestEncodeHugeLabels(t *testing.T) {
	insns := []Insn{Jump(math.MaxUint32), LoadImm64(R0, 1), at(math.MaxUint32, Exit())}
	got, err := AppendEncode(nil, insns, EncodeOptions{})
	if want := unhex(t, "0500020000000000 1800000001000000 0000000000000000 9500000000000000"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("encoded %x, %v; want %x", got, err, want)
	}
}

// TestEncodeFixed checks that jumps without a label keep their displacement.
func TestEncodeFixed(t *testing.T) {
	insns := []Insn{{Op: OpJump, Off: 100}, {Op: OpCall, Src: PseudoCall, Imm: -1}}
	got, err := AppendEncode([]byte{1}, insns, EncodeOptions{})
	if want := unhex(t, "01 0500640000000000 85100000ffffffff"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("encoded %x, %v; want %x", got, err, want)
	}
}

func TestEncodeAllocates(t *testing.T) {
	insns := mix(1000)
	buf := make([]byte, 0, 2*SlotSize*len(insns))
	n := testing.AllocsPerRun(50, func() {
		if _, err := AppendEncode(buf, insns, EncodeOptions{}); err != nil {
			t.Error(err)
		}
	})
	if n >= 1 {
		t.Errorf("AppendEncode allocates %v times", n)
	}
}
