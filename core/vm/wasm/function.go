package wasm

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
)

// Locals of the functions of a program; the first six are parameters.
const (
	localR1 = iota
	_
	localR3
	localR4
	_
	localR10
	localR0
	_ // R6 to R9
	_
	_
	_
	localT // numbers that one instruction needs
	localU
	localV
	localFuel     // what is left, in functions with loops
	localGranules // StateGranules, in functions that look at the shadow
	localFrame    // address of the lowest byte of the stack frame, 32 bits as all that follow
	localShadow   // StateShadow
	localN        // a number that one instruction needs
	localNext     // the block to go on with, in functions that are a loop around a br_table
)

var functionLocals = []locals{{localFrame - localR0, typeI64}, {localNext - localFrame + 1, typeI32}}

// local returns the local of a register.
func local(r asm.Reg) uint32 {
	switch {
	case r == asm.R0:
		return localR0
	case r <= asm.R5:
		return uint32(r) - 1
	case r == asm.R10:
		return localR10
	}
	return localR0 + uint32(r) - 5
}

// function writes the instructions of a function of the program.
type function struct {
	code
	t     *translator
	p     *Program
	g     *cfg.Graph
	index int
	facts *analysis
	k     known   // before the instruction that is being written
	order []int32 // blocks that control gets to, in reverse postorder

	hasFuel  bool // localFuel is used
	shadowed bool // localShadow and localGranules are used
	framed   bool // localFrame is used
	outlined bool // accesses are looked at in another function
	err      error
}

// function returns the body of a function.
func (t *translator) function(index int) ([]byte, error) {
	f := &flow{function: &function{t: t, p: t.p, g: t.g, index: index}, base: t.g.Funcs[index].Block}
	if err := f.arrange(); err != nil {
		return nil, err
	}
	f.facts = analyse(t.p, t.g, index, f.order)
	f.need()
	f.prologue()
	if f.dispatch {
		f.table()
	} else {
		f.tree(int32(f.base))
	}
	f.op(opUnreachable)
	return body(&f.code, functionLocals...), f.err
}

// mostInline is how many accesses of a function are held against the shadow where they are: wazero's time to
// compile grows with the square of the number of branches.
const mostInline = 12

// need finds which locals have to be kept.
func (f *function) need() {
	unproven := 0
	for _, b := range f.order {
		k := f.facts.in[int(b)-f.facts.base]
		bl := &f.g.Blocks[b]
		for i := bl.Start; i < bl.End; i++ {
			in := &f.g.Insns[i]
			if to := f.g.Target(i); in.Op.Format() != asm.FormatCall && in.Op.Format() != asm.FormatLoad64 && to >= 0 && to <= i {
				f.hasFuel = true
			}
			if reg, off, n, write, ok := access(in); ok && !f.p.poisoned(i) {
				if f.p.proven(&k, reg, off, n, write) {
					f.framed = f.framed || k.regs[reg].kind == kindFrame
				} else {
					unproven++
				}
			}
			if in.Op == asm.OpCall && !calls(in) {
				f.framed = f.framed || k.regs[asm.R2].kind == kindFrame
			}
			f.facts.step(&k, i)
		}
	}
	f.outlined = unproven > mostInline
	f.shadowed = unproven > 0 && !f.outlined
}

// access returns the memory that an instruction reads or writes.
func access(in *asm.Insn) (reg asm.Reg, off, n int64, write, ok bool) {
	off, n = int64(in.Off), int64(in.Op.Size().Bytes())
	switch in.Op.Format() {
	case asm.FormatLoad, asm.FormatLoadSX:
		return in.Src, off, n, false, true
	case asm.FormatStoreImm, asm.FormatStoreReg:
		return in.Dst, off, n, true, true
	case asm.FormatAtomic:
		if asm.AtomicOp(in.Imm) == asm.LoadAcquire {
			return in.Src, off, n, false, true
		}
		return in.Dst, off, n, true, true
	}
	return 0, 0, 0, false, false
}

// prologue sets the locals that hold something all the time.
func (f *function) prologue() {
	if f.framed {
		f.get(localR10)
		f.op(opI32WrapI64)
		f.i32(FrameSize)
		f.op(opI32Sub)
		f.set(localFrame)
	}
	f.restore()
}

// state pushes a number of the state.
func (c *code) state(at uint32) {
	c.i32(0)
	c.mem(opI64Load, at)
}

// restore loads what a call may have changed.
func (f *function) restore() {
	if f.hasFuel {
		f.state(StateFuel)
		f.set(localFuel)
	}
	if f.shadowed {
		f.state(StateGranules)
		f.set(localGranules)
		f.i32(0)
		f.mem(opI32Load, StateShadow)
		f.set(localShadow)
	}
}

// save stores what a call, or the caller, has to know.
func (f *function) save() {
	if f.hasFuel {
		f.i32(0)
		f.get(localFuel)
		f.mem(opI64Store, StateFuel)
	}
}

// charge takes fuel for an instruction.
func (f *function) charge(i int) {
	if f.hasFuel {
		f.get(localFuel)
		f.i64(1)
		f.op(opI64Sub)
		f.tee(localFuel)
	} else {
		f.i32(0)
		f.state(StateFuel)
		f.i64(1)
		f.op(opI64Sub)
		f.tee(localT)
		f.mem(opI64Store, StateFuel)
		f.get(localT)
	}
	f.i64(0)
	f.op(opI64LtS)
	f.fail(i, HostFuel)
}

// fail has the host end the run if there is a number other than zero on the stack.
func (f *function) fail(i int, what int32) {
	f.enter(opIf)
	f.save()
	f.host(i, what, 0)
	f.op(opUnreachable, opEnd)
}

// host calls the host, with the first n arguments from their registers. The result is on the stack.
func (f *function) host(i int, what int32, n int) {
	f.i32(int32(f.p.Start) + int32(i))
	f.i32(what)
	f.get(localR10)
	for r := range 5 {
		if r < n {
			f.get(uint32(r))
		} else {
			f.i64(0)
		}
	}
	f.call(hostIndex)
}
