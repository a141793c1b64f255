package randprog

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// local calls a function with numbers, and maybe the context or a pointer to the stack.
func (g *generator) local() {
	f := function{role: roleLocal}
	switch k := g.IntN(3); {
	case k == 0 && g.context:
		f.context = true
		g.add(asm.Mov64Reg(asm.R1, asm.R6))
		g.tag("local call with the context")
	case k == 1:
		f.caller = true
		g.add(asm.Mov64Reg(asm.R1, asm.R10), asm.ALU64Imm(asm.Add, asm.R1, int32(g.word())))
		g.tag("local call with a pointer")
	default:
		g.tag("local call with numbers")
	}
	g.add(asm.CallFunc(g.called(f)))
	g.renew(scratch...)
}

// tooManyRounds is a form: what bpf_loop then returns depends on how the kernel compiled it.
const tooManyRounds = "bpf_loop of too many rounds"

// callback calls bpf_loop.
func (g *generator) callback() {
	name := g.called(function{role: roleLoop, caller: true})
	rounds, flags := int32(1+g.IntN(6)), int32(0) // of none, the verifier loses the function
	switch g.IntN(12) {
	case 0:
		rounds = 8<<20 + 1
		g.tag(tooManyRounds)
	case 1:
		flags = 1 // which there are none of
	}
	g.add(asm.Mov64Imm(asm.R1, rounds), asm.LoadFunc(asm.R2, name), asm.Mov64Reg(asm.R3, asm.R10),
		asm.ALU64Imm(asm.Add, asm.R3, int32(g.word())), asm.Mov64Imm(asm.R4, flags), asm.Call(asm.HelperLoop))
	g.renew(scratch...)
}

// forEach calls bpf_for_each_map_elem.
func (g *generator) forEach() {
	m := eachMaps[g.IntN(len(eachMaps))]
	name := g.called(function{role: roleEach, caller: true, unordered: mapTypes[m] != spec.MapArray && mapTypes[m] != spec.MapPerCPUArray})
	flags := int32(0)
	if g.IntN(12) == 0 {
		flags = 1
	}
	g.add(asm.LoadMap(asm.R1, m), asm.LoadFunc(asm.R2, name), asm.Mov64Reg(asm.R3, asm.R10),
		asm.ALU64Imm(asm.Add, asm.R3, int32(g.word())), asm.Mov64Imm(asm.R4, flags))
	g.helper(asm.HelperForEachMapElem, m)
}

// tailCall calls another program, or this one once more. A local function calls one that does not
// come back here: each time that it did, another frame would stay.
func (g *generator) tailCall() {
	index := g.IntN(5)
	g.add(asm.Mov64Reg(asm.R1, asm.R6), asm.LoadMap(asm.R2, progs))
	switch {
	case g.name != Main || g.role != roleMain:
		g.add(asm.Mov64Imm(asm.R3, int32(index|1)))
	case g.IntN(2) == 0:
		g.add(asm.Mov64Imm(asm.R3, int32(index)))
	default:
		g.add(asm.Mov64Reg(asm.R3, g.reg(asm.R1, asm.R2, asm.R3)), asm.ALU64Imm(asm.And, asm.R3, 7))
	}
	g.tag("tail call")
	if g.role != roleMain {
		g.tag("tail call of a local function")
	}
	g.add(asm.Call(asm.HelperTailCall))
	g.renew(asm.R0)
	g.renew(scratch...)
}

func canTailCall(g *generator) bool {
	return g.context && g.typ != spec.ProgramSyscall && callsHelpers(g) && (g.name == Main || g.role == roleMain)
}
