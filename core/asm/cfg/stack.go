package cfg

import "github.com/bpfhost/bpfhost/core/asm"

// What the kernel allows (MAX_BPF_STACK and MAX_CALL_FRAMES, include/linux/filter.h and
// bpf_verifier.h).
const (
	MaxStack  = 512 // bytes of stack of a chain of calls
	MaxFrames = 8   // functions of a chain of calls
)

// frameAlign is to what the kernel rounds up the stack of each function when it compiles programs
// to machine code; without that it is 32.
const frameAlign = 16

// StackUse is how much stack a function needs.
type StackUse struct {
	Bytes int  // below the frame pointer, in this function alone
	Exact bool // otherwise there are addresses on the stack that are not known here, and Bytes is the least

	Depth     int   // bytes of the deepest chain of calls that starts here, each function rounded up as the kernel does
	Frames    int   // functions of the longest chain of calls that starts here
	Deepest   []int // functions of the deepest chain, by index, this one first; nil when Recursive
	Recursive bool  // the function can call itself, perhaps by way of others, or calls one that can: its stack has no bound
}

// TooDeep reports whether no kernel accepts a program that starts with this function.
func (u StackUse) TooDeep() bool { return u.Recursive || u.Depth > MaxStack || u.Frames > MaxFrames }

// Stack returns how much stack every function needs: down to the lowest address that it uses or
// computes. Addresses that were stored and loaded again are not followed. A function whose address
// is taken counts as called there, for helpers call back. Time is linear.
func (g *Graph) Stack() []StackUse {
	out := make([]StackUse, len(g.Funcs))
	low, exact, _ := g.frames()
	for i := range out {
		out[i].Bytes, out[i].Exact = -low[i], exact[i]
	}
	// Functions are done when all that they call is done (A. B. Kahn, Topological sorting of large
	// networks, 1962); those that never are take part in a cycle, or lead to one.
	waits := make([]int, len(out))
	callers := make([][]int32, len(out))
	for i := range g.Funcs {
		waits[i] = len(g.Funcs[i].Calls)
		for _, c := range g.Funcs[i].Calls {
			callers[c.Func] = append(callers[c.Func], int32(i))
		}
	}
	deepest := make([]int, len(out)) // the function called by the deepest chain, or -1
	var ready []int
	for i, n := range waits {
		deepest[i] = -1
		out[i].Recursive = true
		if n == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		i := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		u := &out[i]
		u.Recursive = false
		below := 0
		for _, c := range g.Funcs[i].Calls {
			if d := out[c.Func].Depth; d > below || deepest[i] < 0 {
				below, deepest[i] = d, c.Func
			}
			u.Frames = max(u.Frames, out[c.Func].Frames)
		}
		u.Frames++
		u.Depth = below + (u.Bytes+frameAlign-1)&^(frameAlign-1)
		for _, c := range callers[i] {
			if waits[c]--; waits[c] == 0 {
				ready = append(ready, int(c))
			}
		}
	}
	for i := range out {
		for k := i; k >= 0 && !out[i].Recursive && len(out[i].Deepest) < maxChain; k = deepest[k] {
			out[i].Deepest = append(out[i].Deepest, k)
		}
	}
	return out
}

// maxChain bounds the list of functions of a chain: it is far above what a kernel accepts.
const maxChain = 4 * MaxFrames

// pointer is what is known of a register: nothing yet, a number of bytes above r10, or something
// that may be an address on the stack with an unknown offset.
type pointer struct {
	kind pointerKind
	off  int32
}

type pointerKind uint8

const (
	pointerNone    pointerKind = iota // no address on the stack
	pointerStack                      // off bytes from r10
	pointerSomehow                    // on the stack, but nobody knows where
)

// frames finds for every function the lowest offset from r10 that it uses, and whether all are
// known; and for every block what registers hold at its start.
func (g *Graph) frames() (low []int, exact []bool, in [][asm.R10]pointer) {
	low, exact = make([]int, len(g.Funcs)), make([]bool, len(g.Funcs))
	for i := range g.Funcs {
		exact[i] = !g.Funcs[i].HasIndirectJump
	}
	in = make([][asm.R10]pointer, len(g.Blocks))
	seen := make([]bool, len(g.Blocks))
	for _, f := range g.Funcs {
		seen[f.Block] = true
	}
	g.forward(func(k int, again func(int32)) {
		b := &g.Blocks[k]
		regs := in[k]
		for i := b.Start; i < b.End; i++ {
			off, known := track(&g.Insns[i], &regs)
			low[b.Func] = min(low[b.Func], off)
			exact[b.Func] = exact[b.Func] && known
		}
		for _, to := range g.Succs(k) {
			changed := !seen[to]
			if changed {
				in[to] = regs
				seen[to] = true
			} else {
				for r := range regs {
					m := in[to][r].merge(regs[r])
					changed = changed || m != in[to][r]
					in[to][r] = m
				}
			}
			if changed {
				again(to)
			}
		}
	})
	return low, exact, in
}

