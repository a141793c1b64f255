package lint

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/opt"
)

// seen tells which instructions every kernel looks at. Kernels follow both ways out of a condition,
// but where its outcome is known when the program is loaded, only one: such conditions guard what
// not every kernel has. The loader fills in what CO-RE records, configuration values and addresses
// of symbols come to. So an instruction is looked at for certain if it is reached whatever the
// outcome of each condition on such values.
type seen struct {
	g      *cfg.Graph
	k      *cfg.Constants
	throws bool      // control may leave at calls of bpf_throw
	out    [][]int32 // by block: where control may go, as far as conditions are known
	guard  []bool    // by block: it ends in a condition on what the loader fills in
	inFunc []answer  // by block: control gets there from the start of its function
	funcs  []bool    // by function: it is called
	budget int       // of blocks that fromEntry may still visit
}

// answer is what is known of a question.
type answer uint8

const (
	unasked answer = iota
	no
	yes
)

// workPerBlock bounds the work to a multiple of the size of the program. What is not found out by
// then is not certain.
const workPerBlock = 64

func newSeen(c *spec.Collection, p *spec.Program, g *cfg.Graph) *seen {
	n := len(g.Blocks)
	s := &seen{
		g: g, k: opt.Constants(c, p, g), out: make([][]int32, n), guard: make([]bool, n),
		inFunc: make([]answer, n), budget: workPerBlock * (n + workPerBlock),
	}
	for i := range g.Insns {
		s.throws = s.throws || isThrow(&g.Insns[i])
	}
	tainted := taint(c, p, g)
	for k := range g.Blocks {
		s.out[k] = g.Succs(k)
		if len(s.out[k]) != 2 {
			continue
		}
		last := g.Blocks[k].End - 1
		s.k.Block(k, func(i int, before *[asm.R10]cfg.Value) {
			if taken, known := s.k.Branch(i, before); known && i == last {
				if s.out[k] = g.Succs(k)[:1]; taken {
					s.out[k] = g.Succs(k)[1:]
				}
			}
		})
		s.guard[k] = len(s.out[k]) == 2 && tainted[k]
	}
	s.before()
	s.called(p.Exception)
	return s
}

// before marks the blocks that control gets to before any guard.
func (s *seen) before() {
	for i := range s.g.Funcs {
		f := &s.g.Funcs[i]
		if s.inFunc[f.Block] = yes; f.HasIndirectJump {
			continue
		}
		todo := []int32{int32(f.Block)}
		for len(todo) > 0 {
			k := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if s.guard[k] {
				continue
			}
			for _, to := range s.out[k] {
				if s.inFunc[to] == unasked {
					s.inFunc[to] = yes
					todo = append(todo, to)
				}
			}
		}
	}
}

// called finds the functions that are called for certain: by the program, or by bpf_throw.
func (s *seen) called(handler string) {
	s.funcs = make([]bool, len(s.g.Funcs))
	todo := []int{0}
	for i := range s.g.Funcs {
		if i > 0 && handler != "" && s.g.Funcs[i].Name == handler {
			todo = append(todo, i)
		}
	}
	for _, i := range todo {
		s.funcs[i] = true
	}
	for len(todo) > 0 {
		f := &s.g.Funcs[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		for _, c := range f.Calls {
			if !s.funcs[c.Func] && s.reaches(s.g.BlockOf(c.Insn)) {
				s.funcs[c.Func] = true
				todo = append(todo, c.Func)
			}
		}
	}
}

// insn reports whether every kernel looks at an instruction.
func (s *seen) insn(i int) bool { return !s.throws && s.reaches(s.g.BlockOf(i)) }

// reaches reports whether control gets to a block whatever the outcome of guards.
func (s *seen) reaches(k int) bool {
	if !s.funcs[s.g.Blocks[k].Func] || !s.k.Entered(k) {
		return false
	}
	if s.inFunc[k] == unasked {
		s.inFunc[k] = no
		if s.fromEntry(k) {
			s.inFunc[k] = yes
		}
	}
	return s.inFunc[k] == yes
}

// fromEntry reports whether control gets from the start of its function to a block whatever the
// outcome of guards: from a block it does if it does from one of those that follow, of a guard from
// both.
func (s *seen) fromEntry(k int) bool {
	entry := s.g.Funcs[s.g.Blocks[k].Func].Block
	if k == entry {
		return true
	}
	if s.g.Funcs[s.g.Blocks[k].Func].HasIndirectJump {
		return false
	}
	todo := []int32{int32(k)}
	marked := map[int32]bool{int32(k): true}
	ways := make(map[int32]int)
	for len(todo) > 0 && s.budget > 0 {
		b := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, from := range s.g.Preds(int(b)) {
			s.budget--
			if marked[from] || !s.k.Entered(int(from)) || !slices.Contains(s.out[from], b) {
				continue
			}
			ways[from]++
			if s.guard[from] && ways[from] < 2 {
				continue
			}
			if int(from) == entry {
				return true
			}
			marked[from] = true
			todo = append(todo, from)
		}
	}
	return false
}
