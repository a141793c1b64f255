package opt

import (
	"fmt"
	"math"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Inline replaces the call of a function of the same program, at instruction at, by the code of
// that function. If nothing refers to the function any more, it is removed. On error nothing has
// changed.
//
//   - Jumps to the call land on the code, whose exits become jumps to what follows it. Labels in it are new.
//   - Source lines and CO-RE records of the code come along; the mark of the function does not. The
//     line of the call goes to the first instruction if that has none, and what follows the call
//     belongs to that line again.
//   - R6 to R9, which a call leaves alone, are saved on the stack before and loaded afterwards, if the
//     function changes them and the caller may still need them. They must have a value there.
//   - The frame of the function moves below that of the caller: offsets from R10 change, and a copy of
//     R10 is followed by a subtraction. Frames are not shared, so inlining often uses up the stack.
//
// It refuses: a function that calls itself, or is the caller; one with a tail call, with loads from
// the packet (LD_ABS, LD_IND), which leave the function when they fail, with jumps to addresses in
// registers or with instructions that are not known; one that does with R10 what cannot be moved; a
// frame of which it is not known how large it is, or that does not fit the 512 bytes of a stack.
func Inline(p *spec.Program, at int) error {
	q := p.Clone()
	if err := inline(q, at); err != nil {
		return fmt.Errorf("inline call at instruction %d of program %s: %w", at, quote.Quoted(p.Name), err)
	}
	*p = *q
	return nil
}

func inline(p *spec.Program, at int) error {
	insns := p.Insns.Slice()
	if at < 0 || at >= len(insns)-1 || insns[at].Op != asm.OpCall || insns[at].Src != asm.PseudoCall {
		return fmt.Errorf("it is not a call of a function that something follows")
	}
	g, err := Graph(p)
	if err != nil {
		return err
	}
	if g.Target(at) < 0 || g.FuncOf(at+1) != g.FuncOf(at) {
		return fmt.Errorf("the call leads nowhere, or nothing follows it in its function")
	}
	l := inliner{p: p, insns: insns, g: g, at: at, caller: g.FuncOf(at), callee: g.FuncOf(g.Target(at))}
	if err := l.check(); err != nil {
		return fmt.Errorf("function %s: %w", quote.Quoted(g.Funcs[l.callee].Name), err)
	}
	if err := l.layout(); err != nil {
		return fmt.Errorf("function %s: %w", quote.Quoted(g.Funcs[l.callee].Name), err)
	}
	body := l.body()
	if next := &insns[at+1]; next.Line == nil {
		next.Line = p.LineAt(at)
	}
	f := g.Funcs[l.callee]
	unused := l.onlyCall()
	p.Insns = spec.NewInsns(insns...)
	if err := p.Splice(at, 1, body, spec.SpliceOptions{}); err != nil {
		return err
	}
	if !unused {
		return nil
	}
	start := f.Start
	if start > at {
		start += len(body) - 1
	}
	return p.Delete(start, f.End-f.Start)
}

// inliner is one call being inlined.
type inliner struct {
	p              *spec.Program
	insns          []spec.Insn // of p, changed beside the call
	g              *cfg.Graph
	at             int
	caller, callee int // functions of g

	shift int16     // bytes by which the callee's frame moves down
	saved []asm.Reg // registers to save
	first int16     // where the first of them is saved
	join  asm.Label // what follows the code
}

func (l *inliner) code() []spec.Insn {
	f := &l.g.Funcs[l.callee]
	return l.insns[f.Start:f.End]
}

// check refuses functions that mean something else inside of another.
func (l *inliner) check() error {
	f := &l.g.Funcs[l.callee]
	switch {
	case l.caller == l.callee:
		return fmt.Errorf("it calls itself")
	case f.HasIndirectJump:
		return fmt.Errorf("it jumps to addresses in registers, or has instructions that are not known")
	}
	for _, c := range f.Calls {
		if c.Func == l.callee {
			return fmt.Errorf("it calls itself")
		}
	}
	for i, in := range l.code() {
		switch {
		case in.Op == asm.OpCall && in.Src == 0 && in.Ref == asm.RefNone && in.Imm == int64(asm.HelperTailCall):
			return fmt.Errorf("instruction %d is a tail call, which ends the function", f.Start+i)
		case in.Op.Class() == asm.ClassLd && in.Op.Mode() != asm.ModeImm:
			return fmt.Errorf("instruction %d loads from the packet, which ends the function when it fails", f.Start+i)
		case !movable(&in.Insn):
			return fmt.Errorf("instruction %d uses r10 in a way that cannot be moved: %v", f.Start+i, in.Insn)
		case in.Ref == asm.RefNone && l.g.Target(f.Start+i) >= 0:
			return fmt.Errorf("instruction %d has a fixed displacement", f.Start+i)
		}
	}
	last := &l.g.Blocks[f.Block+f.Blocks-1]
	if last.FallsThrough {
		return fmt.Errorf("control runs past its end")
	}
	return nil
}

// movable reports whether an instruction does nothing with r10 but to use memory relative to it, or
// to copy or add it.
func movable(in *asm.Insn) bool {
	if in.Writes().Has(asm.R10) {
		return false
	}
	if !in.MayRead().Has(asm.R10) {
		return true
	}
	base, ok := base(in)
	switch {
	case ok: // the other operand must not be r10 too
		return *base == asm.R10 && !(in.Op.Class() == asm.ClassStx && in.Dst == in.Src)
	case in.Op == asm.Op(asm.ClassALU64)|asm.Op(asm.Mov)|asm.SourceReg:
		return in.Off == 0
	}
	return in.Op == asm.Op(asm.ClassALU64)|asm.Op(asm.Add)|asm.SourceReg
}

// base returns the register that a memory access is relative to.
func base(in *asm.Insn) (*asm.Reg, bool) {
	switch in.Op.Class() {
	case asm.ClassLdx:
		return &in.Src, true
	case asm.ClassSt:
		return &in.Dst, true
	case asm.ClassStx:
		if in.Op.Mode() == asm.ModeAtomic && asm.AtomicOp(in.Imm) == asm.LoadAcquire {
			return &in.Src, true
		}
		return &in.Dst, true
	}
	return nil, false
}

// layout decides where the frame of the callee and the saved registers go.
func (l *inliner) layout() error {
	use := l.g.Stack()
	caller, callee := use[l.caller], use[l.callee]
	var changed asm.RegSet
	usesFrame := false
	for _, in := range l.code() {
		changed |= in.Writes()
		usesFrame = usesFrame || in.MayRead().Has(asm.R10)
	}
	needed := changed & l.g.Live().After(l.at) & asm.Regs(asm.R6, asm.R7, asm.R8, asm.R9)
	for r := asm.R6; r <= asm.R9; r++ {
		if needed.Has(r) {
			l.saved = append(l.saved, r)
		}
	}
	if !usesFrame && l.saved == nil {
		return nil
	}
	if !caller.Exact || usesFrame && !callee.Exact {
		return fmt.Errorf("it is not known how much stack it and its caller use")
	}
	frame := (caller.Bytes + 7) &^ 7
	all := frame + 8*len(l.saved)
	if all+callee.Bytes > cfg.MaxStack {
		return fmt.Errorf("%d bytes of stack are needed, there are %d", all+callee.Bytes, cfg.MaxStack)
	}
	l.first, l.shift = int16(-frame-8), int16(all)
	for _, in := range l.code() {
		if b, ok := base(&in.Insn); ok && *b == asm.R10 && int(in.Off)-all < math.MinInt16 {
			return fmt.Errorf("offset %d from r10 cannot be moved by %d", in.Off, all)
		}
	}
	return nil
}

// body makes the code that takes the place of the call.
func (l *inliner) body() []spec.Insn {
	code := slices.Clone(l.code())
	labels := make(map[asm.Label]asm.Label)
	fresh := l.p.NewLabel()
	for i := range code {
		if old := code[i].Label; old != 0 {
			labels[old] = fresh
			fresh++
		}
	}
	l.join = fresh
	var out []spec.Insn
	for i, r := range l.saved {
		out = append(out, spec.Insn{Insn: asm.StoreMem(asm.R10, l.first-int16(8*i), r, asm.DWord)})
	}
	if len(out) > 0 && len(code) > 0 {
		out[0].Line, code[0].Line = code[0].Line, nil
	}
	joined := false
	for i := range code {
		in := code[i]
		in.Func = nil
		in.Label = labels[in.Label]
		if in.Ref == asm.RefLabel {
			if to, own := labels[in.Target]; own {
				in.Target = to
			}
		}
		if in.Op == asm.OpExit {
			if i == len(code)-1 && in.Label == 0 {
				break // falls through
			}
			joined = true
			label := in.Label
			in.Insn = asm.Jump(l.join)
			in.Label = label
		}
		out = append(out, l.move(in)...)
	}
	for i, r := range l.saved {
		out = append(out, spec.Insn{Insn: asm.LoadMem(r, asm.R10, l.first-int16(8*i), asm.DWord)})
	}
	if joined {
		l.place(out)
	}
	return out
}

// place puts the label after the code, on the first load of a saved register or on the instruction
// after the call.
func (l *inliner) place(out []spec.Insn) {
	if n := len(l.saved); n > 0 {
		out[len(out)-n].Label = l.join
		return
	}
	next := &l.insns[l.at+1]
	if next.Label == 0 {
		next.Label = l.join
		return
	}
	for i := range out {
		if r := &out[i]; r.Ref == asm.RefLabel && r.Target == l.join {
			r.Target = next.Label
		}
	}
}

// move makes an instruction use the callee's frame at its new place.
func (l *inliner) move(in spec.Insn) []spec.Insn {
	if l.shift == 0 || !in.MayRead().Has(asm.R10) {
		return []spec.Insn{in}
	}
	if b, ok := base(&in.Insn); ok {
		if *b == asm.R10 {
			in.Off -= l.shift
		}
		return []spec.Insn{in}
	}
	return []spec.Insn{in, {Insn: asm.ALU64Imm(asm.Add, in.Dst, -int32(l.shift))}}
}

// onlyCall reports whether the call is all that refers to the function.
func (l *inliner) onlyCall() bool {
	if l.callee == 0 || l.g.Funcs[l.callee].Name == l.p.Exception {
		return false // the entry, and what bpf_throw calls, stay whatever happens
	}
	for i := range l.g.Funcs {
		for _, c := range l.g.Funcs[i].Calls {
			if c.Func == l.callee && c.Insn != l.at {
				return false
			}
		}
	}
	return true
}
