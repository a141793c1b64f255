package cfg

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Graph is the control flow of a program: its functions, and their basic blocks with the edges
// between them. It refers to the instructions and is out of date when they change.
//
// A function starts at the first instruction, at every target of a local call or of a function's
// address, and where New is told so; it reaches up to the next start. Edges stay within a
// function. Where control may go is not known after a jump to an address in a register (gotox) and
// a Raw instruction: such a function has HasIndirectJump set, and all of its blocks count as reachable.
type Graph struct {
	Insns  []asm.Insn
	Blocks []Block    // in order of place
	Funcs  []Function // in order of place

	blockOf []int32 // by instruction
	targets []int32 // by instruction: index of the one that it leads to, or targetNone
	succs   []int32 // of all blocks
	preds   []int32
	invalid []Diagnostic // jumps that lead nowhere
	anyCall bool         // callx is there: it may call every function
}

// Block is a run of instructions that control enters at the first and leaves at the last.
type Block struct {
	Start, End   int  // its instructions are those from Start up to but without End
	Func         int  // index of its function
	Reachable    bool // control can get here from the first instruction of the program
	FallsThrough bool // control can run past its end, where the function or the program is over

	succ, pred [2]int32 // ranges in Graph.succs and preds
}

// Function is one function of a program.
type Function struct {
	Name            string // if it is known
	Start, End      int    // its instructions
	Block           int    // index of its first block; blocks are consecutive
	Blocks          int    // how many there are
	Calls           []LocalCall
	Reachable       bool // it is the first, or called or its address taken where control can get
	HasIndirectJump bool // where control goes inside is not known
}

// LocalCall is the call of a function of the same program, or the place where its address is taken.
type LocalCall struct {
	Insn    int
	Func    int  // index of the function
	Address bool // its address is taken, so that it may be called from elsewhere
}

// New finds the control flow of a program. funcs has the names of functions by the index of
// their first instruction, as in Listing; references to functions by name are looked up there, and
// it may be nil.
//
// The error is an *Error: a label is missing or there twice, a reference names no function, there
// is not an instruction. Whatever else may be wrong is for Check to say. Time is linear.
func New(insns []asm.Insn, funcs map[int]string) (*Graph, error) {
	return newGraph(insns, funcs, nil)
}

// NewWithTables is New for a program whose jump tables are known: each jump to an address in a register
// may go to any of the labels in its own function, and to nothing else. So it does not set
// HasIndirectJump. The successors of such a block are in order of place.
func NewWithTables(insns []asm.Insn, funcs map[int]string, tables []asm.Label) (*Graph, error) {
	if tables == nil {
		tables = []asm.Label{}
	}
	return newGraph(insns, funcs, tables)
}

func newGraph(insns []asm.Insn, funcs map[int]string, tables []asm.Label) (*Graph, error) {
	if len(insns) == 0 {
		return nil, graphError(0, errors.New("program has no instructions"))
	}
	b := grapher{g: &Graph{Insns: insns}, names: funcs, targets: make([]int32, len(insns)), leader: make([]bool, len(insns)+1), tables: tables}
	if err := b.resolve(); err != nil {
		return nil, err
	}
	b.functions()
	b.split()
	b.connect()
	b.calls()
	b.g.targets = b.targets
	b.g.reach()
	return b.g, nil
}

func graphError(i int, err error) error { return &asm.Error{Verb: "analyse", Index: i, Err: err} }

// Succs returns the indices of the blocks that may follow: of a condition first the one after it,
// then its target. The slice must not be changed.
func (g *Graph) Succs(block int) []int32 {
	r := g.Blocks[block].succ
	return g.succs[r[0]:r[1]]
}

// Preds returns the indices of the blocks that may come before. The slice must not be changed.
func (g *Graph) Preds(block int) []int32 {
	r := g.Blocks[block].pred
	return g.preds[r[0]:r[1]]
}

