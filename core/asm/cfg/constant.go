package cfg

import "github.com/bpfhost/bpfhost/core/asm"

// Value is what is known of a register.
type Value struct {
	Kind ValueKind
	Base int32  // of an address: index of the 64-bit load that it comes from
	Bits uint64 // the number; of an address: offset from its base, in bytes
}

// ValueKind says what is known.
type ValueKind uint8

// The kinds of values.
const (
	ValueNone    ValueKind = iota // nothing yet: control does not get there
	ValueNumber                   // a number
	ValueAddress                  // an offset from what a 64-bit load with a reference loads
	ValueAny                      // may be anything
	ValueFixed                    // a number that is only known when the program is loaded
)

// ConstOptions are the hooks of Constants. The zero value knows nothing of memory.
type ConstOptions struct {
	// Load returns what is read from memory that never changes: size bytes at an address that comes
	// from the 64-bit load with index base. The value is zero-extended.
	Load func(base int, offset int64, size asm.Size) (uint64, bool)

	// Unknown tells of instructions that are still going to be patched, so that what they compute
	// is not known.
	Unknown func(insn int) bool

	// Fixed tells of instructions whose number is known when the program is loaded, and not yet:
	// the immediate that they take, the number that a 64-bit load with a reference loads, or, where
	// that is an address of data, what is read there.
	Fixed func(insn int) bool
}

// Constants is what is known of the values of registers, taking into account that a branch is not
// taken if its condition is known.
type Constants struct {
	g       *Graph
	options ConstOptions
	in      [][asm.R10]Value // by block
	entered []bool           // by block
}

// Constants finds registers whose value is the same every time, by conditional constant propagation
// (M. N. Wegman and F. K. Zadeck, Constant Propagation with Conditional Branches, 1991), each
// function by itself. Functions with HasIndirectJump are left out: nothing is known in them. Time is
// linear.
func (g *Graph) Constants(o ConstOptions) *Constants {
	c := &Constants{g: g, options: o, in: make([][asm.R10]Value, len(g.Blocks)), entered: make([]bool, len(g.Blocks))}
	var todo []int32
	waits := make([]bool, len(g.Blocks))
	enter := func(to int32, regs *[asm.R10]Value) {
		changed := !c.entered[to]
		c.entered[to] = true
		for r := range regs {
			m := c.in[to][r].merge(regs[r], g.Insns)
			changed = changed || m != c.in[to][r]
			c.in[to][r] = m
		}
		if changed && !waits[to] {
			waits[to] = true
			todo = append(todo, to)
		}
	}
	anything := anyValues()
	for i := range g.Funcs {
		f := &g.Funcs[i]
		switch {
		case !f.Reachable:
		case !f.HasIndirectJump:
			enter(int32(f.Block), &anything)
		default:
			for k := f.Block; k < f.Block+f.Blocks; k++ {
				c.entered[k], c.in[k] = true, anything
			}
		}
	}
	for len(todo) > 0 {
		k := int(todo[len(todo)-1])
		todo = todo[:len(todo)-1]
		waits[k] = false
		regs := c.in[k]
		b := &g.Blocks[k]
		for i := b.Start; i < b.End; i++ {
			c.step(i, &regs)
		}
		for _, to := range c.follow(k, &regs) {
			enter(to, &regs)
		}
	}
	return c
}

func anyValues() (v [asm.R10]Value) {
	for r := range v {
		v[r].Kind = ValueAny
	}
	return v
}

// Entered reports whether control can get to a block, as far as conditions are known. Functions are
// taken to be called if any reachable code calls them.
func (c *Constants) Entered(block int) bool { return c.entered[block] }

// Block calls visit for the instructions of a block in order, with the values of R0 to R9 before
// each. Of a block that control does not get to it calls for nothing.
func (c *Constants) Block(block int, visit func(insn int, before *[asm.R10]Value)) {
	if !c.entered[block] {
		return
	}
	regs := c.in[block]
	b := &c.g.Blocks[block]
	for i := b.Start; i < b.End; i++ {
		visit(i, &regs)
		if c.g.Funcs[b.Func].HasIndirectJump { // control may come from anywhere to the next one
			regs = c.in[block]
			continue
		}
		c.step(i, &regs)
	}
}

// Branch says which way a condition goes, if the values before it decide that.
func (c *Constants) Branch(insn int, before *[asm.R10]Value) (taken, known bool) {
	x, y := c.compared(insn, before)
	if x.Kind != ValueNumber || y.Kind != ValueNumber {
		return false, false
	}
	return compare(c.g.Insns[insn].Op, x.Bits, y.Bits), true
}

// BranchFixed reports whether it is known when the program is loaded, and not yet, which way a
// condition goes.
func (c *Constants) BranchFixed(insn int, before *[asm.R10]Value) bool {
	x, y := c.compared(insn, before)
	return x.number() && y.number() && (x.Kind == ValueFixed || y.Kind == ValueFixed)
}

