package btf

import (
	"cmp"
	"slices"
)

// graph is which nodes refer to which, in both directions. The edges of a node are numbered from 0.
type graph struct {
	outAt []uint32 // the edges of node n are to[outAt[n]:outAt[n+1]]
	to    []uint32
	inAt  []uint32 // the edges into node n are from and number[inAt[n]:inAt[n+1]]
	from  []uint32
	num   []uint32
}

// reverse fills in the edges into each node. Edges lead to where alias says.
func (g *graph) reverse(alias []uint32) {
	n := len(g.outAt) - 1
	g.inAt, g.from, g.num = make([]uint32, n+1), make([]uint32, len(g.to)), make([]uint32, len(g.to))
	for _, to := range g.to {
		g.inAt[alias[to]+1]++
	}
	for i := range n {
		g.inAt[i+1] += g.inAt[i]
	}
	next := slices.Clone(g.inAt)
	for i := range n {
		for e := g.outAt[i]; e < g.outAt[i+1]; e++ {
			to := alias[g.to[e]]
			g.from[next[to]], g.num[next[to]] = uint32(i), e-g.outAt[i]
			next[to]++
		}
	}
}

// partition is nodes divided into classes. Refine divides them further until the nodes of a class cannot be told
// apart: the nth edges of all of them lead into one class. It is Hopcroft's way of minimising automata, in
// which only the smaller parts of a class that was divided are looked at again, so that a graph with n edges
// takes n·log n steps whatever its depth.
type partition struct {
	elem       []uint32 // nodes, class by class
	place      []uint32 // of each node in elem
	class      []uint32 // of each node
	begin, end []uint32 // bounds of each class in elem

	queue  []uint32 // classes to be looked at
	queued []bool
	sig    []uint64 // of each node: by which edges it refers to the class looked at; 0 if it does not
	hits   []hit
}

// hit is a node that refers to the class that is looked at.
type hit struct {
	class uint32
	node  uint32
	sig   uint64
}

// newPartition divides nodes by a first guess, in which classes are numbered from 0 to count-1.
func newPartition(class []uint32, count int) *partition {
	n := len(class)
	p := &partition{
		elem: make([]uint32, n), place: make([]uint32, n), class: slices.Clone(class),
		begin: make([]uint32, count), end: make([]uint32, count), queued: make([]bool, count), sig: make([]uint64, n),
	}
	for _, c := range class {
		p.end[c]++
	}
	at := uint32(0)
	for c := range count {
		p.begin[c], at = at, at+p.end[c]
		p.end[c] = p.begin[c]
	}
	for i, c := range class {
		p.elem[p.end[c]], p.place[i] = uint32(i), p.end[c]
		p.end[c]++
	}
	return p
}

// refine divides classes until that changes nothing.
func (p *partition) refine(g *graph) {
	for c := range p.begin {
		p.push(uint32(c))
	}
	for len(p.queue) > 0 {
		c := p.queue[len(p.queue)-1]
		p.queue, p.queued[c] = p.queue[:len(p.queue)-1], false
		p.mark(g, c)
		for i := 0; i < len(p.hits); {
			j := i + 1
			for j < len(p.hits) && p.hits[j].class == p.hits[i].class {
				j++
			}
			p.divide(p.hits[i:j])
			i = j
		}
		for _, h := range p.hits {
			p.sig[h.node] = 0
		}
	}
}

func (p *partition) push(c uint32) {
	if !p.queued[c] {
		p.queued[c] = true
		p.queue = append(p.queue, c)
	}
}

// mark finds the nodes that refer to a class, sorted by their own class and by how they do.
func (p *partition) mark(g *graph, c uint32) {
	p.hits = p.hits[:0]
	for _, to := range p.elem[p.begin[c]:p.end[c]] {
		for e := g.inAt[to]; e < g.inAt[to+1]; e++ {
			n := g.from[e]
			if k := p.class[n]; p.end[k]-p.begin[k] == 1 {
				continue
			} else if p.sig[n] == 0 {
				p.hits = append(p.hits, hit{class: k, node: n})
			}
			p.sig[n] = p.sig[n] + scramble(uint64(g.num[e]))<<1 | 1 // never 0
		}
	}
	for i := range p.hits {
		h := &p.hits[i]
		h.sig = p.sig[h.node]
	}
	slices.SortFunc(p.hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.sig, b.sig), cmp.Compare(a.node, b.node))
	})
}

// scramble makes numbers whose sums do not meet by chance.
func scramble(v uint64) uint64 {
	v = (v + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>29) * 0x94d049bb133111eb
	return v ^ v>>32
}

// divide divides one class by the hits in it. The largest part keeps the number of the class.
func (p *partition) divide(hits []hit) {
	c := hits[0].class
	rest := p.end[c] - p.begin[c] - uint32(len(hits))
	if rest == 0 && hits[0].sig == hits[len(hits)-1].sig {
		return
	}
	// Nodes that were hit go to the front of the class, in the order of hits.
	at := p.begin[c]
	for i, h := range hits {
		p.swap(p.place[h.node], at+uint32(i))
	}
	end := p.end[c]
	large, size := c, rest // the class of the largest part
	p.begin[c] = at + uint32(len(hits))
	again := p.queued[c]
	var fresh []uint32
	for i := 0; i < len(hits); {
		j := i + 1
		for j < len(hits) && hits[j].sig == hits[i].sig {
			j++
		}
		k := c
		if rest == 0 && i == 0 { // nothing is left to keep the number
			p.begin[c], p.end[c] = at, at+uint32(j)
		} else {
			k = p.add(at+uint32(i), at+uint32(j))
			fresh = append(fresh, k)
		}
		if uint32(j-i) > size {
			large, size = k, uint32(j-i)
		}
		i = j
	}
	if rest > 0 {
		p.end[c] = end
	}
	if large != c && !again {
		p.push(c)
	}
	for _, k := range fresh {
		if k != large || again {
			p.push(k)
		}
	}
}

// add makes a class of a part of elem.
func (p *partition) add(begin, end uint32) uint32 {
	k := uint32(len(p.begin))
	p.begin, p.end, p.queued = append(p.begin, begin), append(p.end, end), append(p.queued, false)
	for _, n := range p.elem[begin:end] {
		p.class[n] = k
	}
	return k
}

func (p *partition) swap(i, j uint32) {
	a, b := p.elem[i], p.elem[j]
	p.elem[i], p.elem[j] = b, a
	p.place[a], p.place[b] = j, i
}
