package spec

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// randomInsn defines and refers to few labels and names, so that the same come again.
func randomInsn(r *rand.Rand) Insn {
	in := mov(int32(r.Uint32()))
	switch r.IntN(8) {
	case 0:
		in.Insn = asm.JumpImm(asm.Equal, asm.R0, 1, asm.Label(1+r.IntN(50)))
	case 1:
		in.Insn = asm.CallFunc(fmt.Sprint("f", r.IntN(20)))
	case 2:
		in.Insn = asm.LoadMap(asm.R1, fmt.Sprint("m", r.IntN(20)))
	}
	if r.IntN(4) == 0 {
		in.Label = asm.Label(1 + r.IntN(50))
	}
	if r.IntN(40) == 0 {
		in.Func = &btf.FuncInfo{Name: fmt.Sprint("f", r.IntN(20))}
	}
	if r.IntN(40) == 0 {
		in.Line = btf.NewLineInfo("a.c", "", uint32(r.IntN(100)), 1)
	}
	return in
}

// sameAsList holds everything that a rope says against the instructions that it should have.
func sameAsList(t *testing.T, r *rope, want []Insn) {
	t.Helper()
	if r.n != len(want) || !slices.Equal(r.part(0, r.n), want) {
		t.Fatalf("the rope has %d instructions, other than the %d that it should", r.n, len(want))
	}
	var sum summary
	for i := range want {
		sum.add(newChunks(want[i : i+1])[0].summary)
	}
	if got := r.summary(); got != sum {
		t.Fatalf("summary %+v, want %+v", got, sum)
	}
	labels, jumps := map[asm.Label][]int{}, map[asm.Label][]int{}
	funcs, users := map[string][]int{}, map[string][]int{}
	for i, in := range want {
		labels[in.Label] = append(labels[in.Label], i)
		switch in.Ref {
		case asm.RefLabel:
			jumps[in.Target] = append(jumps[in.Target], i)
		case asm.RefMap:
			users[in.Symbol] = append(users[in.Symbol], i)
		}
		if in.Func != nil {
			funcs[in.Func.Name] = append(funcs[in.Func.Name], i)
		}
	}
	same := func(what any, got iter.Seq[int], want []int) {
		t.Helper()
		if got := slices.Collect(got); !slices.Equal(got, want) {
			t.Fatalf("%v is found at %v, want %v", what, got, want)
		}
	}
	for l := asm.Label(1); l < 52; l++ {
		same(l, r.labelled(l), labels[l])
		same(l, r.jumps(l), jumps[l])
	}
	for k := range 21 {
		f, m := fmt.Sprint("f", k), fmt.Sprint("m", k)
		same(f, r.starting(f), funcs[f])
		same(m, r.referring(m, asm.RefMap), users[m])
	}
	for i := 0; i < r.n; i += 1 + r.n/50 {
		start := i
		for start >= 0 && want[start].Func == nil {
			start--
		}
		if got := r.before(i, func(s summary) bool { return s.funcs }, func(in *Insn) bool { return in.Func != nil }); got != start || *r.at(i) != want[i] {
			t.Fatalf("before %d a function starts at %d, want %d", i, got, start)
		}
	}
}

// TestRope holds edits of a rope against those of a slice, small ones and such as add or take whole
// blocks. What was there before an edit stays as it was.
func TestRope(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		some := func(n int) []Insn {
			out := make([]Insn, n)
			for i := range out {
				out[i] = randomInsn(r)
			}
			return out
		}
		list := some([]int{0, 1, 70, 3000, 6000, 9000}[seed])
		code := newRope(slices.Clone(list))
		for step := range 20 {
			before, was := code, list
			at := r.IntN(len(list) + 1)
			del := min(r.IntN(4), len(list)-at)
			add := some(r.IntN(4))
			switch step % 20 {
			case 7:
				add = some(5000)
			case 13:
				del = r.IntN(len(list) - at + 1)
			case 19:
				at, del, add = 0, len(list)*step/20, nil
			}
			list = slices.Replace(slices.Clone(list), at, at+del, add...)
			code = code.splice(at, del, add)
			sameAsList(t, code, list)
			if step%10 == 0 {
				sameAsList(t, before, was)
			}
			changed := slices.Collect(code.jumps(7))
			code = code.update(changed, func(in *Insn) { in.SetTarget(9) })
			list = slices.Clone(list)
			for _, i := range changed {
				list[i].SetTarget(9)
			}
			sameAsList(t, code, list)
		}
		for _, b := range code.blocks {
			if len(b.chunks) > maxBlock || len(b.chunks) == 0 {
				t.Errorf("a block of %d chunks", len(b.chunks))
			}
		}
		if limit := 8 + 4*len(list)/maxChunk/maxBlock*4; len(code.blocks) > limit {
			t.Errorf("%d blocks of %d instructions", len(code.blocks), len(list))
		}
	}
}

// TestRopeStaysDense holds that what deletions leave is put together.
func TestRopeStaysDense(t *testing.T) {
	list := make([]Insn, 40_000)
	for i := range list {
		list[i] = mov(int32(i))
	}
	c := NewInsns(list...)
	p := &Program{Name: "p", Insns: c}
	for at := 0; p.Insns.Len() > 400; at = (at + 97) % (p.Insns.Len() - 1) {
		if err := p.Delete(at, 1); err != nil {
			t.Fatal(err)
		}
	}
	chunks := 0
	for _, b := range p.Insns.rope.blocks {
		chunks += len(b.chunks)
	}
	if blocks := len(p.Insns.rope.blocks); chunks > 400/4 || blocks > 10 {
		t.Errorf("400 instructions are in %d chunks in %d blocks", chunks, blocks)
	}
	if c.Len() != len(list) || c.At(39_999) != list[39_999] {
		t.Error("the instructions that were there before changed")
	}
}

// TestRopeShared has goroutines edit and read clones that share a rope: the race detector watches.
func TestRopeShared(t *testing.T) {
	p := &Program{Name: "p", Insns: NewInsns(mov(1), mov(2))}
	for i := range 3000 {
		in := mov(int32(i))
		in.Label = asm.Label(i + 1)
		if err := p.Insert(i/2, in); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for k := range 4 {
		all.Go(func() {
			c := p.Clone()
			for i := range 200 {
				in := Insn{Insn: asm.Jump(asm.Label(1 + i))}
				if err := c.Splice(k*300, i%2, []Insn{in}, SpliceOptions{}); err != nil {
					t.Error(err)
				}
				if p.FindLabel(asm.Label(1+i)) < 0 || p.Insns.Len() != 3002 {
					t.Error("the shared program changed")
				}
			}
		})
	}
	all.Wait()
}
