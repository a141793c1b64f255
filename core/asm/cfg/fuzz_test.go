package cfg

import (
	"math/rand/v2"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
)

// FuzzGraph analyses whatever can be decoded.
func FuzzGraph(f *testing.F) {
	for _, code := range readPrograms(f) {
		f.Add(code)
	}
	for _, r := range readTable(f) {
		f.Add(r)
	}
	random := rand.New(rand.NewPCG(15, 16))
	for range 20 {
		code, err := asm.AppendEncode(nil, randomProgram(random, 40), asm.EncodeOptions{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		insns, err := asm.Decode(code[:len(code)/asm.SlotSize*asm.SlotSize], asm.DecodeOptions{Lenient: true})
		if err != nil {
			t.Fatal(err)
		}
		g, err := New(insns, nil)
		if err != nil {
			if len(insns) > 0 {
				t.Fatal(err)
			}
			return
		}
		checkGraph(t, g)
		g.Check(CheckOptions{})
		g.Stack()
		g.Live()
		d := g.Dominators()
		for k := range g.Blocks {
			if i := d.Immediate(k); i >= 0 && (!d.Dominates(i, k) || g.Blocks[i].Func != g.Blocks[k].Func) {
				t.Fatalf("block %d does not dominate %d", i, k)
			}
		}
		c := g.Constants(ConstOptions{Load: func(_ int, off int64, s asm.Size) (uint64, bool) { return uint64(off) & 0xff, true }})
		for k := range g.Blocks {
			if c.Entered(k) && !g.Blocks[k].Reachable {
				t.Fatalf("block %d is entered but not reachable", k)
			}
			c.Block(k, func(i int, before *[asm.R10]Value) { c.Branch(i, before) })
		}
	})
}
