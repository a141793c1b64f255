package guest

import (
	"fmt"
	"math"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/tx"
)

// insnCalls are the functions of the group instructions.
type insnCalls struct{ *state }

// InsnRead writes instruction records into guest memory.
func (x insnCalls) InsnRead(prog, first uint32, insns []byte) int32 {
	r, err := x.program(prog)
	if err != nil {
		return x.reply(abi.FuncInsnRead, 0, err)
	}
	all := r.Program.Insns
	if uint64(first) > uint64(all.Len()) {
		return x.reply(abi.FuncInsnRead, 0, failf(abi.ErrRange, "program %q has %d instructions; %d was asked for", r.Program.Name, all.Len(), first))
	}
	n := min(len(insns)/abi.InsnSize, all.Len()-int(first))
	for i := range n {
		if i%perCheck == perCheck-1 {
			if err := x.expired(); err != nil {
				return x.reply(abi.FuncInsnRead, 0, err)
			}
		}
		in := all.At(int(first) + i)
		rec, err := x.record(&in)
		if err != nil {
			return x.reply(abi.FuncInsnRead, 0, err)
		}
		rec.Put(insns[i*abi.InsnSize:])
	}
	return int32(n)
}

// record makes the record of an instruction. Names become symbols.
func (x insnCalls) record(in *spec.Insn) (abi.Insn, error) {
	r := abi.Insn{
		Op: uint8(in.Op), Dst: uint8(in.Dst), Src: uint8(in.Src), Flags: uint8(in.Flags), Off: in.Off,
		RefKind: uint16(in.Ref), Imm: in.Imm, Label: uint32(in.Label),
	}
	var err error
	if r.Ref = uint32(in.Target); in.Ref != asm.RefLabel {
		if r.Ref, err = x.symbols.id(in.Symbol); err != nil {
			return r, err
		}
	}
	if in.Func != nil {
		if r.Func, err = x.symbols.id(in.Func.Name); err != nil {
			return r, err
		}
	}
	if in.Line != nil {
		r.Line = in.Line.Line
	}
	return r, nil
}

// InsnSplice replaces instructions by those of records.
func (x insnCalls) InsnSplice(prog, at, del uint32, insns []byte) int32 {
	r, err := x.program(prog)
	if err != nil {
		return x.reply(abi.FuncInsnSplice, 0, err)
	}
	if err := r.CheckSplice(uint64(at), uint64(del), uint64(len(insns)/abi.InsnSize)); err != nil {
		return x.reply(abi.FuncInsnSplice, 0, err)
	}
	ins, err := x.instructions(r, int(at), int(del), insns)
	if err == nil {
		err = x.splice(r, tx.Splice{At: int(at), Del: int(del), Insns: ins})
	}
	return x.reply(abi.FuncInsnSplice, len(ins), err)
}

// splice makes an edit that the plugin may make.
func (x insnCalls) splice(r tx.ProgramRef, s tx.Splice) error {
	if err := x.mayEdit(r.Object); err != nil {
		return err
	}
	if err := r.CheckSplice(uint64(s.At), uint64(s.Del), uint64(len(s.Insns))); err != nil {
		return err
	}
	if err := x.inserting(s.Insns); err != nil {
		return err
	}
	return x.tx.Splice(r, s)
}

// instructions reads the records of a splice. What is handed back as it was read stays what it is,
// with its source line and CO-RE record, so that a guest may rewrite a whole program to change a
// part.
func (x insnCalls) instructions(r tx.ProgramRef, at, del int, records []byte) ([]spec.Insn, error) {
	out := make([]spec.Insn, len(records)/abi.InsnSize)
	labels := localLabels{next: r.FreeLabels(2 * len(out))}
	for i := range out {
		if i%perCheck == perCheck-1 {
			if err := x.expired(); err != nil {
				return nil, err
			}
		}
		var rec abi.Insn
		rec.Get(records[i*abi.InsnSize:])
		var old *spec.Insn
		if i < del {
			in := r.Program.Insns.At(at + i)
			old = &in
		}
		in, err := x.instruction(&rec, old, &labels)
		if err != nil {
			e := *asCallError(err)
			e.insn = i + 1
			return nil, &e
		}
		out[i] = in
	}
	return out, nil
}

