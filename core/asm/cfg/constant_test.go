package cfg

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

// constants returns the value of R0 at every exit that control gets to, and whether it is known.
func constants(g *Graph, o ConstOptions) (values []uint64, known bool) {
	c := g.Constants(o)
	known = true
	for k := range g.Blocks {
		c.Block(k, func(i int, before *[asm.R10]Value) {
			if g.Insns[i].Op != asm.OpExit {
				return
			}
			known = known && before[asm.R0].Kind == ValueNumber
			values = append(values, before[asm.R0].Bits)
		})
	}
	return values, known
}

func TestConstants(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       uint64
		known      bool
	}{
		{"straight", "r1 = 5\nr0 = r1\nr0 *= -3\nexit", 0xfffffffffffffff1, true},
		{"argument", "r0 = r1\nexit", 0, false},
		{"same on both ways", "if r1 == 0 goto L1\nr0 = 7\ngoto L2\nL1: r0 = 7\nL2: exit", 7, true},
		{"not the same", "if r1 == 0 goto L1\nr0 = 8\ngoto L2\nL1: r0 = 7\nL2: exit", 7, false},
		{"known branch", "r2 = 0\nif r2 != 0 goto L1\nr0 = 8\ngoto L2\nL1: r0 = 7\nL2: exit", 8, true},
		{"known branch in a loop", "r6 = 0\nr0 = 1\nL1: if r6 != 0 goto L2\nif r1 == 0 goto L1\nexit\nL2: r0 = 2\nr6 = 0\ngoto L1", 1, true},
		{"counter", "r0 = 0\nL1: r0 += 1\nif r0 < 10 goto L1\nexit", 0, false},
		{"call", "r6 = 4\nr1 = 5\ncall bpf_ktime_get_ns#5\nr0 = r6\nexit", 4, true},
		{"lost by a call", "r0 = 4\ncall bpf_ktime_get_ns#5\nexit", 0, false},
		{"long", "r0 = 0x123456789 ll\nexit", 0x123456789, true},
		{"map is not a number", "r0 = map[m] ll\nexit", 0, false},
		{"frozen", "r1 = var[v] + 4 ll\nr1 += 2\nr0 = *(u16 *)(r1 + 2)\nexit", 0x1004, true},
		{"frozen, either way", "if r1 == 0 goto L1\nr1 = var[v] ll\ngoto L2\nL1: r1 = var[v] ll\nL2: r0 = *(s16 *)(r1 + 0x7ff0)\nexit", 0xffffffffffff8ff0, true},
		{"other variable", "r1 = var[w] ll\nr0 = *(u16 *)(r1 + 2)\nexit", 0, false},
		{"either variable", "if r1 == 0 goto L1\nr1 = var[v] ll\ngoto L2\nL1: r1 = var[w] ll\nL2: r0 = *(u16 *)(r1 + 0)\nexit", 0, false},
		{"fetched", "r0 = 1\nr1 = r10\nr0 = atomic_fetch_add((u64 *)(r1 - 8), r0)\nexit", 0, false},
		{"between unknown jumps", "gotox r1\nr0 = 1\nr0 += 2\nexit", 0, false},
		{"before an unknown instruction", "r0 = 1\nr0 += 2\nexit\n.raw 0x00000000000000ff", 0, false},
		{"unknown instruction", "r0 = 1\n.raw 0x00000000000000ff\nexit", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := graph(t, tt.text)
			load := func(base int, off int64, s asm.Size) (uint64, bool) {
				if g.Insns[base].Symbol != "v" {
					return 0, false
				}
				return uint64(0x1000+off) & (1<<(8*s.Bytes()) - 1), true
			}
			got, known := constants(g, ConstOptions{Load: load})
			if len(got) != 1 || known != tt.known || known && got[0] != tt.want {
				t.Errorf("R0 is %#x, %v; want %#x, %v", got, known, tt.want, tt.known)
			}
		})
	}
}

