package loader

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// TestDigestOf holds that descriptors do not count, and everything else does.
func TestDigestOf(t *testing.T) {
	load := func(src asm.Reg, imm int64) []asm.Insn {
		return []asm.Insn{{Op: asm.OpLoadImm64, Dst: asm.R1, Src: src, Imm: imm}, asm.Mov64Imm(asm.R0, 0), asm.Exit()}
	}
	digest := func(code []asm.Insn) string {
		d, err := digestOf(code, asm.EncodeOptions{Order: asm.BigEndian})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		what string
		src  asm.Reg
		a, b int64
		same bool
	}{
		{"descriptors of maps", asm.PseudoMapFD, 3, 4, true},
		{"descriptors of maps with values", asm.PseudoMapValue, 8<<32 | 3, 8<<32 | 4, true},
		{"offsets into values", asm.PseudoMapValue, 8<<32 | 3, 16<<32 | 3, false},
		{"descriptors of BTF", asm.PseudoBTFID, 3<<32 | 100, 4<<32 | 100, true},
		{"ids of types", asm.PseudoBTFID, 3<<32 | 100, 3<<32 | 101, false},
		{"constants", 0, 3, 4, false},
	} {
		code := load(c.src, c.a)
		if same := digest(code) == digest(load(c.src, c.b)); same != c.same {
			t.Errorf("%s: the same digest is %t", c.what, same)
		}
		if code[0].Imm != c.a {
			t.Errorf("%s: the instructions were changed", c.what)
		}
	}
}

// TestProgramDigest compares the digest with the kernel's tag, which is SHA-256 too since 6.18.
func TestProgramDigest(t *testing.T) {
	c := &spec.Collection{License: "GPL",
		Maps: []*spec.Map{{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}},
		Programs: []*spec.Program{{Name: "p", Type: spec.ProgramXDP, Insns: spec.NewInsns(
			spec.Insn{Insn: asm.LoadMap(asm.R1, "m")}, spec.Insn{Insn: asm.Mov64Imm(asm.R0, 2)}, spec.Insn{Insn: asm.Exit()})}},
	}
	for _, want := range []bool{false, true} {
		loaded := loadT(t, c, Options{Digest: want})
		p := loaded.Program("p")
		if got := p.Digest() != ""; got != want {
			t.Errorf("digest %q, asked for %t", p.Digest(), want)
		}
		i, err := p.Info()
		if err != nil {
			t.Fatal(err)
		}
		if k := NewKernel(); want && nativeOrder() == asm.LittleEndian && !k.Before(spec.Version{Major: 6, Minor: 18}) && !strings.HasPrefix(p.Digest(), hex.EncodeToString(i.Tag[:])) {
			t.Errorf("digest %s, the kernel's is %x", p.Digest(), i.Tag)
		}
	}
}
