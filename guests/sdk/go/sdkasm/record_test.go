package sdkasm

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/asm"
	sdk "github.com/bpfhost/bpfhost/guests/sdk/go"
)

// symbols numbers names from 1, as a host does.
type symbols []string

func (s *symbols) sym(name string) (uint32, error) {
	for i, n := range *s {
		if n == name {
			return uint32(i + 1), nil
		}
	}
	*s = append(*s, name)
	return uint32(len(*s)), nil
}

func (s *symbols) name(id uint32) (string, error) {
	if id == 0 || int(id) > len(*s) {
		return "", sdk.ErrNoent
	}
	return (*s)[id-1], nil
}

func TestRecords(t *testing.T) {
	exit := asm.Exit()
	exit.Label = 2
	insns := []asm.Insn{
		asm.LoadMap(1, "counts"),
		asm.LoadVar(2, "limit", 4),
		asm.JumpImm(asm.Equal, 1, 0, 2), // label of this call
		asm.Jump(7),                     // label of the program
		asm.LoadMap(3, "counts"),
		exit,
	}
	var s symbols
	recs, err := Records(insns, s.sym)
	if err != nil {
		t.Fatal(err)
	}
	want := []sdk.Insn{
		{Op: 0x18, Dst: 1, Src: 1, RefKind: uint16(sdk.RefMap), Ref: 1},
		{Op: 0x18, Dst: 2, Src: recs[1].Src, RefKind: uint16(sdk.RefVar), Ref: 2, Imm: 4},
		{Op: 0x15, Dst: 1, RefKind: uint16(sdk.RefLabel), Ref: sdk.LabelLocal | 2},
		{Op: 0x05, RefKind: uint16(sdk.RefLabel), Ref: 7},
		{Op: 0x18, Dst: 3, Src: 1, RefKind: uint16(sdk.RefMap), Ref: 1},
		{Op: 0x95, Label: sdk.LabelLocal | 2},
	}
	opt := cmp.Comparer(func(a, b sdk.Insn) bool { return a == b })
	if diff := cmp.Diff(want, recs, opt); diff != "" {
		t.Error(diff)
	}
}

func TestRoundTrip(t *testing.T) {
	insns := []asm.Insn{asm.Mov64Imm(0, -1), asm.LoadImm64(1, -1<<40), asm.CallKfunc("bpf_f"), asm.Jump(9), asm.Exit()}
	var s symbols
	recs, err := Records(insns, s.sym)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Insns(recs, s.name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(insns, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	fail := func(string) (uint32, error) { return 0, sdk.ErrLimit }
	if _, err := Records([]asm.Insn{asm.LoadMap(1, "m")}, fail); !errors.Is(err, sdk.ErrLimit) {
		t.Errorf("no symbol: %v", err)
	}
	if _, err := Records([]asm.Insn{asm.Jump(1 << 31)}, fail); !errors.Is(err, sdk.ErrRange) {
		t.Errorf("label too large: %v", err)
	}
	var s symbols
	if _, err := Insns([]sdk.Insn{{RefKind: 99}}, s.name); !errors.Is(err, errRecord) {
		t.Errorf("unknown reference: %v", err)
	}
	if _, err := Insns([]sdk.Insn{{RefKind: uint16(sdk.RefMap), Ref: 5}}, s.name); !errors.Is(err, sdk.ErrNoent) {
		t.Errorf("unknown symbol: %v", err)
	}
}
