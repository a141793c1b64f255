package fuel

import (
	"math"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
)

// maxChain is how much calls may hold that take nothing from the stack, in values.
const maxChain = 128

// graph says which functions take from the stack when they are called. Not all have to: every
// endless recursion goes through a call of a table entry, or around a cycle of direct calls. So
// those that call table entries do, one function of each cycle does, and in between one whenever
// those before it hold more than maxChain.
type graph struct {
	takes []bool   // of each function with code
	holds []uint32 // values that a call of it and of functions below it that take nothing hold at most
	taken uint32   // the most that a call of a table entry holds that is not taken by it
	costs []uint32 // fuel that a call of it takes at most; unbounded where that is not known
}

// unbounded is the cost of a function that loops, is recursive, calls table entries or has operations on
// much memory.
const unbounded = math.MaxUint32

// newGraph walks through the direct calls of a module, depth first.
func newGraph(m *module.Module) *graph {
	n := len(m.Bodies)
	g := &graph{takes: make([]bool, n), holds: make([]uint32, n), costs: make([]uint32, n)}
	s := search{m: m, g: g, first: firstMarks(m), state: make([]uint8, n)}
	for i := range n {
		if s.state[i] == unseen {
			s.walk(i)
		}
	}
	return g
}

// firstMarks returns for each body the index of the first mark in it.
func firstMarks(m *module.Module) []int32 {
	first := make([]int32, len(m.Bodies))
	for i := range m.Marks {
		if m.Marks[i].Kind == module.Start {
			first[m.Marks[i].Arg] = int32(i) + 1
		}
	}
	return first
}

// search is a depth-first search without recursion.
type search struct {
	m     *module.Module
	g     *graph
	first []int32
	state []uint8
	path  []visit
}

// The states of a function.
const (
	unseen = iota
	open   // on the path
	done
)

// visit is a function on the path, with the mark that comes next.
type visit struct{ fn, next int32 }

// walk visits what can be reached from a function by direct calls.
func (s *search) walk(from int) {
	s.enter(int32(from))
	for len(s.path) > 0 {
		v := &s.path[len(s.path)-1]
		callee := s.nextCallee(v)
		switch {
		case callee < 0:
			s.leave(v.fn)
		case s.state[callee] == open:
			s.g.takes[callee] = true
			s.g.costs[v.fn] = unbounded
		case s.state[callee] == unseen:
			s.enter(callee)
		default:
			s.g.carry(v.fn, callee)
		}
	}
}

func (s *search) enter(fn int32) {
	s.state[fn] = open
	s.g.takes[fn] = s.m.Bodies[fn].Indirect
	s.path = append(s.path, visit{fn, s.first[fn]})
}

// nextCallee returns the next function that is called directly and has code; -1 is none.
func (s *search) nextCallee(v *visit) int32 {
	end := uint32(s.m.Bodies[v.fn].End)
	for marks := s.m.Marks; int(v.next) < len(marks) && marks[v.next].Pos < end; {
		mark := &marks[v.next]
		v.next++
		if mark.Kind == module.Index && int(mark.Arg) >= len(s.m.Imports) {
			return int32(int(mark.Arg) - len(s.m.Imports))
		}
	}
	return -1
}

// leave finishes a function, and what it holds becomes part of what its caller on the path holds.
func (s *search) leave(fn int32) {
	b := &s.m.Bodies[fn]
	s.g.holds[fn] += b.Frame + frameOverhead
	if s.g.add(fn, b.Cost); b.Loops || b.CallLoop || b.Indirect || b.Bulk {
		s.g.costs[fn] = unbounded
	}
	if s.g.holds[fn] > maxChain {
		s.g.takes[fn] = true
	}
	if !s.g.takes[fn] {
		s.g.taken = max(s.g.taken, s.g.holds[fn])
	}
	s.state[fn] = done
	if s.path = s.path[:len(s.path)-1]; len(s.path) > 0 {
		s.g.carry(s.path[len(s.path)-1].fn, fn)
	}
}

// add adds to the cost of a function.
func (g *graph) add(fn int32, cost uint32) {
	g.costs[fn] = uint32(min(uint64(g.costs[fn])+uint64(cost), unbounded))
}

// carry notes that a function calls another one. Until a function is left, holds and costs are what
// those below it hold and cost.
func (g *graph) carry(caller, callee int32) {
	g.add(caller, g.costs[callee])
	if !g.takes[callee] {
		g.holds[caller] = max(g.holds[caller], g.holds[callee])
	}
}

// metered reports whether a function takes fuel.
func (g *graph) metered(i int) bool { return g.takes[i] || g.costs[i] > small }

// frame returns what a call of a function takes from the stack.
func (g *graph) frame(b *module.Body, i int) int64 {
	below := g.holds[i]
	if b.Indirect {
		below = max(below, b.Frame+frameOverhead+g.taken)
	}
	return int64(below)
}
