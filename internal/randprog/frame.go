package randprog

import (
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
)

// The stack of every function, as offsets from R10.
const (
	words     = -64  // 8 words that are numbers
	counters  = -80  // of loops: two words
	keyAt     = -88  // 8 bytes
	valueAt   = -112 // 16 bytes
	stackFrom = -112
)

// enter makes everything a number that has to be one.
func (g *generator) enter() {
	given := []asm.Reg{} // that hold numbers
	switch {
	case g.role == roleMain:
		g.add(asm.Mov64Reg(asm.R6, asm.R1))
	case g.role == roleLocal:
		given = scratch
		if g.pointerInR6() {
			g.add(asm.Mov64Reg(asm.R6, asm.R1))
			given = scratch[1:]
		}
	case g.role == roleLoop:
		g.add(asm.Mov64Reg(asm.R6, asm.R2))
		given = scratch[:1]
	case g.role == roleEach: // with map, key, value and pointer
		g.add(asm.Mov64Reg(asm.R6, asm.R4), asm.LoadMem(asm.R1, asm.R2, 0, asm.Word), asm.LoadMem(asm.R2, asm.R3, 0, asm.DWord),
			asm.LoadMem(asm.R4, asm.R3, 8, asm.DWord), asm.StoreMem(asm.R3, 0, asm.R4, asm.DWord))
		given = []asm.Reg{asm.R1, asm.R2, asm.R4}
	}
	for _, r := range append([]asm.Reg{asm.R6}, numbers...) {
		if slices.Contains(given, r) || r == asm.R6 && g.pointerInR6() {
			continue
		}
		if len(given) > 0 && g.IntN(3) == 0 {
			g.add(asm.Mov64Reg(r, given[g.IntN(len(given))]))
		} else {
			g.add(asm.LoadImm64(r, g.interesting()))
		}
	}
	for off := int16(words); off < 0; off += 8 {
		g.add(asm.StoreMem(asm.R10, off, g.reg(), asm.DWord))
	}
	for off := int16(stackFrom); off < words; off += 8 {
		g.add(asm.StoreImm(asm.R10, off, 0, asm.DWord))
	}
}

// leave shows what the function computed and returns.
func (g *generator) leave() {
	switch g.role {
	case roleMain:
		g.show()
	case roleLoop:
		g.goOn()
	case roleEach:
		g.add(asm.Atomic(asm.AtomicAdd, asm.R6, 0, g.reg(), asm.DWord))
		g.goOn()
	}
	g.add(asm.Exit())
}

// goOn makes R0 what a callback returns to be called again, or not.
func (g *generator) goOn() {
	const ends = "callback may end the loop"
	if g.unordered || g.without[ends] || g.IntN(2) == 0 {
		g.add(asm.Mov64Imm(asm.R0, 0))
		return
	}
	g.add(asm.ALU64Imm(asm.And, asm.R0, 1))
	g.tag(ends)
}

// show stores all numbers of a main function into the map of results, those of the stack too.
func (g *generator) show() {
	const at = counters // where R1 waits
	slot := uint32(0)
	if g.name != Main {
		slot = showSize / 2
	}
	g.add(asm.StoreMem(asm.R10, at, asm.R1, asm.DWord), asm.LoadMapValue(asm.R1, results, slot))
	off := int16(0)
	for _, r := range numbers {
		if r != asm.R1 {
			g.add(asm.StoreMem(asm.R1, off, r, asm.DWord))
			off += 8
		}
	}
	for from := int16(at); from < 0; from += 8 {
		if from > at && from < words {
			continue
		}
		g.add(asm.LoadMem(asm.R2, asm.R10, from, asm.DWord), asm.StoreMem(asm.R1, off, asm.R2, asm.DWord))
		off += 8
	}
}

// input makes what a run gets.
func (g *generator) input() Input {
	if g.typ == spec.ProgramSyscall {
		b := make([]byte, contextSize)
		g.fill(b)
		return Input{Context: b}
	}
	const shortest = 54 // a whole header of IPv6, which test runs of the kernel ask for
	b := make([]byte, shortest+g.IntN(100))
	if g.IntN(8) == 0 {
		b = make([]byte, shortest+g.IntN(1000))
	}
	g.fill(b)
	if g.IntN(2) == 0 {
		b[12], b[13], b[14] = 8, 0, 0x45 // IPv4
	}
	return Input{Packet: b}
}
