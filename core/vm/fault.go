package vm

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// FaultKind says why a program was stopped.
type FaultKind uint8

// The reasons to stop a program.
const (
	FaultNull      FaultKind = iota + 1 // access at or near address 0
	FaultWild                           // access where nothing is
	FaultStack                          // access outside the stack frames
	FaultContext                        // access past the context
	FaultPacket                         // access past data_end, or before data
	FaultMap                            // access past a value of a map
	FaultRelease                        // access to a ring record that is not reserved, or no longer
	FaultHandle                         // access through the pointer to a map instead of to its value
	FaultReadOnly                       // write to read-only data
	FaultFuel                           // the fuel is used up
	FaultDepth                          // more function calls than fit in a stack
	FaultArgument                       // a helper takes no such argument
	FaultJump                           // gotox or a callback to where no program may go
	FaultRelocated                      // an instruction whose relocation could not be done was reached
	FaultObject                         // access past an object that was placed, or to one that was cleared
)

// faultTexts is indexed by FaultKind.
var faultTexts = [...]string{
	"no fault", "NULL pointer", "wild pointer", "outside the stack frame", "past the context", "outside the packet",
	"outside the values of a map", "outside the reserved records of a ring", "inside the handle of a map",
	"read-only data", "out of fuel", "calls too deep", "bad argument", "bad target", "unresolved relocation", "outside the objects of the input",
}

// String returns a few words: "NULL pointer", "outside the packet", …
func (k FaultKind) String() string {
	if int(k) < len(faultTexts) {
		return faultTexts[k]
	}
	return fmt.Sprintf("fault(%d)", uint8(k))
}

// Fault is why a run ended before its program did. A kernel's verifier refuses most programs that
// could have one.
type Fault struct {
	Program string
	Insn    int           // number in Insns of the program
	Line    *btf.LineInfo // source line; nil is unknown
	Addr    uint64        // of the access; 0 if there was none
	Size    uint64        // bytes accessed; 0 if there was no access
	Write   bool
	Kind    FaultKind
	Detail  string // what Kind does not say: the name of the map, the helper and its argument
}

// Error returns one line: where it happened, what was done, and what was wrong with it.
func (f *Fault) Error() string {
	s := fmt.Sprintf("run program %q: instruction %d", f.Program, f.Insn)
	if f.Line != nil {
		s += fmt.Sprintf(" (%s:%d)", f.Line.File(), f.Line.Line)
	}
	if f.Size > 0 {
		verb := "reads"
		if f.Write {
			verb = "writes"
		}
		s += fmt.Sprintf(" %s %d bytes at %#x", verb, f.Size, f.Addr)
	}
	s += ": " + f.Kind.String()
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	return s
}

// classify says what is wrong with an access that access refused.
func (m *Machine) classify(addr, n uint64, write bool) (FaultKind, string) {
	if addr+base < 2*base { // also slightly below 0
		return FaultNull, ""
	}
	if write && m.access(addr, n, false) {
		kind, name := FaultReadOnly, ""
		if r := m.mem.regionOf(addr); r != nil {
			name = r.name
		}
		return kind, name
	}
	for _, a := range [...]uint64{addr, addr + n - 1} {
		if r := m.mem.regionOf(a); r != nil {
			return r.outside, r.name
		}
	}
	return FaultWild, ""
}

// readsZero reports whether a load that access refused reads 0 instead: programs that have typed
// pointers into the kernel read through them whatever they are (BPF_PROBE_MEM, include/linux/filter.h).
// Only which load that is the machine cannot tell, as the verifier can.
func (m *Machine) readsZero(pc int, addr, n uint64) bool {
	switch m.programAt(pc).spec.Type {
	case spec.ProgramTracing, spec.ProgramLSM:
		kind, _ := m.classify(addr, n, false)
		return kind == FaultNull || kind == FaultWild || kind == FaultObject
	}
	return false
}

// faultAccess stops the run for an access of the instruction at pc.
func (m *Machine) faultAccess(pc int, addr, n uint64, write bool) {
	kind, detail := m.classify(addr, n, write)
	m.stop(pc, Fault{Addr: addr, Size: n, Write: write, Kind: kind, Detail: detail})
}

// stop ends the run with a fault of the instruction at pc. The first one counts.
func (m *Machine) stop(pc int, f Fault) {
	if m.fault != nil {
		return
	}
	p := m.programAt(pc)
	f.Program, f.Insn = p.spec.Name, pc-p.start
	f.Line = p.spec.LineAt(f.Insn)
	m.fault = &f
}

// stopf ends the run for an argument of the helper that is being called.
func (m *Machine) stopf(format string, args ...any) uint64 {
	m.stop(m.pc, Fault{Kind: FaultArgument, Detail: fmt.Sprintf(format, args...)})
	return 0
}
