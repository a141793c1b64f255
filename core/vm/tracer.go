package vm

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Tracer sees every instruction that a machine runs, and counts how often. A machine without one
// pays nothing for it: with one, each instruction is replaced by one that asks it, and no engine runs
// programs.
type Tracer struct {
	m      *Machine
	plain  []insn // the instructions themselves
	counts []uint64
	step   func(Step)
}

// Step is an instruction that is about to run.
type Step struct {
	Program *spec.Program
	Insn    int         // number in Insns of the program
	Regs    *[11]uint64 // R0 to R10 before it; valid within the call
}

// NewTracer begins to trace a machine, and ends what another tracer of it does. step is called before
// each instruction; nil is nobody, and instructions are only counted.
func NewTracer(m *Machine, step func(Step)) *Tracer {
	if m.tracer != nil {
		m.tracer.Close()
	}
	t := &Tracer{m: m, plain: m.code, counts: make([]uint64, len(m.code)), step: step}
	m.tracer, m.code = t, make([]insn, len(m.code))
	for i, in := range t.plain {
		in.op = opTraced
		m.code[i] = in
	}
	return t
}

// Close ends tracing. What was counted stays.
func (t *Tracer) Close() {
	if t.m.tracer == t {
		t.m.tracer, t.m.code = nil, t.plain
	}
}

// at returns the instruction at pc, which is about to run.
func (t *Tracer) at(pc int) *insn {
	t.counts[pc]++
	if t.step != nil {
		p := t.m.programAt(pc)
		t.step(Step{p.spec, pc - p.start, (*[11]uint64)(t.m.regs[:])})
	}
	return &t.plain[pc]
}

// Counts returns how often each instruction of a program was run, by its number in Insns of the
// program; nil if the machine has no program of that name.
func (t *Tracer) Counts(program string) []uint64 {
	i, ok := t.m.byName[program]
	if !ok {
		return nil
	}
	start, end := t.m.programs[i].start, len(t.counts)
	if i+1 < len(t.m.programs) {
		end = t.m.programs[i+1].start
	}
	return t.counts[start:end:end]
}

// Locate says which object an address is in, and where in it, so that addresses of two machines can be
// compared: "stack", "context", "packet", "map NAME", "values of map NAME", "objects", "code". ok is
// false if it is no address.
func (t *Tracer) Locate(addr uint64) (object string, offset uint64, ok bool) {
	if addr>>32 == codeAddr>>32 {
		return "code", 0, true // functions move when instructions are inserted
	}
	r := t.m.mem.regionOf(addr)
	if r == nil {
		return "", 0, false
	}
	switch r.outside {
	case FaultStack:
		return "stack", addr - r.start, true
	case FaultContext:
		return "context", addr - r.start, true
	case FaultPacket:
		return "packet", addr - r.start, true
	case FaultHandle:
		if mp := t.m.byHandle(addr); mp != nil {
			return "map " + mp.spec.Name, 0, true
		}
		return "", 0, false
	case FaultObject:
		return "objects", addr - r.start, true
	}
	// A map may have several regions, of which those before this one count too.
	offset = addr - r.start
	for i := range t.m.mem.regions {
		o := &t.m.mem.regions[i]
		if o == r {
			break
		}
		if o.outside == r.outside && o.name == r.name {
			offset += o.end - o.start
		}
	}
	return fmt.Sprintf("values of map %s", r.name), offset, true
}
