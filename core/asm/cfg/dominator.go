package cfg

// Dominators is the dominator tree of a graph: a block dominates another when control can get to
// that one only through it. The roots are the first blocks of the functions; blocks that the first
// block of their function does not lead to are in no tree.
type Dominators struct {
	idom []int32    // by block; -1 for roots and for blocks in no tree
	span [][2]int32 // by block: when it is entered and left on a walk through the tree; 0, 0 is in no tree
}

// Immediate returns the nearest block that dominates another one, or -1 for the first block of a
// function and for blocks that cannot be reached from there.
func (d *Dominators) Immediate(block int) int { return int(d.idom[block]) }

// Dominates reports whether block a dominates block b. A block dominates itself.
func (d *Dominators) Dominates(a, b int) bool {
	return d.span[a][0] != 0 && d.span[a][0] <= d.span[b][0] && d.span[b][1] <= d.span[a][1]
}

// dominance is the state of the algorithm of Lengauer and Tarjan (A Fast Algorithm for Finding
// Dominators in a Flowgraph, 1979), without recursion. Vertices are numbered in the order of a
// depth-first walk, from 1; 0 is a root above all functions.
type dominance struct {
	g        *Graph
	number   []int32 // by block: vertex, or 0
	block    []int32 // by vertex
	parent   []int32 // by vertex: in the walk
	semi     []int32 // by vertex
	idom     []int32 // by vertex
	ancestor []int32 // by vertex: in the forest, or -1
	label    []int32 // by vertex: that of the smallest semi on the way up
	bucket   []int32 // by vertex: first of those it is the semidominator of
	next     []int32 // by vertex: the next in the same bucket
	path     []int32
}

// Dominators finds the dominator tree. Time is n log n.
func (g *Graph) Dominators() *Dominators {
	s := &dominance{g: g, number: make([]int32, len(g.Blocks))}
	s.walk()
	n := len(s.block)
	s.semi, s.idom, s.ancestor, s.label = make([]int32, n), make([]int32, n), make([]int32, n), make([]int32, n)
	s.bucket, s.next = make([]int32, n), make([]int32, n)
	for v := range n {
		s.semi[v], s.label[v], s.ancestor[v] = int32(v), int32(v), -1
	}
	s.solve()
	d := &Dominators{idom: make([]int32, len(g.Blocks)), span: make([][2]int32, len(g.Blocks))}
	for k := range d.idom {
		d.idom[k] = -1
		if v := s.number[k]; v != 0 && s.idom[v] != 0 {
			d.idom[k] = s.block[s.idom[v]]
		}
	}
	d.number(s)
	return d
}

// walk numbers the blocks.
func (s *dominance) walk() {
	g := s.g
	s.block, s.parent = append(s.block, -1), append(s.parent, 0)
	seen := make([]int32, len(g.Blocks)) // successors that were looked at
	enter := func(k, parent int32) {
		s.number[k] = int32(len(s.block))
		s.block, s.parent = append(s.block, k), append(s.parent, parent)
	}
	for i := range g.Funcs {
		f := &g.Funcs[i]
		enter(int32(f.Block), 0)
		if f.HasIndirectJump {
			for k := f.Block + 1; k < f.Block+f.Blocks; k++ {
				enter(int32(k), s.number[f.Block])
			}
			continue
		}
		for v := s.number[f.Block]; v != 0; {
			k := s.block[v]
			succs := g.Succs(int(k))
			if int(seen[k]) == len(succs) {
				v = s.parent[v]
				continue
			}
			to := succs[seen[k]]
			seen[k]++
			if s.number[to] == 0 {
				enter(to, v)
				v = s.number[to]
			}
		}
	}
}

// solve computes semidominators and from them the immediate dominators.
func (s *dominance) solve() {
	for v := int32(len(s.block) - 1); v > 0; v-- {
		s.semi[v] = min(s.semi[v], s.parent[v]) // the root and the node of unknown jumps are not predecessors
		for _, p := range s.g.Preds(int(s.block[v])) {
			if u := s.number[p]; u != 0 {
				s.semi[v] = min(s.semi[v], s.semi[s.eval(u)])
			}
		}
		b := s.semi[v]
		s.next[v], s.bucket[b] = s.bucket[b], v
		p := s.parent[v]
		s.ancestor[v] = p
		for u := s.bucket[p]; u != 0; u = s.next[u] {
			w := s.eval(u)
			if s.semi[w] < s.semi[u] {
				s.idom[u] = w
			} else {
				s.idom[u] = p
			}
		}
		s.bucket[p] = 0
	}
	for v := int32(1); v < int32(len(s.block)); v++ {
		if s.idom[v] != s.semi[v] {
			s.idom[v] = s.idom[s.idom[v]]
		}
	}
}

// eval returns the vertex of the smallest semidominator on the way from v up to, but without, the
// root of its tree in the forest, and shortens that way.
func (s *dominance) eval(v int32) int32 {
	if s.ancestor[v] < 0 {
		return v
	}
	s.path = s.path[:0]
	for u := v; s.ancestor[s.ancestor[u]] >= 0; u = s.ancestor[u] {
		s.path = append(s.path, u)
	}
	for i := len(s.path) - 1; i >= 0; i-- {
		u := s.path[i]
		a := s.ancestor[u]
		if s.semi[s.label[a]] < s.semi[s.label[u]] {
			s.label[u] = s.label[a]
		}
		s.ancestor[u] = s.ancestor[a]
	}
	return s.label[v]
}

// number walks through the tree and notes when each block is entered and left.
func (d *Dominators) number(s *dominance) {
	n := int32(len(s.block))
	first, next := make([]int32, n), make([]int32, n) // children by vertex
	for v := n - 1; v > 0; v-- {
		next[v], first[s.idom[v]] = first[s.idom[v]], v
	}
	clock := int32(0)
	for v := first[0]; v != 0; {
		clock++
		d.span[s.block[v]][0] = clock
		if first[v] != 0 {
			v = first[v]
			continue
		}
		for v != 0 {
			d.span[s.block[v]][1] = clock
			if next[v] != 0 {
				v = next[v]
				break
			}
			v = s.idom[v]
		}
	}
}
