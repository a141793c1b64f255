package lint

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/spec"
)

// loaded is what of the registers comes from what the loader fills in.
type loaded struct {
	value asm.RegSet // CO-RE results, configuration values, addresses of symbols, and what is made of them
	addr  asm.RegSet // addresses of values that stay the same once the program is loaded
}

func (l loaded) merge(m loaded) loaded { return loaded{l.value | m.value, l.addr | m.addr} }

// tainter follows what the loader fills in through registers and the stack.
type tainter struct {
	g     *cfg.Graph
	insns []spec.Insn
	names *spec.Index
	stack loaded // with R0 for something in some frame
}

// taint returns for every block whether it ends in a condition on what the loader fills in. It
// rather says yes.
func (l *Linter) taint(p *spec.Program, g *cfg.Graph) []bool {
	t := &tainter{g: g, insns: p.Insns.Slice(), names: l.names}
	guards := make([]bool, len(g.Blocks))
	if !t.any() {
		return guards
	}
	var in []loaded
	for was := (loaded{asm.AllRegs, asm.AllRegs}); t.stack != was; { // at most three times: it only grows
		was = t.stack
		in = t.solve()
	}
	for k := range g.Blocks {
		regs := in[k]
		last := g.Blocks[k].End - 1
		for i := g.Blocks[k].Start; i < last; i++ {
			regs = t.step(i, regs)
		}
		guards[k] = regs.value&g.Insns[last].Reads() != 0
	}
	return guards
}

// fixed reports whether an instruction loads the address of data that programs cannot write: it
// stays the same once the program is loaded.
func (t *tainter) fixed(in *spec.Insn) bool {
	name := in.Symbol
	switch in.Ref {
	case asm.RefVar:
		v := t.names.Var(name)
		if v == nil {
			return false
		}
		name = v.Map
	case asm.RefMapValue:
	default:
		return false
	}
	m := t.names.Map(name)
	return m != nil && m.Flags&spec.FlagReadOnlyProg != 0
}

// any reports whether the loader fills in anything that conditions can be on.
func (t *tainter) any() bool {
	for i := range t.insns {
		if r := t.source(i); r.value|r.addr != 0 {
			return true
		}
	}
	return false
}

// source returns what an instruction takes from the loader, in the register that it sets.
func (t *tainter) source(i int) loaded {
	in := &t.insns[i]
	dst := asm.Regs(in.Dst)
	load64 := in.Op == asm.OpLoadImm64
	switch {
	case load64 && t.fixed(in):
		return loaded{addr: dst}
	case load64 && (in.Ref == asm.RefKsym || in.Ref == asm.RefKfunc), in.Core != nil && !isMemory(in.Op):
		return loaded{value: dst}
	}
	return loaded{}
}

// isMemory reports whether an instruction loads or stores: a CO-RE record says where or how much
// then.
func isMemory(op asm.Op) bool {
	c := op.Class()
	return c == asm.ClassLdx || c == asm.ClassSt || c == asm.ClassStx
}

// solve returns what comes from the loader at the start of every block. Blocks are looked at again
// only when there is more, so time is linear.
func (t *tainter) solve() []loaded {
	g := t.g
	in := make([]loaded, len(g.Blocks))
	for _, f := range g.Funcs[1:] { // arguments may
		in[f.Block] = loaded{asm.ArgRegs, asm.ArgRegs}
	}
	todo := g.ReversePostorder()
	waits := make([]bool, len(g.Blocks))
	for k := range waits {
		waits[k] = true
	}
	for len(todo) > 0 {
		list := todo
		todo = nil
		for _, k := range list {
			waits[k] = false
			regs := in[k]
			for i := g.Blocks[k].Start; i < g.Blocks[k].End; i++ {
				regs = t.step(i, regs)
			}
			for _, to := range g.Succs(int(k)) {
				if m := in[to].merge(regs); m != in[to] {
					in[to] = m
					if !waits[to] {
						waits[to] = true
						todo = append(todo, to)
					}
				}
			}
		}
	}
	return in
}

// step returns what comes from the loader after an instruction.
func (t *tainter) step(i int, regs loaded) loaded {
	in := &t.g.Insns[i]
	writes := in.Writes()
	var to loaded // of what it sets
	has := func(set asm.RegSet, r asm.Reg) bool { return r < asm.R10 && set.Has(r) }
	mark := func(value, addr bool) {
		if value {
			to.value |= writes
		}
		if addr {
			to.addr |= writes
		}
	}
	switch {
	case in.Flags&asm.Raw != 0:
		return loaded{asm.AllRegs, asm.AllRegs}
	case in.Op == asm.OpCall && in.Ref != asm.RefKfunc && (in.Ref != asm.RefNone || in.Src != 0):
		return loaded{regs.value&^writes | asm.Regs(asm.R0), regs.addr&^writes | asm.Regs(asm.R0)} // a function's result
	}
	switch in.Op.Format() {
	case asm.FormatMovReg:
		mark(has(regs.value, in.Src), has(regs.addr, in.Src))
	case asm.FormatALUReg, asm.FormatDivReg:
		mark(has(regs.value, in.Src) || has(regs.value, in.Dst), has(regs.addr, in.Src) || has(regs.addr, in.Dst))
	case asm.FormatALUImm, asm.FormatDivImm, asm.FormatNeg, asm.FormatEnd:
		mark(has(regs.value, in.Dst), has(regs.addr, in.Dst))
	case asm.FormatLoad, asm.FormatLoadSX:
		spilled := in.Src == asm.R10
		mark(has(regs.addr, in.Src) || spilled && t.stack.value != 0, spilled && t.stack.addr != 0)
	case asm.FormatStoreReg:
		if in.Dst == asm.R10 && has(regs.value, in.Src) {
			t.stack.value = asm.Regs(asm.R0)
		}
		if in.Dst == asm.R10 && has(regs.addr, in.Src) {
			t.stack.addr = asm.Regs(asm.R0)
		}
	}
	to = to.merge(t.source(i))
	return loaded{regs.value&^writes | to.value, regs.addr&^writes | to.addr}
}