// localLabels renumbers the labels that are local to one call.
type localLabels struct {
	next  asm.Label
	fresh map[asm.Label]asm.Label
}

func (l *localLabels) get(from asm.Label) asm.Label {
	if from < asm.Label(abi.LabelLocal) {
		return from
	}
	to, ok := l.fresh[from]
	if !ok {
		if l.fresh == nil {
			l.fresh = make(map[asm.Label]asm.Label)
		}
		to = l.next
		l.next++
		l.fresh[from] = to
	}
	return to
}

// instruction reads one record; old is the instruction in whose place it comes, or nil.
func (x insnCalls) instruction(rec *abi.Insn, old *spec.Insn, labels *localLabels) (spec.Insn, error) {
	if rec.Flags&^uint8(abi.InsnRaw) != 0 {
		return spec.Insn{}, failf(abi.ErrInval, "flags %#x are not known", rec.Flags)
	}
	in := spec.Insn{Insn: asm.Insn{
		Op: asm.Op(rec.Op), Dst: asm.Reg(rec.Dst), Src: asm.Reg(rec.Src), Flags: asm.Flags(rec.Flags), Off: rec.Off,
		Imm: rec.Imm, Label: labels.get(asm.Label(rec.Label)), Ref: asm.RefKind(rec.RefKind),
	}}
	switch {
	case rec.RefKind > uint16(asm.RefTable):
		return in, failf(abi.ErrInval, "reference kind %d is not known", rec.RefKind)
	case rec.RefKind == uint16(asm.RefLabel):
		in.Target = labels.get(asm.Label(rec.Ref))
	case rec.RefKind != uint16(asm.RefNone):
		name, err := x.symbols.name(rec.Ref)
		if err != nil {
			return in, err
		}
		in.Symbol = name
	case rec.Ref != 0:
		return in, failf(abi.ErrInval, "the record has a reference, %d, and no reference kind", rec.Ref)
	}
	if rec.Func != 0 {
		name, err := x.symbols.name(rec.Func)
		if err != nil {
			return in, err
		}
		in.Func = &btf.FuncInfo{Name: name}
	}
	if old != nil {
		keepRecords(&in, old)
	}
	return in, nil
}

// keepRecords copies to an instruction what belongs to the one that it replaces, where both agree:
// the function's type, and for one that did not change at all the source line and CO-RE record.
func keepRecords(in, old *spec.Insn) {
	if in.Func != nil && old.Func != nil && in.Func.Name == old.Func.Name {
		in.Func = old.Func
	}
	if in.Insn == old.Insn {
		in.Line, in.Core = old.Line, old.Core
	}
}

// InsnDump returns the program as text.
func (x insnCalls) InsnDump(prog uint32, text []byte) int32 {
	r, err := x.program(prog)
	if err != nil {
		return x.reply(abi.FuncInsnDump, 0, err)
	}
	var dump []byte
	err = x.during(r.Program.Insns.Len()*dumpBytes, func() error {
		var err error
		if dump, err = dumpProgram(r.Program, x.expired); err == nil && len(dump) > math.MaxInt32 {
			return budget.TooLarge(fmt.Sprintf("text of program %q", r.Program.Name), len(dump), math.MaxInt32, "")
		}
		return err
	})
	if err != nil {
		return x.reply(abi.FuncInsnDump, 0, err)
	}
	return abi.CopyOut(text, dump)
}

// dumpBytes is what the text of an instruction holds while it is made, in bytes.
const dumpBytes = 250

// dumpProgram returns the text of a program that asm.Parse reads, or the error with which check ends
// it.
func dumpProgram(p *spec.Program, check func() error) ([]byte, error) {
	var text []byte
	insns := make([]asm.Insn, 0, perCheck)
	o := asm.TextOptions{LabelNames: p.LabelNames, Funcs: make(map[int]string)}
	for _, in := range p.Insns.All() {
		if len(insns) == perCheck {
			if err := check(); err != nil {
				return nil, err
			}
			text, insns = asm.AppendText(text, insns, o), insns[:0]
			clear(o.Funcs)
		}
		if f := in.Func; f != nil {
			o.Funcs[len(insns)] = f.Name
		}
		insns = append(insns, in.Insn)
	}
	return asm.AppendText(text, insns, o), nil
}
