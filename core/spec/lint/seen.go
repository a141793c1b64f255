package lint

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
)

// seen tells which instructions every kernel looks at. Kernels follow both ways out of a condition,
// but where its outcome is known when the program is loaded, only one: such conditions guard what
// not every kernel has. The loader fills in what CO-RE records, configuration values and addresses
// of symbols come to. So an instruction is looked at for certain if it is reached whatever the
// outcome of each condition on such values.
type seen struct {
	g      *cfg.Graph
	k      *cfg.Constants
	out    [][]int32 // by block: where control may go, as far as conditions are known
	guard  []bool    // by block: it ends in a condition on what the loader fills in
	inFunc []answer  // by block: control gets there from the start of its function
	dom    *cfg.Dominators
	budget int // of blocks that fromEntry may still visit
}

// answer is what is known of a question.
type answer uint8

const (
	unasked answer = iota
	no
	yes
	unknown // whether control gets there is not found out
)

// workPerBlock bounds the work to a multiple of the size of the program. What is not found out by
// then is unknown.
const workPerBlock = 64

// newSeen follows a program whose blocks end in a condition on what the loader fills in by guard;
// without it, where the constants say so for certain.
func newSeen(k *cfg.Constants, g *cfg.Graph, guard []bool) *seen {
	n := len(g.Blocks)
	s := &seen{g: g, k: k, dom: g.Dominators(), out: make([][]int32, n), guard: make([]bool, n), inFunc: make([]answer, n), budget: workPerBlock * (n + workPerBlock)}
	for k := range g.Blocks {
		s.out[k] = g.Succs(k)
		if len(s.out[k]) != 2 {
			continue
		}
		last := g.Blocks[k].End - 1
		fixed := false
		s.k.Block(k, func(i int, before *[asm.R10]cfg.Value) {
			if i < last {
				return
			}
			if taken, known := s.k.Branch(i, before); known {
				if s.out[k] = g.Succs(k)[:1]; taken {
					s.out[k] = g.Succs(k)[1:]
				}
			}
			fixed = s.k.BranchFixed(i, before)
		})
		s.guard[k] = len(s.out[k]) == 2 && (fixed || guard != nil && guard[k])
	}
	s.before()
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

// called returns the functions that control gets to when it gets to those of some names, as it does
// to the first: by answers that are yes or also.
func (s *seen) called(also answer, names ...string) []bool {
	funcs := make([]bool, len(s.g.Funcs))
	todo := []int{0}
	for i := range s.g.Funcs {
		if name := s.g.Funcs[i].Name; i > 0 && name != "" && slices.Contains(names, name) {
			todo = append(todo, i)
		}
	}
	for _, i := range todo {
		funcs[i] = true
	}
	for len(todo) > 0 {
		f := &s.g.Funcs[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		for _, c := range f.Calls {
			if funcs[c.Func] {
				continue
			}
			if a := s.reaches(s.g.BlockOf(c.Insn)); a == yes || a == also {
				funcs[c.Func] = true
				todo = append(todo, c.Func)
			}
		}
	}
	return funcs
}

// reaches says whether control gets from the start of its function to a block whatever the outcome
// of guards.
func (s *seen) reaches(k int) answer {
	var asked []int // blocks that control has to go through, the last first
	for b := k; b >= 0 && s.inFunc[b] == unasked; b = s.dom.Immediate(b) {
		asked = append(asked, b)
	}
	for _, b := range slices.Backward(asked) {
		if up := s.dom.Immediate(b); !s.k.Entered(b) || up >= 0 && s.inFunc[up] == no {
			s.inFunc[b] = no
		} else {
			s.inFunc[b] = s.fromEntry(b)
		}
	}
	return s.inFunc[k]
}

// fromEntry finds what reaches returns: control gets there from a block if it does from one of those
// that follow, of a guard from both.
func (s *seen) fromEntry(k int) answer {
	if s.g.Funcs[s.g.Blocks[k].Func].HasIndirectJump {
		return unknown
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
			if s.inFunc[from] == yes {
				return yes
			}
			marked[from] = true
			todo = append(todo, from)
		}
	}
	if s.budget <= 0 {
		return unknown
	}
	return no
}
