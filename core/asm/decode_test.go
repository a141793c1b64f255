package asm

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecodeBad(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		index      int
		want       string
		lenient    string // text when lenient; empty is the same error
	}{
		{"cut", "9500000000000000 9500", 1, "decode insn 1: 2 bytes are left, an instruction has 8", ""},
		{"half load", "9500000000000000 1801000000000000", 1, "decode insn 1: second half of the 64-bit load is missing",
			"\texit\n\t.raw 0x0000000000000118\n"},
		{"wrong second half", "1801000000000000 9500000000000000", 0,
			"decode insn 0: second half of the 64-bit load is 0x0000000000000095, only its immediate may be set",
			"\t.raw 0x0000000000000118\n\texit\n"},
		{"jump out", "0500010000000000 9500000000000000", 0, "decode insn 0: target +1 is outside of the 2 slots",
			"\t.raw 0x0000000000010005\n\texit\n"},
		{"jump before", "1500feff00000000", 0, "decode insn 0: target -2 is outside of the 1 slots",
			"\t.raw 0x00000000fffe0015\n"},
		{"far jump out", "0600000000000080", 0, "decode insn 0: target -2147483648 is outside of the 1 slots",
			"\t.raw 0x8000000000000006\n"},
		{"jump into load", "0500010000000000 1801000000000000 0000000000000000", 0,
			"decode insn 0: target +1 is the second half of a 64-bit load",
			"\t.raw 0x0000000000010005\n\tr1 = 0x0 ll\n"},
		{"call out", "8510000005000000", 0, "decode insn 0: target +5 is outside of the 1 slots",
			"\t.raw 0x0000000500001085\n"},
		{"function out", "1841000005000000 0000000000000000", 0, "decode insn 0: target +5 is outside of the 2 slots",
			"\tr1 = 0x5 ll {src=4}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code := unhex(t, tt.code)
			insns, err := Decode(code, DecodeOptions{})
			var e *Error
			if !errors.As(err, &e) || e.Index != tt.index || err.Error() != tt.want || insns != nil {
				t.Errorf("Decode = %v, %v; want %q at %d", insns, err, tt.want, tt.index)
			}
			insns, err = Decode(code, DecodeOptions{Lenient: true})
			if tt.lenient == "" {
				if err == nil {
					t.Error("lenient Decode found nothing wrong")
				}
				return
			}
			if d := cmp.Diff(tt.lenient, string(AppendText(nil, insns, TextOptions{}))); err != nil || d != "" {
				t.Errorf("lenient (-want +got), %v:\n%s", err, d)
			}
		})
	}
}

func TestDecodeLabels(t *testing.T) {
	// if r1 == 0 goto third; if r2 == 0 goto second; 64-bit load; goto first
	code := unhex(t, "1501040000000000 1502000000000000 1801000000000000 0000000000000000 0500fbff00000000 9500000000000000")
	insns, err := Decode(code, DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Insn{
		{Op: 0x15, Dst: R1, Label: 1, Ref: RefLabel, Target: 3},
		{Op: 0x15, Dst: R2, Ref: RefLabel, Target: 2},
		{Op: OpLoadImm64, Dst: R1, Label: 2},
		{Op: OpJump, Ref: RefLabel, Target: 1},
		{Op: OpExit, Label: 3},
	}
	if d := cmp.Diff(want, insns); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if n := Slots(insns); n != 6 || n.Bytes() != uint64(len(code)) {
		t.Errorf("Slots = %d, %d bytes", n, n.Bytes())
	}
}

func TestDecodeRawCalls(t *testing.T) {
	code := unhex(t, "85100000ffffffff 1841000018000000 0000000000000000 0500ffff00000000")
	insns, err := Decode(code, DecodeOptions{RawCalls: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []Insn{
		{Op: OpCall, Src: PseudoCall, Imm: -1},
		{Op: OpLoadImm64, Dst: R1, Src: PseudoFunc, Imm: 24},
		{Op: OpJump, Label: 1, Ref: RefLabel, Target: 1},
	}
	if d := cmp.Diff(want, insns); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestDecodeEmpty(t *testing.T) {
	if insns, err := Decode(nil, DecodeOptions{}); insns != nil || err != nil {
		t.Errorf("Decode(nil) = %v, %v", insns, err)
	}
}

// TestDecodeChunks holds chunks against what Decode returns, and looks at how they end.
func TestDecodeChunks(t *testing.T) {
	for name, code := range readPrograms(t) {
		for _, o := range []DecodeOptions{{}, {RawCalls: true}, {Lenient: true}} {
			checkChunks(t, name, code, o)
		}
	}
	code := encodeMix(t)
	checkChunks(t, "mix", code, DecodeOptions{})
	checkChunks(t, "cut", code[:len(code)-4], DecodeOptions{})
	checkChunks(t, "nothing", nil, DecodeOptions{})
	stop := errors.New("stop")
	calls := 0
	if err := DecodeChunks(code, DecodeOptions{}, func([]Insn) error { calls++; return stop }); err != stop || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func checkChunks(t *testing.T, name string, code []byte, o DecodeOptions) {
	t.Helper()
	want, wantErr := Decode(code, o)
	var got []Insn
	err := DecodeChunks(code, o, func(insns []Insn) error {
		got = append(got, insns...)
		return nil
	})
	if wantErr != nil {
		if err == nil || err.Error() != wantErr.Error() {
			t.Errorf("%s, %+v: %v, want %v", name, o, err, wantErr)
		}
		return
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%s, %+v: %v %s", name, o, err, d)
	}
}

func TestDecodeChunksAllocates(t *testing.T) {
	testenv.NeedAllocations(t)
	code := encodeMix(t)
	n := testing.AllocsPerRun(20, func() {
		if err := DecodeChunks(code, DecodeOptions{}, func([]Insn) error { return nil }); err != nil {
			t.Error(err)
		}
	})
	if n >= 1 {
		t.Errorf("DecodeChunks allocates %v times", n)
	}
}

func TestDecodeAllocates(t *testing.T) {
	code := encodeMix(t)
	n := testing.AllocsPerRun(20, func() {
		if _, err := Decode(code, DecodeOptions{}); err != nil {
			t.Error(err)
		}
	})
	if n > 2 { // the instructions; the table is reused unless the collector took it
		t.Errorf("Decode allocates %v times", n)
	}
}
