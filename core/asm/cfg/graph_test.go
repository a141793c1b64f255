package cfg

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/google/go-cmp/cmp"
)

// graph reads a program and finds its control flow.
func graph(t testing.TB, text string) *Graph {
	t.Helper()
	l, err := asm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	g, err := New(l.Insns, l.Funcs)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// flow writes down a graph: blocks with their instructions, successors and predecessors.
func flow(g *Graph) string {
	var b strings.Builder
	for i, f := range g.Funcs {
		fmt.Fprintf(&b, "func %q %d-%d", f.Name, f.Start, f.End)
		for _, c := range f.Calls {
			fmt.Fprintf(&b, " %d:%d", c.Insn, c.Func)
			if c.Address {
				b.WriteString("&")
			}
		}
		if f.HasIndirectJump {
			b.WriteString(" opaque")
		}
		if !f.Reachable {
			b.WriteString(" unreachable")
		}
		b.WriteString("\n")
		for k := f.Block; k < f.Block+f.Blocks; k++ {
			bl := g.Blocks[k]
			if bl.Func != i {
				b.WriteString("WRONG FUNCTION ")
			}
			fmt.Fprintf(&b, "  %d: %d-%d %v <%v", k, bl.Start, bl.End, g.Succs(k), g.Preds(k))
			if bl.FallsThrough {
				b.WriteString(" falls")
			}
			if !bl.Reachable {
				b.WriteString(" unreachable")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func TestGraph(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"straight", "r0 = 1\nexit", `func "" 0-2
  0: 0-2 [] <[]
`},
		{"diamond", `
	if r1 == 0 goto L1
	r0 = 1
	goto L2
L1:	r0 = 2
L2:	exit`, `func "" 0-5
  0: 0-1 [1 2] <[]
  1: 1-3 [3] <[0]
  2: 3-4 [3] <[0]
  3: 4-5 [] <[1 2]
`},
		{"loop and unreachable", `
	r0 = 10
L1:	r0 += -1
	may_goto L2
	if r0 != 0 goto L1
L2:	exit
	r0 = 7
	gotol L2`, `func "" 0-7
  0: 0-1 [1] <[]
  1: 1-3 [2 3] <[0 2]
  2: 3-4 [3 1] <[1]
  3: 4-5 [] <[1 2 4]
  4: 5-7 [3] <[] unreachable
`},
		{"functions", `
	.func main
	call f
	r1 = func[g] ll
	exit
	.func f
	r0 = 0
	exit
	.func g
	r0 = 1
	.func unused
	exit`, `func "main" 0-3 0:1 1:2&
  0: 0-3 [] <[]
func "f" 3-5
  1: 3-5 [] <[]
func "g" 5-6
  2: 5-6 [] <[] falls
func "unused" 6-7 unreachable
  3: 6-7 [] <[] unreachable
`},
		{"gotox", `
	gotox r1
	r0 = 1
	exit`, `func "" 0-3 opaque
  0: 0-1 [] <[]
  1: 1-3 [] <[]
`},
		{"callx", `
	.func main
	callx r1
	exit
	.func f
	exit`, `func "main" 0-2
  0: 0-2 [] <[]
func "f" 2-3
  1: 2-3 [] <[]
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, flow(graph(t, tt.text))); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestGraphFixed checks displacements that are not labels, which count slots.
func TestGraphFixed(t *testing.T) {
	insns := []asm.Insn{
		{Op: 0x15, Dst: asm.R1, Off: 2},                    // 0: if r1 == 0 goto 2
		asm.LoadImm64(asm.R0, 1),                           // 1
		{Op: asm.OpCall, Src: asm.PseudoCall, Imm: 3},      // 2: call 5
		{Op: asm.OpLoadImm64, Src: asm.PseudoFunc, Imm: 2}, // 3: function at 5, after the second half and the exit
		asm.Exit(),                     // 4
		asm.Mov64Imm(asm.R0, 3),        // 5
		{Op: asm.OpJump, Off: -2},      // 6: goto 5
		{Op: asm.OpJump, Off: -8},      // 7: goto the second half of 1
		{Op: asm.OpJump, Off: 100},     // 8
		{Op: asm.OpJump, Off: -100},    // 9
		{Op: asm.OpJumpLong, Imm: -13}, // 10: goto 0, in another function
		asm.Exit(),                     // 11
	}
	g, err := New(insns, nil)
	if err != nil {
		t.Fatal(err)
	}
	var targets []int
	for i := range insns {
		targets = append(targets, g.Target(i))
	}
	if want := []int{2, -1, 5, 5, -1, -1, 5, -1, -1, -1, 0, -1}; !slices.Equal(targets, want) {
		t.Errorf("targets %v, want %v\n%s", targets, want, flow(g))
	}
	var got []string
	for _, f := range g.Check(CheckOptions{NoResult: true}) {
		got = append(got, f.String())
	}
	want := []string{
		"insn 7: jump into the middle of a 64-bit load", "insns 7 to 11: unreachable code", "insn 8: jump out of the program",
		"insn 9: jump out of the program", "insn 10: jump into another function",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings (-want +got):\n%s\n%s", d, flow(g))
	}
}

func TestGraphBad(t *testing.T) {
	for _, tt := range []struct {
		insns []asm.Insn
		want  string
	}{
		{nil, "analyse insn 0: program has no instructions"},
		{[]asm.Insn{asm.Jump(3)}, "analyse insn 0: label L3 is not defined"},
		{[]asm.Insn{at(1, asm.Exit()), at(1, asm.Exit())}, "analyse insn 1: label L1 is also at insn 0"},
		{[]asm.Insn{asm.CallFunc("f"), asm.Exit()}, `analyse insn 0: function "f" is not in the program`},
	} {
		if _, err := New(tt.insns, map[int]string{-1: "x", 99: "y"}); err == nil || err.Error() != tt.want {
			t.Errorf("New = %v, want %q", err, tt.want)
		}
	}
}

// randomProgram returns a program of n instructions with jumps and calls anywhere.
func randomProgram(random *rand.Rand, n int) []asm.Insn {
	insns := make([]asm.Insn, n)
	for i := range insns {
		to := asm.Label(1 + random.IntN(n))
		r := asm.Reg(random.IntN(11))
		switch random.IntN(8) {
		case 0:
			insns[i] = asm.Jump(to)
		case 1, 2:
			insns[i] = asm.JumpImm(asm.Equal, r, int32(random.IntN(3)), to)
		case 3:
			insns[i] = asm.Exit()
		case 4:
			insns[i] = asm.CallLabel(1 + to/64*64) // few functions
			if insns[i].Target > asm.Label(n) {
				insns[i] = asm.Mov64Reg(r, asm.R10)
			}
		case 5:
			insns[i] = asm.ALU64Imm(asm.Add, r, -8)
		case 6:
			insns[i] = asm.LoadMem(r, asm.Reg(random.IntN(11)), int16(-random.IntN(64)), asm.DWord)
		default:
			insns[i] = asm.Mov64Imm(r, int32(random.IntN(3)))
		}
		insns[i].Label = asm.Label(i + 1)
	}
	return insns
}

// TestAnalysisIsLinear analyses large programs of shapes that are hard for naive algorithms. There
// is no limit of time but that of the test: anything quadratic takes minutes.
func TestAnalysisIsLinear(t *testing.T) {
	const n = 300_000
	shapes := map[string]func(i int) asm.Insn{
		"all conditions forwards": func(i int) asm.Insn {
			return asm.JumpImm(asm.Equal, asm.Reg(i%10), int32(i), asm.Label(min(n, i+2+i%1000)))
		},
		"all conditions backwards": func(i int) asm.Insn {
			return asm.JumpImm(asm.Equal, asm.Reg(i%10), int32(i), asm.Label(1+i-i%5000))
		},
		"ladder":  func(i int) asm.Insn { return asm.JumpImm(asm.Equal, asm.R1, 0, asm.Label(n-i)) },
		"calls":   func(i int) asm.Insn { return asm.CallLabel(asm.Label(min(n, i+2))) },
		"nothing": func(i int) asm.Insn { return asm.Mov64Reg(asm.Reg(i%10), asm.R10) },
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			insns := make([]asm.Insn, n)
			for i := range insns {
				insns[i] = shape(i)
				insns[i].Label = asm.Label(i + 1)
			}
			insns[n-1] = asm.Exit()
			insns[n-1].Label = n
			g, err := New(insns, nil)
			if err != nil {
				t.Fatal(err)
			}
			g.Check(CheckOptions{})
			g.Dominators()
			g.Stack()
			g.Live()
			g.Constants(ConstOptions{})
			t.Logf("%d blocks, %v", len(g.Blocks), time.Since(start).Round(time.Millisecond))
		})
	}
}

// checkGraph holds a graph against its definition.
func checkGraph(t *testing.T, g *Graph) {
	t.Helper()
	preds := map[[2]int32]int{}
	for k := range g.Blocks {
		b := g.Blocks[k]
		for i := b.Start; i < b.End; i++ {
			if g.BlockOf(i) != k || g.FuncOf(i) != b.Func {
				t.Fatalf("insn %d is in block %d of function %d, not %d of %d", i, g.BlockOf(i), g.FuncOf(i), k, b.Func)
			}
			if i < b.End-1 && (isJump(&g.Insns[i]) || !continues(&g.Insns[i])) {
				t.Fatalf("block %d goes on behind insn %d", k, i)
			}
		}
		for _, s := range g.Succs(k) {
			preds[[2]int32{s, int32(k)}]++
			if g.Blocks[s].Func != b.Func {
				t.Fatalf("edge %d to %d leaves its function", k, s)
			}
		}
	}
	for k := range g.Blocks {
		for _, p := range g.Preds(k) {
			preds[[2]int32{int32(k), p}]--
		}
	}
	for e, n := range preds {
		if n != 0 {
			t.Fatalf("edge %d to %d is there %d times more forwards", e[1], e[0], n)
		}
	}
	order := slices.Sorted(slices.Values(g.ReversePostorder()))
	for k := range g.Blocks {
		if order[k] != int32(k) {
			t.Fatalf("order leaves out block %d", k)
		}
	}
}

func TestGraphRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		g, err := New(randomProgram(random, 1+random.IntN(200)), nil)
		if err != nil {
			t.Fatal(err)
		}
		checkGraph(t, g)
	}
}

// TestTables holds that jumps to addresses go where tables lead, in their own function.
func TestTables(t *testing.T) {
	l, err := asm.Parse("r1 = 0\ngotox r1\nL1:\nr0 = 1\nexit\nL2:\nr0 = 2\nexit\nf:\nr0 = 3\nL3:\nexit")
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewWithTables(l.Insns, map[int]string{6: "f"}, []asm.Label{l.Insns[4].Label, l.Insns[2].Label, l.Insns[2].Label, l.Insns[7].Label})
	if err != nil {
		t.Fatal(err)
	}
	want := `func "" 0-6
  0: 0-2 [1 2] <[]
  1: 2-4 [] <[0]
  2: 4-6 [] <[0]
func "f" 6-8 unreachable
  3: 6-7 [4] <[] unreachable
  4: 7-8 [] <[3] unreachable
`
	if got := flow(g); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if _, err := NewWithTables(l.Insns, nil, []asm.Label{99}); err == nil {
		t.Error("a table leads to a label that is not there")
	}
}