func TestConstantsUnknown(t *testing.T) {
	g := graph(t, "r1 = var[v] ll\nr0 = *(u64 *)(r1 + 8)\nexit")
	o := ConstOptions{
		Load:    func(int, int64, asm.Size) (uint64, bool) { return 3, true },
		Unknown: func(i int) bool { return i == 1 },
	}
	if got, known := constants(g, o); known {
		t.Errorf("a load that is going to be patched gives %v", got)
	}
	o.Unknown = nil
	if got, known := constants(g, o); !known || got[0] != 3 {
		t.Errorf("R0 is %v, %v", got, known)
	}
}

// interpret runs a program of arithmetic, moves and conditions only, for at most so many steps. It
// is an own reading of the standard, so that the tables of Constants are not held against themselves.
func interpret(g *Graph, steps int) (r0 uint64, ended bool) {
	var regs [11]uint64
	for pc := 0; steps > 0 && pc < len(g.Insns); steps-- {
		in := &g.Insns[pc]
		pc++
		y := uint64(in.Imm)
		if in.Op.Reg() {
			y = regs[in.Src]
		}
		switch {
		case in.Op == asm.OpExit:
			return regs[0], true
		case in.Op == asm.OpJump:
			pc = g.Target(pc - 1)
		case in.Op.Format() == asm.FormatCondImm:
			if regs[in.Dst] == y {
				pc = g.Target(pc - 1)
			}
		case in.Op.ALU() == asm.Mov:
			regs[in.Dst] = y
		default:
			regs[in.Dst] += y
		}
	}
	return 0, false
}

// TestConstantsRandom runs random programs and demands that what is known of them is true.
func TestConstantsRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	found := 0
	for range 5000 {
		n := 2 + random.IntN(30)
		insns := make([]asm.Insn, n)
		for i := range insns {
			r, q := asm.Reg(random.IntN(4)), asm.Reg(random.IntN(4))
			switch random.IntN(6) {
			case 0:
				insns[i] = asm.Jump(asm.Label(1 + random.IntN(n)))
			case 1, 2:
				insns[i] = asm.JumpImm(asm.Equal, r, int32(random.IntN(3)), asm.Label(1+random.IntN(n)))
			case 3:
				insns[i] = asm.ALU64Reg(asm.Add, r, q)
			default:
				insns[i] = asm.Mov64Imm(r, int32(random.IntN(3)))
			}
		}
		insns = append([]asm.Insn{asm.Mov64Imm(asm.R0, 0), asm.Mov64Imm(asm.R1, 1), asm.Mov64Imm(asm.R2, 2), asm.Mov64Imm(asm.R3, 0)}, insns...)
		insns = append(insns, asm.Exit())
		for i := range insns {
			insns[i].Label = asm.Label(i + 1)
		}
		g, err := New(insns, nil)
		if err != nil {
			t.Fatal(err)
		}
		r0, ended := interpret(g, 10_000)
		if !ended {
			continue
		}
		got, known := constants(g, ConstOptions{})
		if len(got) == 0 {
			t.Fatalf("control does not get to the exit, but it does\n%s", asm.AppendText(nil, insns, asm.TextOptions{}))
		}
		if known {
			found++
			if got[0] != r0 {
				t.Fatalf("R0 is %d, it is said to be %d\n%s", r0, got[0], asm.AppendText(nil, insns, asm.TextOptions{}))
			}
		}
	}
	if found < 500 {
		t.Errorf("only %d results were known", found)
	}
}

