package asm

import (
	"math/rand/v2"
	"testing"
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
	for i, want := range []RegSet{
		Regs(R6), Regs(R6), Regs(R6), Regs(R6), 0, 0, 0, 0, 0, Regs(R0), 0, // r7 is only copied to what nobody reads
	} {
		if got := l.After(i); got != want {
			t.Errorf("after insn %d: %v, want %v", i, got, want)
		}
	}
	dead := map[int]bool{}
	for k := range g.Blocks {
		l.Block(k, func(i int, after RegSet) {
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

// TestRegSets checks for every instruction of the table that it may read what it reads.
func TestRegSets(t *testing.T) {
	for _, r := range readTable(t) {
		insns, err := Decode(r.code, DecodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range insns {
			if in.Reads()&^in.MayRead() != 0 {
				t.Errorf("%v reads %v but may read only %v", in, in.Reads(), in.MayRead())
			}
		}
	}
	for _, tt := range []struct {
		text                string
		reads, may, written RegSet
	}{
		{"r1 = r2", Regs(R2), Regs(R2), Regs(R1)},
		{"r1 += r2", Regs(R1, R2), Regs(R1, R2), Regs(R1)},
		{"r1 = -r1", Regs(R1), Regs(R1), Regs(R1)},
		{"r1 = be16 r1", Regs(R1), Regs(R1), Regs(R1)},
		{"r1 = 5 ll", 0, 0, Regs(R1)},
		{"r1 = *(u8 *)(r2 + 0)", Regs(R2), Regs(R2), Regs(R1)},
		{"*(u8 *)(r1 + 0) = r2", Regs(R1, R2), Regs(R1, R2), 0},
		{"*(u8 *)(r1 + 0) = 2", Regs(R1), Regs(R1), 0},
		{"lock *(u64 *)(r1 + 0) += r2", Regs(R1, R2), Regs(R1, R2), 0},
		{"r2 = xchg_64(r1 + 0, r2)", Regs(R1, R2), Regs(R1, R2), Regs(R2)},
		{"r0 = cmpxchg_64(r1 + 0, r0, r2)", Regs(R0, R1, R2), Regs(R0, R1, R2), Regs(R0)},
		{"r1 = load_acquire((u64 *)(r2 + 0))", Regs(R2), Regs(R2), Regs(R1)},
		{"store_release((u64 *)(r1 + 0), r2)", Regs(R1, R2), Regs(R1, R2), 0},
		{"call bpf_map_lookup_elem#1", Regs(R1, R2), Regs(R1, R2), Regs(R0, R1, R2, R3, R4, R5)},
		{"call bpf_trace_printk#6", Regs(R1, R2), argRegs, Regs(R0) | argRegs},
		{"call 9999", 0, argRegs, Regs(R0) | argRegs},
		{"call kfunc[f]", 0, argRegs, Regs(R0) | argRegs},
		{"callx r7", Regs(R7), argRegs | Regs(R7), Regs(R0) | argRegs},
		{"exit", 0, Regs(R0), 0},
		{"gotox r3", Regs(R3), Regs(R3), 0},
		{".raw 0x00000000000000ff", 0, allRegs, 0},
	} {
		l, err := Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		in := l.Insns[0]
		if in.Reads() != tt.reads || in.MayRead() != tt.may || in.Writes() != tt.written {
			t.Errorf("%s: reads %v, may read %v, writes %v; want %v, %v, %v", tt.text, in.Reads(), in.MayRead(), in.Writes(), tt.reads, tt.may, tt.written)
		}
	}
	if got := Regs(R0, R6, R10).String(); got != "r0 r6 r10" || Regs(R0, R6).Len() != 2 || !Regs(R6).Has(R6) || Regs(R6).Has(R7) {
		t.Errorf("sets are wrong: %q", got)
	}
}

// TestLiveRandom holds liveness against its equations.
func TestLiveRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for range 200 {
		g, err := NewGraph(randomProgram(random, 2+random.IntN(100)), nil)
		if err != nil {
			t.Fatal(err)
		}
		l := g.Live()
		for k := range g.Blocks {
			want := RegSet(0)
			if g.Blocks[k].Falls {
				want = allRegs
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
