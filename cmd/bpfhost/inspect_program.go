package main

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/spec"
)

type programDoc struct {
	Name       string        `json:"name"`
	Section    string        `json:"section"`
	Type       string        `json:"type"`
	AttachType string        `json:"attach_type"`
	AttachTo   string        `json:"attach_to"`
	Insns      int           `json:"insns"`     // with those of the functions it calls; a 64-bit load is one
	Flags      uint32        `json:"flags"`     // bits of bpf_attr.prog_flags
	Optional   bool          `json:"optional"`  // loaded only when something attaches it
	Exception  string        `json:"exception"` // function that bpf_throw calls
	Code       int           `json:"code"`      // bytes of the instructions
	Stack      *stackDoc     `json:"stack"`     // null is unknown
	Functions  []functionDoc `json:"functions"` // its own first, then those that it calls

	JumpTables []jumpTableDoc `json:"jump_tables"`
}

type jumpTableDoc struct {
	Name    string `json:"name"`
	Entries int    `json:"entries"`
}

// stackDoc is how much stack the deepest chain of calls takes.
type stackDoc struct {
	Bytes     int  `json:"bytes"`
	Exact     bool `json:"exact"` // otherwise bytes is the least
	Frames    int  `json:"frames"`
	Recursive bool `json:"recursive"` // there is no bound
}

type functionDoc struct {
	Name  string `json:"name"`
	Insns int    `json:"insns"`
	Stack int    `json:"stack"` // bytes, without what it calls
}

func newProgramDoc(p *spec.Program) programDoc {
	d := programDoc{
		Name: p.Name, Section: p.Section, Type: p.Type.String(), AttachTo: p.AttachTo, Insns: p.Insns.Len(),
		Flags: uint32(p.Flags), Optional: p.Optional, Exception: p.Exception, Functions: []functionDoc{},
		JumpTables: []jumpTableDoc{},
	}
	for _, t := range p.Tables {
		d.JumpTables = append(d.JumpTables, jumpTableDoc{t.Name, len(t.Labels)})
	}
	if p.AttachType != 0 || p.Type == spec.ProgramCgroupSkb { // 0 is incoming packets there
		d.AttachType = p.AttachType.String()
	}
	d.measure(p)
	return d
}

// measure finds the functions, their size and their stack.
func (d *programDoc) measure(p *spec.Program) {
	names := make(map[int]string)
	insns := make([]asm.Insn, p.Insns.Len())
	for i, in := range p.Insns.All() {
		insns[i] = in.Insn
		if f := in.Func; f != nil {
			names[i] = f.Name
		}
	}
	d.Code = int(asm.Slots(insns)) * asm.SlotSize
	g, err := cfg.New(insns, names)
	if err != nil || len(g.Funcs) == 0 {
		return
	}
	use := g.Stack()
	d.Stack = &stackDoc{Bytes: use[0].Depth, Exact: true, Frames: use[0].Frames, Recursive: use[0].Recursive}
	for i, f := range g.Funcs {
		d.Stack.Exact = d.Stack.Exact && use[i].Exact
		d.Functions = append(d.Functions, functionDoc{f.Name, f.End - f.Start, use[i].Bytes})
	}
}
