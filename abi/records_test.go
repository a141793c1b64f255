package abi

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInsnCodec(t *testing.T) {
	in := Insn{Op: 0x18, Dst: 1, Src: 2, Flags: 1, Off: -2, RefKind: 4, Imm: -3, Ref: 5, Func: 6, Line: 7, Label: 8}
	var b [InsnSize]byte
	in.Put(b[:])
	want := [InsnSize]byte{0x18, 1, 2, 1, 0xfe, 0xff, 4, 0, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8}
	if b != want {
		t.Errorf("bytes % x, want % x", b, want)
	}
	var out Insn
	out.Get(b[:])
	if diff := cmp.Diff(in, out); diff != "" {
		t.Error(diff)
	}
}

func TestSrcStatsCodec(t *testing.T) {
	in := SourceStats{Size: SourceStatsSize, Flags: KnownSent, Sent: 1<<40 + 5, Delivered: 4, Lost: 1, Dropped: 2, Batches: 3}
	var b [SourceStatsSize]byte
	in.Put(b[:])
	var out SourceStats
	out.Get(b[:])
	if diff := cmp.Diff(in, out); diff != "" {
		t.Error(diff)
	}
}