// BlockOf returns the index of the block that an instruction belongs to.
func (g *Graph) BlockOf(insn int) int { return int(g.blockOf[insn]) }

// FuncOf returns the index of the function that an instruction belongs to.
func (g *Graph) FuncOf(insn int) int { return g.Blocks[g.blockOf[insn]].Func }

// Target returns the index of the instruction that a jump, a local call or the load of a function's
// address leads to, or -1.
func (g *Graph) Target(insn int) int { return int(g.targets[insn]) }

// secondHalf marks the slot after the first of a 64-bit load.
const secondHalf = -1

// kinds of targets that are not an instruction.
const (
	targetNone   = -1
	targetOut    = -2 // outside of the program
	targetMiddle = -3 // the second half of a 64-bit load
)

// grapher builds a Graph.
type grapher struct {
	g       *Graph
	names   map[int]string
	byName  map[string]int32
	targets []int32 // Graph.targets, also with the other constants
	leader  []bool  // by instruction: a block starts here
	tables  []asm.Label
	entries []int32 // instructions that tables lead to, in order; nil if tables are not known
	starts  []int32 // of functions
	slots   []int32 // by instruction: where it is; made when needed
	insns   []int32 // by slot: index of the instruction or secondHalf
}

// isJump reports whether control may go elsewhere than to the next instruction.
func isJump(in *asm.Insn) bool {
	switch in.Op.Format() {
	case asm.FormatJump, asm.FormatJumpLong, asm.FormatJumpReg, asm.FormatMayGoto, asm.FormatCondImm, asm.FormatCondReg:
		return in.Flags&asm.Raw == 0
	}
	return false
}

// continues reports whether control may go to the next instruction.
func continues(in *asm.Insn) bool {
	switch in.Op {
	case asm.OpJump, asm.OpJumpLong, asm.OpJumpReg, asm.OpExit:
		return in.Flags&asm.Raw != 0
	}
	return true
}

// resolve finds what every instruction leads to.
func (b *grapher) resolve() error {
	places := map[asm.Label]int32{}
	insns := b.g.Insns
	for i := range insns {
		if l := insns[i].Label; l != 0 {
			if first, dup := places[l]; dup {
				return graphError(i, fmt.Errorf("label L%d is also at insn %d", l, first))
			}
			places[l] = int32(i)
		}
	}
	if err := b.tableEntries(places); err != nil {
		return err
	}
	b.byName = make(map[string]int32, len(b.names))
	for i, name := range b.names {
		if i >= 0 && i < len(insns) {
			b.byName[name] = int32(i)
		}
	}
	for i := range insns {
		in := &insns[i]
		b.targets[i] = targetNone
		switch in.Ref {
		case asm.RefLabel:
			to, ok := places[in.Target]
			if !ok {
				return graphError(i, fmt.Errorf("label L%d is not defined", in.Target))
			}
			b.targets[i] = to
		case asm.RefFunc:
			to, ok := b.byName[in.Symbol]
			if !ok {
				return graphError(i, fmt.Errorf("function %s is not in the program", quote.Quoted(in.Symbol)))
			}
			b.targets[i] = to
		case asm.RefNone:
			if by, ok := in.Displacement(); ok {
				b.targets[i] = b.fixed(i, by)
			}
		}
	}
	return nil
}

// tableEntries finds what jump tables lead to.
func (b *grapher) tableEntries(places map[asm.Label]int32) error {
	if b.tables == nil {
		return nil
	}
	b.entries = make([]int32, 0, len(b.tables))
	for _, l := range b.tables {
		to, ok := places[l]
		if !ok {
			return graphError(0, fmt.Errorf("label L%d of a jump table is not defined", l))
		}
		b.entries = append(b.entries, to)
	}
	slices.Sort(b.entries)
	b.entries = slices.Compact(b.entries)
	return nil
}