// compared returns what a condition compares; of other instructions and of what is not known, no
// values.
func (c *Constants) compared(insn int, before *[asm.R10]Value) (x, y Value) {
	in := &c.g.Insns[insn]
	f := in.Op.Format()
	if f != asm.FormatCondImm && f != asm.FormatCondReg || in.Flags&asm.Raw != 0 || c.unknown(insn) {
		return Value{}, Value{}
	}
	if f == asm.FormatCondReg {
		return value(before, in.Dst), value(before, in.Src)
	}
	return value(before, in.Dst), Value{Kind: ValueNumber, Bits: uint64(in.Imm)}
}

// number reports whether a value is a number that is known when the program is loaded.
func (v Value) number() bool { return v.Kind == ValueNumber || v.Kind == ValueFixed }

// Load returns what a load reads, if the values before it tell.
func (c *Constants) Load(insn int, before *[asm.R10]Value) (uint64, bool) {
	in := &c.g.Insns[insn]
	f := in.Op.Format()
	if f != asm.FormatLoad && f != asm.FormatLoadSX || c.options.Load == nil || in.Flags&asm.Raw != 0 || c.unknown(insn) {
		return 0, false
	}
	a := value(before, in.Src)
	if a.Kind != ValueAddress {
		return 0, false
	}
	v, ok := c.options.Load(int(a.Base), int64(a.Bits)+int64(in.Off), in.Op.Size())
	if !ok {
		return 0, false
	}
	if shift := 64 - 8*in.Op.Size().Bytes(); f == asm.FormatLoadSX {
		v = uint64(int64(v<<shift) >> shift)
	}
	return v, true
}

func (c *Constants) unknown(insn int) bool {
	return c.options.Unknown != nil && c.options.Unknown(insn)
}

func (c *Constants) fixed(insn int) bool { return c.options.Fixed != nil && c.options.Fixed(insn) }

// follow returns the blocks that control may go to from the end of a block.
func (c *Constants) follow(k int, regs *[asm.R10]Value) []int32 {
	succs := c.g.Succs(k)
	if len(succs) != 2 {
		return succs
	}
	taken, known := c.Branch(c.g.Blocks[k].End-1, regs)
	switch {
	case !known:
		return succs
	case taken:
		return succs[1:]
	}
	return succs[:1]
}

// step computes the values after an instruction.
func (c *Constants) step(i int, regs *[asm.R10]Value) {
	in := &c.g.Insns[i]
	if in.Flags&asm.Raw != 0 {
		*regs = anyValues()
		return
	}
	v := Value{Kind: ValueAny}
	switch in.Op.Format() {
	case asm.FormatLoad64:
		v = c.load64(i)
	case asm.FormatLoad, asm.FormatLoadSX:
		if n, ok := c.Load(i, regs); ok {
			v = Value{Kind: ValueNumber, Bits: n}
		} else if a := value(regs, in.Src); a.Kind == ValueAddress && c.fixed(int(a.Base)) && !c.unknown(i) {
			v = Value{Kind: ValueFixed}
		}
	case asm.FormatMovImm, asm.FormatMovReg, asm.FormatALUImm, asm.FormatALUReg, asm.FormatDivImm, asm.FormatDivReg, asm.FormatNeg, asm.FormatEnd:
		if c.fixed(i) {
			v = compute(in, value(regs, in.Dst), Value{Kind: ValueFixed})
		} else if !c.unknown(i) {
			v = compute(in, value(regs, in.Dst), operand(in, regs))
		}
	}
	for w, r := in.Writes(), asm.R0; r < asm.R10; r++ {
		if w.Has(r) {
			regs[r] = v
		}
	}
}

// load64 returns what a 64-bit load loads.
func (c *Constants) load64(i int) Value {
	in := &c.g.Insns[i]
	address := in.Ref == asm.RefVar || in.Ref == asm.RefMapValue
	switch {
	case !address && c.fixed(i):
		return Value{Kind: ValueFixed}
	case c.unknown(i):
	case in.Src == 0 && in.Ref == asm.RefNone:
		return Value{Kind: ValueNumber, Bits: uint64(in.Imm)}
	case address:
		return Value{Kind: ValueAddress, Base: int32(i)}
	}
	return Value{Kind: ValueAny}
}

// value returns what is known of a register.
func value(regs *[asm.R10]Value, r asm.Reg) Value {
	if r < asm.R10 {
		return regs[r]
	}
	return Value{Kind: ValueAny}
}

// operand returns the second operand of arithmetic.
func operand(in *asm.Insn, regs *[asm.R10]Value) Value {
	if in.Op.Reg() && in.Op.Format() != asm.FormatEnd {
		return value(regs, in.Src)
	}
	return Value{Kind: ValueNumber, Bits: uint64(in.Imm)}
}

// merge returns what is known of a register that comes in two ways.
func (v Value) merge(w Value, insns []asm.Insn) Value {
	switch {
	case v.Kind == ValueNone || v == w:
		return w
	case w.Kind == ValueNone:
		return v
	case v.Kind == ValueAddress && w.Kind == ValueAddress && v.Bits == w.Bits &&
		insns[v.Base].Ref == insns[w.Base].Ref && insns[v.Base].Imm == insns[w.Base].Imm:
		return v
	}
	return Value{Kind: ValueAny}
}
