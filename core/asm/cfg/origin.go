package cfg

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

// Origin is where the value of a register comes from: the instruction that sets it, or, with Insn
// -1, what Reg holds at the start of the function.
type Origin struct {
	Insn int
	Reg  asm.Reg
}

// Origins returns where the value may come from that a register holds before an instruction, with
// copies from register to register followed back, in order. ok is false where that is not known,
// since the function has HasIndirectJump. Ways that control never takes, as far as c knows, do not
// count.
func (c *Constants) Origins(insn int, reg asm.Reg) (origins []Origin, ok bool) {
	g := c.g
	f := &g.Funcs[g.FuncOf(insn)]
	if f.HasIndirectJump {
		return nil, false
	}
	type place struct {
		block int32
		reg   asm.Reg // at the end of the block
	}
	var todo []place
	seen := make(map[place]bool)
	back := func(block int, end int, reg asm.Reg) {
		for i := end - 1; i >= g.Blocks[block].Start; i-- {
			in := &g.Insns[i]
			if !in.Writes().Has(reg) {
				continue
			}
			if in.Op.Format() != asm.FormatMovReg || in.Off != 0 || in.Flags&asm.Raw != 0 { // no copy
				origins = append(origins, Origin{i, reg})
				return
			}
			reg = in.Src
		}
		if block == f.Block {
			origins = append(origins, Origin{-1, reg})
		}
		for _, p := range g.Preds(block) {
			if at := (place{p, reg}); c.entered[p] && !seen[at] && c.goes(int(p), block) {
				seen[at] = true
				todo = append(todo, at)
			}
		}
	}
	back(g.BlockOf(insn), insn, reg)
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		back(int(p.block), g.Blocks[p.block].End, p.reg)
	}
	slices.SortFunc(origins, func(a, b Origin) int { return 2*(a.Insn-b.Insn) + int(a.Reg) - int(b.Reg) })
	return slices.Compact(origins), true
}

// goes reports whether control may go from one block to another, as far as conditions are known.
func (c *Constants) goes(from, to int) bool {
	var last [asm.R10]Value
	c.Block(from, func(_ int, before *[asm.R10]Value) { last = *before })
	return slices.Contains(c.follow(from, &last), int32(to))
}