// fixed returns what a displacement that is not a label leads to.
func (b *grapher) fixed(i int, by int64) int32 {
	insns := b.g.Insns
	if b.slots == nil {
		b.slots = make([]int32, len(insns))
		for k := range insns {
			b.slots[k] = int32(len(b.insns))
			b.insns = append(b.insns, int32(k))
			if insns[k].Slots() == 2 {
				b.insns = append(b.insns, secondHalf)
			}
		}
	}
	to := int64(b.slots[i]) + 1 + by
	switch {
	case to < 0 || to >= int64(len(b.insns)):
		return targetOut
	case b.insns[to] == secondHalf:
		return targetMiddle
	}
	return b.insns[to]
}

// functions finds where functions start, and turns targets that cannot be into findings.
func (b *grapher) functions() {
	insns := b.g.Insns
	start := make([]bool, len(insns))
	start[0] = true
	for i := range b.names {
		if i >= 0 && i < len(insns) {
			start[i] = true
		}
	}
	for i, to := range b.targets {
		in := &insns[i]
		switch {
		case in.Flags&asm.Raw != 0:
			b.g.invalid = append(b.g.invalid, Diagnostic{Kind: FindUnknown, Insn: i})
		case in.Op == asm.OpCallReg:
			b.g.anyCall = true
		}
		switch to {
		case targetOut:
			b.g.invalid = append(b.g.invalid, Diagnostic{Kind: FindJumpOut, Insn: i})
		case targetMiddle:
			b.g.invalid = append(b.g.invalid, Diagnostic{Kind: FindJumpMiddle, Insn: i})
		}
		if to < 0 || in.Flags&asm.Raw != 0 {
			b.targets[i] = targetNone
		} else if !isJump(in) {
			start[to] = true
		}
	}
	for i, s := range start {
		if s {
			b.leader[i] = true
			b.starts = append(b.starts, int32(i))
		}
	}
}

// split cuts the program into functions and blocks.
func (b *grapher) split() {
	g := b.g
	n := len(g.Insns)
	for i := range g.Insns {
		if in := &g.Insns[i]; isJump(in) || !continues(in) {
			b.leader[i+1] = true
			if to := b.targets[i]; to >= 0 {
				b.leader[to] = true
			}
		}
	}
	for _, to := range b.entries {
		b.leader[to] = true
	}
	g.Funcs = make([]Function, len(b.starts))
	for i, s := range b.starts {
		end := n
		if i+1 < len(b.starts) {
			end = int(b.starts[i+1])
		}
		g.Funcs[i] = Function{Name: b.names[int(s)], Start: int(s), End: end}
	}
	blocks := 0
	for i := range n {
		if b.leader[i] {
			blocks++
		}
	}
	g.Blocks = make([]Block, 0, blocks)
	g.blockOf = make([]int32, n)
	fn := -1
	for i := range n {
		if fn+1 < len(g.Funcs) && g.Funcs[fn+1].Start == i {
			fn++
			g.Funcs[fn].Block = len(g.Blocks)
		}
		if b.leader[i] {
			g.Blocks = append(g.Blocks, Block{Start: i, Func: fn})
			g.Funcs[fn].Blocks++
		}
		g.Blocks[len(g.Blocks)-1].End = i + 1
		g.blockOf[i] = int32(len(g.Blocks) - 1)
	}
}

// connect makes the edges.
func (b *grapher) connect() {
	g := b.g
	g.succs = make([]int32, 0, 2*len(g.Blocks))
	incoming := make([]int32, len(g.Blocks)+1)
	for k := range g.Blocks {
		bl := &g.Blocks[k]
		bl.succ[0] = int32(len(g.succs))
		last := bl.End - 1
		in := &g.Insns[last]
		if continues(in) {
			if bl.End < g.Funcs[bl.Func].End {
				g.succs = append(g.succs, int32(k+1))
			} else {
				bl.FallsThrough = true
			}
		}
		if isJump(in) {
			b.jump(bl, last)
		}
		bl.succ[1] = int32(len(g.succs))
		for _, s := range g.succs[bl.succ[0]:] {
			incoming[s+1]++
		}
	}
	for k := range g.Blocks { // sums become places
		incoming[k+1] += incoming[k]
		g.Blocks[k].pred = [2]int32{incoming[k], incoming[k]}
	}
	g.preds = make([]int32, len(g.succs))
	for k := range g.Blocks {
		for _, s := range g.Succs(k) {
			p := &g.Blocks[s].pred
			g.preds[p[1]] = int32(k)
			p[1]++
		}
	}
}

