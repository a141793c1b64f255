package cfg

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
)

// Diagnostic is something that every kernel refuses where it takes the instruction into account.
type Diagnostic struct {
	Kind DiagnosticKind
	Insn int     // index of the instruction
	End  int     // of unreachable code: index after its last instruction; otherwise 0
	Reg  asm.Reg // of an uninitialised register
	Off  int     // of an access outside of the stack: bytes from r10
}

// DiagnosticKind says what is wrong.
type DiagnosticKind uint8

// The kinds of diagnostics.
const (
	FindUnknown       DiagnosticKind = iota + 1 // instruction that is not known
	FindFallsOff                                // control runs past the end of the function
	FindJumpOut                                 // displacement leads out of the program
	FindJumpMiddle                              // displacement leads into the middle of a 64-bit load
	FindJumpLeaves                              // jump into another function
	FindWriteR10                                // write to the frame pointer
	FindUninitialised                           // register is read that no path has set
	FindUnreachable                             // control never gets there
	FindOutsideStack                            // access below the stack or above r10
)

// diagnosticNames is indexed by DiagnosticKind.
var diagnosticNames = [...]string{
	"", "unknown instruction", "control runs past the end of the function", "jump out of the program",
	"jump into the middle of a 64-bit load", "jump into another function", "write to the frame pointer r10",
	"read of a register that has no value", "unreachable code", "memory access outside of the stack",
}

// String describes the kind.
func (k DiagnosticKind) String() string {
	if int(k) < len(diagnosticNames) {
		return diagnosticNames[k]
	}
	return fmt.Sprintf("finding kind %d", uint8(k))
}

// String returns for example "insn 3: read of a register that has no value: r2".
func (f Diagnostic) String() string {
	if f.End > f.Insn+1 {
		return fmt.Sprintf("insns %d to %d: %s", f.Insn, f.End-1, f.Reason())
	}
	return fmt.Sprintf("insn %d: %s", f.Insn, f.Reason())
}

// Reason is String without the place.
func (f Diagnostic) Reason() string {
	switch f.Kind {
	case FindUninitialised:
		return fmt.Sprintf("%v: r%d", f.Kind, f.Reg)
	case FindOutsideStack:
		return fmt.Sprintf("%v: r10%+d is not in the %d bytes below r10", f.Kind, f.Off, MaxStack)
	}
	return f.Kind.String()
}

// CheckOptions says what Check cannot know. The zero value is right for most programs.
type CheckOptions struct {
	// NoResult says that the program returns nothing, so that r0 may have no value at its exit.
	NoResult bool
}

// Check looks for what is wrong whatever kernel and program type, and finds only a part of what a
// kernel refuses. Kernels do not look at instructions that conditions with known outcomes keep from
// being reached; there they accept writes to r10, reads of registers without a value and accesses
// outside of the stack ([Constants] tells where that is). Diagnostics are in the order of place.
// Time is linear.
func (g *Graph) Check(o CheckOptions) []Diagnostic {
	out := slices.Clone(g.invalid)
	for k := range g.Blocks {
		if b := &g.Blocks[k]; b.FallsThrough && b.Reachable {
			out = append(out, Diagnostic{Kind: FindFallsOff, Insn: b.End - 1})
		}
	}
	for i := range g.Insns {
		if g.Insns[i].Writes().Has(asm.R10) {
			out = append(out, Diagnostic{Kind: FindWriteR10, Insn: i})
		}
	}
	out = append(out, g.unreachable()...)
	out = append(out, g.uninitialised(o)...)
	out = append(out, g.outside()...)
	slices.SortStableFunc(out, func(a, b Diagnostic) int { return cmp.Compare(a.Insn, b.Insn) })
	return out
}

// unreachable returns the longest runs of unreachable code within a function.
func (g *Graph) unreachable() []Diagnostic {
	var out []Diagnostic
	for k := range g.Blocks {
		b := &g.Blocks[k]
		if b.Reachable {
			continue
		}
		if n := len(out); n > 0 && out[n-1].End == b.Start && g.Funcs[b.Func].Start != b.Start {
			out[n-1].End = b.End
			continue
		}
		out = append(out, Diagnostic{Kind: FindUnreachable, Insn: b.Start, End: b.End})
	}
	return out
}

// uninitialised returns the reads of registers that have no value whichever way control came.
func (g *Graph) uninitialised(o CheckOptions) []Diagnostic {
	in := g.initialised()
	var out []Diagnostic
	for k := range g.Blocks {
		b := &g.Blocks[k]
		if !b.Reachable || g.Funcs[b.Func].HasIndirectJump {
			continue
		}
		have := in[k]
		for i := b.Start; i < b.End; i++ {
			insn := &g.Insns[i]
			need := insn.Reads()
			if insn.Op == asm.OpExit && b.Func == 0 && !o.NoResult {
				need |= asm.Regs(asm.R0)
			}
			for r := range asm.R10 {
				if need.Has(r) && !have.Has(r) {
					out = append(out, Diagnostic{Kind: FindUninitialised, Insn: i, Reg: r})
					have |= asm.Regs(r) // once is enough
				}
			}
			have = initialise(insn, have)
		}
	}
	return out
}

// initialised returns for every block the registers that may have a value at its start.
func (g *Graph) initialised() []asm.RegSet {
	in := make([]asm.RegSet, len(g.Blocks))
	for i, f := range g.Funcs {
		in[f.Block] = asm.Regs(asm.R10) | asm.ArgRegs
		if i == 0 {
			in[f.Block] = asm.Regs(asm.R1, asm.R10)
		}
	}
	g.forward(func(k int, again func(int32)) {
		b := &g.Blocks[k]
		have := in[k]
		for i := b.Start; i < b.End; i++ {
			have = initialise(&g.Insns[i], have)
		}
		for _, to := range g.Succs(k) {
			if in[to]|have != in[to] {
				in[to] |= have
				again(to)
			}
		}
	})
	return in
}

// initialise returns which registers may have a value after an instruction.
func initialise(in *asm.Insn, have asm.RegSet) asm.RegSet {
	if in.Flags&asm.Raw != 0 {
		return asm.AllRegs
	}
	w := in.Writes()
	if w&asm.ArgRegs == asm.ArgRegs { // a call, or a packet load
		return have&^asm.ArgRegs | asm.Regs(asm.R0)
	}
	return have | w
}