// outside returns the accesses at addresses on the stack that are outside of it. What is called may
// use the stack of its caller: addresses that it was passed are not known here.
func (g *Graph) outside() []Diagnostic {
	_, _, in := g.frames()
	var out []Diagnostic
	for k := range g.Blocks {
		b := &g.Blocks[k]
		if !b.Reachable || g.Funcs[b.Func].HasIndirectJump {
			continue
		}
		regs := in[k]
		for i := b.Start; i < b.End; i++ {
			insn := &g.Insns[i]
			if r, ok := memoryBase(insn); ok {
				off := int(insn.Off) + int(pointerIn(&regs, r).off)
				if pointerIn(&regs, r).kind == pointerStack && (off < -MaxStack || off+insn.Op.Size().Bytes() > 0) {
					out = append(out, Diagnostic{Kind: FindOutsideStack, Insn: i, Off: off})
				}
			}
			track(insn, &regs)
		}
	}
	return out
}

// memoryBase returns the register with the address of a memory access.
func memoryBase(in *asm.Insn) (r asm.Reg, ok bool) {
	if in.Flags&asm.Raw != 0 {
		return 0, false
	}
	switch in.Op.Format() {
	case asm.FormatLoad, asm.FormatLoadSX:
		return in.Src, true
	case asm.FormatStoreImm, asm.FormatStoreReg:
		return in.Dst, true
	case asm.FormatAtomic:
		if asm.AtomicOp(in.Imm) == asm.LoadAcquire {
			return in.Src, true
		}
		return in.Dst, true
	}
	return 0, false
}

// pointerIn returns what is known of a register.
func pointerIn(regs *[asm.R10]pointer, r asm.Reg) pointer {
	switch {
	case r == asm.R10:
		return pointer{kind: pointerStack}
	case r < asm.R10:
		return regs[r]
	}
	return pointer{}
}

// merge returns what is known of a register that comes in two ways.
func (p pointer) merge(q pointer) pointer {
	switch {
	case p == q:
		return p
	case p.kind == pointerNone && q.kind == pointerNone:
		return p
	}
	return pointer{kind: pointerSomehow}
}

// track follows one instruction. It returns the lowest offset from r10 of an access or an address
// that it makes, and whether that is all.
func track(in *asm.Insn, regs *[asm.R10]pointer) (low int, known bool) {
	if in.Flags&asm.Raw != 0 {
		return 0, true // the function has an indirect jump
	}
	made := pointer{}
	switch f := in.Op.Format(); f {
	case asm.FormatMovReg:
		if made = pointerIn(regs, in.Src); made.kind != pointerNone && (in.Off != 0 || in.Op.Class() != asm.ClassALU64) {
			made = pointer{}
		}
	case asm.FormatALUImm, asm.FormatALUReg:
		made = arithmetic(in, pointerIn(regs, in.Dst), pointerIn(regs, in.Src))
	case asm.FormatLoad, asm.FormatLoadSX:
		low, known = access(pointerIn(regs, in.Src), in.Off)
		set(regs, in.Dst, made)
		return low, known
	case asm.FormatStoreImm, asm.FormatStoreReg:
		return access(pointerIn(regs, in.Dst), in.Off)
	case asm.FormatAtomic:
		base, _ := memoryBase(in)
		low, known = access(pointerIn(regs, base), in.Off)
	}
	for w, r := in.Writes(), asm.R0; r < asm.R10; r++ {
		if w.Has(r) {
			set(regs, r, made)
		}
	}
	if made.kind == pointerStack {
		return min(low, int(made.off)), true
	}
	if in.Op.Format() == asm.FormatAtomic {
		return low, known
	}
	return low, made.kind != pointerSomehow
}

func set(regs *[asm.R10]pointer, r asm.Reg, p pointer) {
	if r < asm.R10 {
		regs[r] = p
	}
}

// access returns the offset from r10 of a memory access, if it is to the stack.
func access(base pointer, off int16) (low int, known bool) {
	switch base.kind {
	case pointerStack:
		return min(0, int(base.off)+int(off)), true
	case pointerSomehow:
		return 0, false
	}
	return 0, true
}

// arithmetic returns what dst op= src makes of an address on the stack.
func arithmetic(in *asm.Insn, dst, src pointer) pointer {
	if !in.Op.Reg() {
		src = pointer{}
	}
	if dst.kind == pointerNone && src.kind == pointerNone {
		return pointer{}
	}
	op := in.Op.ALU()
	if in.Op.Class() != asm.ClassALU64 || op != asm.Add && op != asm.Sub {
		return pointer{} // no longer an address that the kernel lets be used
	}
	if dst.kind == pointerStack && !in.Op.Reg() && in.Imm > -1<<20 && in.Imm < 1<<20 && dst.off > -1<<20 && dst.off < 1<<20 {
		d := int32(in.Imm)
		if op == asm.Sub {
			d = -d
		}
		return pointer{kind: pointerStack, off: dst.off + d}
	}
	if op == asm.Sub && src.kind != pointerNone {
		return pointer{} // the difference of two addresses
	}
	return pointer{kind: pointerSomehow}
}