// jump adds the edge of a jump to its target.
func (b *grapher) jump(bl *Block, insn int) {
	g := b.g
	if g.Insns[insn].Op == asm.OpJumpReg {
		g.Funcs[bl.Func].HasIndirectJump = b.entries == nil
		for _, to := range b.entries {
			if t := g.blockOf[to]; g.Blocks[t].Func == bl.Func {
				g.succs = append(g.succs, t)
			}
		}
		return
	}
	to := b.targets[insn]
	if to < 0 {
		return
	}
	t := g.blockOf[to]
	if g.Blocks[t].Func != bl.Func {
		g.invalid = append(g.invalid, Diagnostic{Kind: FindJumpLeaves, Insn: insn})
		return
	}
	g.succs = append(g.succs, t)
}

// calls finds the calls between functions.
func (b *grapher) calls() {
	g := b.g
	for i, to := range b.targets {
		in := &g.Insns[i]
		f := &g.Funcs[g.FuncOf(i)]
		if in.Flags&asm.Raw != 0 {
			f.HasIndirectJump = true
		}
		if to >= 0 && !isJump(in) {
			f.Calls = append(f.Calls, LocalCall{Insn: i, Func: g.FuncOf(int(to)), Address: in.Op == asm.OpLoadImm64})
		}
	}
}

// reach marks what control can get to.
func (g *Graph) reach() {
	todo := []int{0} // functions
	g.Funcs[0].Reachable = true
	for i := 1; i < len(g.Funcs) && g.anyCall; i++ {
		g.Funcs[i].Reachable = true
		todo = append(todo, i)
	}
	var blocks []int32
	for len(todo) > 0 {
		f := &g.Funcs[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		blocks = append(blocks, int32(f.Block))
		if f.HasIndirectJump {
			for k := range f.Blocks {
				blocks = append(blocks, int32(f.Block+k))
			}
		}
		for len(blocks) > 0 {
			k := int(blocks[len(blocks)-1])
			blocks = blocks[:len(blocks)-1]
			if g.Blocks[k].Reachable {
				continue
			}
			g.Blocks[k].Reachable = true
			blocks = append(blocks, g.Succs(k)...)
		}
		for _, c := range f.Calls {
			if g.Blocks[g.blockOf[c.Insn]].Reachable && !g.Funcs[c.Func].Reachable {
				g.Funcs[c.Func].Reachable = true
				todo = append(todo, c.Func)
			}
		}
	}
}

// ReversePostorder returns the blocks of the program, function by function, such that a block comes
// before those that follow it, loops apart. Unreachable blocks come first in their function.
func (g *Graph) ReversePostorder() []int32 {
	out := make([]int32, len(g.Blocks))
	seen := make([]bool, len(g.Blocks))
	next := make([]int32, len(g.Blocks)) // successors that were looked at
	var stack []int32
	for fi := range g.Funcs {
		f := &g.Funcs[fi]
		at := f.Block + f.Blocks
		for k := f.Block; k < f.Block+f.Blocks; k++ {
			if seen[k] {
				continue
			}
			seen[k] = true
			stack = append(stack, int32(k))
			for len(stack) > 0 {
				b := stack[len(stack)-1]
				succs := g.Succs(int(b))
				if int(next[b]) == len(succs) {
					at--
					out[at] = b
					stack = stack[:len(stack)-1]
					continue
				}
				s := succs[next[b]]
				next[b]++
				if !seen[s] {
					seen[s] = true
					stack = append(stack, s)
				}
			}
		}
	}
	return out
}
