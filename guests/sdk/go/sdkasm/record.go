package sdkasm

import (
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/asm"
	sdk "github.com/bpfhost/bpfhost/guests/sdk/go"
)

// errRecord says that a record is none that core/asm can hold.
var errRecord = errors.New("no such instruction")

// Splice replaces del instructions of p at place at. A label that one of the instructions bears is
// local to the call; any other is the program's own. It returns how many instructions were
// inserted.
func Splice(p sdk.Program, at, del uint32, insns []asm.Insn) (int, error) {
	recs, err := Records(insns, sdk.Sym)
	if err != nil {
		return 0, err
	}
	return p.Splice(at, del, recs)
}

// Read returns the instructions of p. Names of functions and source lines are not part of an
// asm.Insn.
func Read(p sdk.Program) ([]asm.Insn, error) {
	recs, err := p.Insns()
	if err != nil {
		return nil, err
	}
	return Insns(recs, sdk.SymName)
}

// Records turns instructions into records for Program.Splice; sym returns the number of a name.
func Records(insns []asm.Insn, sym func(string) (uint32, error)) ([]sdk.Insn, error) {
	local := map[asm.Label]bool{}
	for _, i := range insns {
		local[i.Label] = i.Label != 0
	}
	number := func(l asm.Label) (uint32, error) {
		switch {
		case uint32(l) >= sdk.LabelLocal:
			return 0, fmt.Errorf("label %d: %w", l, sdk.ErrRange)
		case local[l]:
			return sdk.LabelLocal | uint32(l), nil
		}
		return uint32(l), nil
	}
	recs := make([]sdk.Insn, len(insns))
	for n, i := range insns {
		r := sdk.Insn{Op: uint8(i.Op), Dst: uint8(i.Dst), Src: uint8(i.Src), Flags: uint8(i.Flags), Off: i.Off, Imm: i.Imm,
			RefKind: uint16(i.Ref)}
		var err error
		if r.Label, err = number(i.Label); err == nil {
			switch i.Ref {
			case asm.RefNone:
			case asm.RefLabel:
				r.Ref, err = number(i.Target)
			default:
				r.Ref, err = sym(i.Symbol)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("convert instruction %d: %w", n, err)
		}
		recs[n] = r
	}
	return recs, nil
}

// Insns turns records into instructions; name returns the name of a symbol.
func Insns(recs []sdk.Insn, name func(uint32) (string, error)) ([]asm.Insn, error) {
	insns := make([]asm.Insn, len(recs))
	names := map[uint32]string{}
	for n, r := range recs {
		i := asm.Insn{Op: asm.Op(r.Op), Dst: asm.Reg(r.Dst), Src: asm.Reg(r.Src), Flags: asm.Flags(r.Flags), Off: r.Off,
			Imm: r.Imm, Label: asm.Label(r.Label)}
		if r.RefKind > uint16(asm.RefTable) {
			return nil, fmt.Errorf("convert record %d: reference of kind %d: %w", n, r.RefKind, errRecord)
		}
		i.Ref = asm.RefKind(r.RefKind)
		switch i.Ref {
		case asm.RefNone:
		case asm.RefLabel:
			i.Target = asm.Label(r.Ref)
		default:
			known, ok := names[r.Ref]
			if !ok {
				var err error
				if known, err = name(r.Ref); err != nil {
					return nil, fmt.Errorf("convert record %d: %w", n, err)
				}
				names[r.Ref] = known
			}
			i.Symbol = known
		}
		insns[n] = i
	}
	return insns, nil
}
