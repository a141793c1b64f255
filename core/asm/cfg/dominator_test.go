package cfg

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestDominators(t *testing.T) {
	g := graph(t, `
	.func main
	if r1 == 0 goto L1
	r0 = 1
	goto L2
L1:	r0 = 2
L2:	if r0 == 0 goto L1
	call f
	exit
	r0 = 5
	goto L2
	.func f
	exit`)
	d := g.Dominators()
	var got []int
	for k := range g.Blocks {
		got = append(got, d.Immediate(k))
	}
	if want := []int{-1, 0, 0, 0, 3, -1, -1}; !slices.Equal(got, want) {
		t.Errorf("immediate dominators %v, want %v\n%s", got, want, flow(g))
	}
	for _, tt := range []struct {
		a, b int
		want bool
	}{{0, 0, true}, {0, 4, true}, {3, 4, true}, {1, 3, false}, {4, 3, false}, {0, 6, false}, {6, 6, true}, {5, 5, false}, {0, 5, false}} {
		if got := d.Dominates(tt.a, tt.b); got != tt.want {
			t.Errorf("Dominates(%d, %d) = %v", tt.a, tt.b, got)
		}
	}
}

// TestDominatorsIndirectJump has jumps that nobody knows: any block may be their target.
func TestDominatorsIndirectJump(t *testing.T) {
	g := graph(t, `
	if r1 == 0 goto L1
	gotox r2
	r0 = 1
	if r0 == 0 goto L1
	r0 = 2
L1:	exit`)
	d := g.Dominators()
	for k := range g.Blocks {
		want := 0
		if k == 0 {
			want = -1
		}
		if got := d.Immediate(k); got != want || k > 1 && d.Dominates(1, k) || !d.Dominates(0, k) {
			t.Errorf("block %d has immediate dominator %d, want %d", k, got, want)
		}
	}
}

// dominates answers by definition: b cannot be reached from its function when a is taken out.
func dominates(g *Graph, a, b int) bool {
	root := g.Funcs[g.Blocks[b].Func].Block
	if g.Funcs[g.Blocks[b].Func].HasIndirectJump {
		return a == b || a == root
	}
	reach := func(without int) bool {
		seen := make([]bool, len(g.Blocks))
		todo := []int32{int32(root)}
		for len(todo) > 0 {
			k := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if seen[k] || int(k) == without {
				continue
			}
			if int(k) == b {
				return true
			}
			seen[k] = true
			todo = append(todo, g.Succs(int(k))...)
		}
		return false
	}
	return reach(-1) && (a == b || !reach(a))
}

func TestDominatorsRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for range 150 {
		g, err := New(randomProgram(random, 2+random.IntN(60)), nil)
		if err != nil {
			t.Fatal(err)
		}
		d := g.Dominators()
		for a := range g.Blocks {
			for b := range g.Blocks {
				if got, want := d.Dominates(a, b), dominates(g, a, b); got != want {
					t.Fatalf("Dominates(%d, %d) = %v, want %v\n%s", a, b, got, want, flow(g))
				}
			}
		}
		for b := range g.Blocks {
			i := d.Immediate(b)
			for a := range g.Blocks {
				if a != b && d.Dominates(a, b) && (i < 0 || !d.Dominates(a, i)) {
					t.Fatalf("block %d dominates %d, but not its immediate dominator %d\n%s", a, b, i, flow(g))
				}
			}
		}
	}
}
