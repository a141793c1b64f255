package loader

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

// Digest returns the SHA-256 of the instructions as the kernel got them, in hex: after CO-RE, with
// every name a number, in little-endian order. Descriptors count as zero, as in the kernel's own tag
// (bpf_prog_calc_tag of kernel/bpf/core.c), so that it is the same for each load. Empty without
// Options.Digest.
func (p *Program) Digest() string { return p.digest }

// digestOf computes what Program.Digest returns.
func digestOf(code []asm.Insn, o asm.EncodeOptions) (string, error) {
	code = slices.Clone(code)
	for i := range code {
		if code[i].Op != asm.OpLoadImm64 {
			continue
		}
		switch code[i].Src {
		case asm.PseudoMapFD:
			code[i].Imm = 0
		case asm.PseudoMapValue: // the high half is an offset
			code[i].Imm &^= 0xffffffff
		case asm.PseudoBTFID: // the low half is the id of a type
			code[i].Imm &= 0xffffffff
		}
	}
	o.Order = asm.LittleEndian
	b, err := asm.AppendEncode(nil, code, o)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
