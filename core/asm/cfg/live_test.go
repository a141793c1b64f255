package cfg

import (
	"math/rand/v2"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

func TestLive(t *testing.T) {
	g := graph(t, `
	r6 = r1
	r7 = 5
	r8 = 6
	r8 += 1
	if r6 == 0 goto L1
	r0 = r7
	goto L2
L1:	r0 = 1
L2:	r9 = r0
	call bpf_ktime_get_ns#5
	exit`)
	l := g.Live()
	for i, want := range []asm.RegSet{
		asm.Regs(asm.R6), asm.Regs(asm.R6), asm.Regs(asm.R6), asm.Regs(asm.R6), 0, 0, 0, 0, 0, asm.Regs(asm.R0), 0, // r7 is only copied to what nobody reads
	} {
		if got := l.After(i); got != want {
			t.Errorf("after insn %d: %v, want %v", i, got, want)
		}
	}
	dead := map[int]bool{}
	for k := range g.Blocks {
		l.Block(k, func(i int, after asm.RegSet) {
			if after != l.After(i) {
				t.Errorf("insn %d: Block says %v, After %v", i, after, l.After(i))
			}
			if g.Insns[i].Dead(after) {
				dead[i] = true
			}
		})
	}
	// r0 is dead because the call replaces it, and then the value that it was made of.
	for i, want := range map[int]bool{0: false, 1: true, 2: true, 3: true, 5: true, 7: true, 8: true, 9: false} {
		if dead[i] != want {
			t.Errorf("insn %d, %v: dead is %v", i, g.Insns[i], dead[i])
		}
	}
}

// TestLiveRandom holds liveness against its equations.
func TestLiveRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for range 200 {
		g, err := New(randomProgram(random, 2+random.IntN(100)), nil)
		if err != nil {
			t.Fatal(err)
		}
		l := g.Live()
		for k := range g.Blocks {
			want := asm.RegSet(0)
			if g.Blocks[k].FallsThrough {
				want = asm.AllRegs
			}
			for _, s := range g.Succs(k) {
				want |= liveBefore(&g.Insns[g.Blocks[s].Start], l.After(g.Blocks[s].Start))
			}
			if got := l.After(g.Blocks[k].End - 1); got != want {
				t.Fatalf("after block %d: %v, want %v\n%s", k, got, want, flow(g))
			}
		}
	}
}