// TestConformanceConstants holds what is known of programs without running them against the cases
// of package asm, each of which a test of that package runs on a kernel.
func TestConformanceConstants(t *testing.T) {
	known := 0
	for _, f := range readLines(t, "conformance.txt", " | ") {
		name := f[0]
		l, err := asm.Parse(strings.ReplaceAll(f[1], ";", "\n"))
		if err != nil {
			t.Fatal(err)
		}
		want, err := strconv.ParseUint(f[2], 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		g, err := New(l.Insns, nil)
		if err != nil {
			t.Fatal(err)
		}
		if f := g.Check(CheckOptions{}); !strings.HasPrefix(name, "skb") && len(f) > 0 && !strings.Contains(name, "goto") {
			for _, x := range f { // R2 to R5 are arguments here
				if x.Kind != FindUninitialised && x.Kind != FindUnreachable {
					t.Errorf("%s: %v", name, x)
				}
			}
		}
		k := g.Constants(ConstOptions{})
		for b := range g.Blocks {
			k.Block(b, func(i int, before *[asm.R10]Value) {
				if l.Insns[i].Op != asm.OpExit || g.FuncOf(i) != 0 || before[asm.R0].Kind != ValueNumber {
					return
				}
				known++
				if before[asm.R0].Bits != want {
					t.Errorf("%s: R0 is said to be %#x, want %#x", name, before[asm.R0].Bits, want)
				}
			})
		}
	}
	if known < 150 {
		t.Errorf("the result of only %d cases is known", known)
	}
}

// TestConstantsFixed follows numbers that are known when a program is loaded to a condition on R0.
func TestConstantsFixed(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"immediate", "r0 = 1\nif r0 == 0 goto L1\nL1: exit", true},
		{"added", "r0 = 5\nr0 += 1\nif r0 == 0 goto L1\nL1: exit", true},
		{"added to what may be anything", "r0 = r1\nr0 += 1\nif r0 == 0 goto L1\nL1: exit", false},
		{"moved and computed", "r2 = 1\nw3 = w2\nr0 = r3\nr0 = -r0\nr0 <<= 3\nr0 ^= r2\nif r0 == r2 goto L1\nL1: exit", true},
		{"with what may be anything", "r0 = 1\nif r0 == r1 goto L1\nL1: exit", false},
		{"number", "r0 = 2\nif r0 == 0 goto L1\nL1: exit", false},
		{"64 bits", "r0 = 1 ll\nif r0 == 0 goto L1\nL1: exit", true},
		{"symbol", "r0 = ksym[s] ll\nif r0 == 0 goto L1\nL1: exit", true},
		{"data", "r1 = var[f] ll\nr1 += 4\nr0 = *(u8 *)(r1 + 2)\nif r0 == 0 goto L1\nL1: exit", true},
		{"other data", "r1 = var[g] ll\nr0 = *(u8 *)(r1 + 2)\nif r0 == 0 goto L1\nL1: exit", false},
		{"somewhere in data", "r2 = r1\nr1 = var[f] ll\nr1 += r2\nr0 = *(u8 *)(r1 + 2)\nif r0 == 0 goto L1\nL1: exit", false},
		{"address of data", "r0 = var[f] ll\nif r0 == 0 goto L1\nL1: exit", false},
		{"either way", "r0 = 1\nif r1 == 0 goto L2\nr0 += 1\nL2: if r0 == 0 goto L1\nL1: exit", true},
		{"or a number", "r0 = 1\nif r1 == 0 goto L2\nr0 = 7\nL2: if r0 == 0 goto L1\nL1: exit", false},
		{"pointer of an arena", "r1 = 1\nr0 = addr_space_cast(r1, 0, 1)\nif r0 == 0 goto L1\nL1: exit", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := graph(t, tt.text)
			fixed := func(i int) bool {
				in := &g.Insns[i]
				return in.Ref == asm.RefKsym || in.Ref == asm.RefVar && in.Symbol == "f" || in.Ref == asm.RefNone && in.Imm == 1 && (!in.Op.Reg() || in.Op == asm.OpLoadImm64)
			}
			c := g.Constants(ConstOptions{Fixed: fixed, Unknown: func(i int) bool { return g.Insns[i].Ref == asm.RefNone && fixed(i) }})
			got := false
			for k := range g.Blocks {
				c.Block(k, func(i int, before *[asm.R10]Value) {
					if in := &g.Insns[i]; in.Op.Format() == asm.FormatCondImm && in.Dst == asm.R0 || in.Op.Format() == asm.FormatCondReg {
						got = c.BranchFixed(i, before)
						if _, known := c.Branch(i, before); known && got {
							t.Error("it is known both ways")
						}
					}
				})
			}
			if got != tt.want {
				t.Errorf("fixed is %v", got)
			}
		})
	}
}
