package spec

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// ProgramFlags are the load flags of a program. The bits are those of
// bpf_attr.prog_flags (include/uapi/linux/bpf.h).
type ProgramFlags uint32

// The load flags that sections and functions of object files imply.
const (
	FlagSleepable ProgramFlags = 1 << 4 // BPF_F_SLEEPABLE
	FlagXDPFrags  ProgramFlags = 1 << 5 // BPF_F_XDP_HAS_FRAGS
)

// Program is the spec of one eBPF program: its entry function, followed by every
// function that it calls, so that it can be understood, edited and loaded alone.
type Program struct {
	Name       string
	Section    string // ELF section it came from; empty when built
	Type       ProgramType
	AttachType AttachType
	Probe      Probe  // of type kprobe: what it probes
	AttachTo   string // what the section name says to attach to: "sched_process_exec", "skb/kfree_skb", …
	Flags      ProgramFlags
	Optional   bool   // a "?" section: not loaded unless asked for
	Exception  string // function of the program that bpf_throw calls (tag "exception_callback:")
	Insns      Insns
	LabelNames map[asm.Label]string // optional names of labels
	Tables     []JumpTable          // names unique
}

// Insn is an instruction with what is known of it. The pointed-to values are shared between
// clones and must be replaced, never changed in place.
type Insn struct {
	asm.Insn
	Func *btf.FuncInfo // a function starts here; set on the first instruction of every function
	Line *btf.LineInfo // source line
	Core *btf.CoreRelo // CO-RE relocation that patches this instruction
}

// Clone returns a copy that shares nothing that may be changed.
func (p *Program) Clone() *Program {
	n := *p
	n.LabelNames = maps.Clone(p.LabelNames)
	n.Tables = cloneTables(p.Tables)
	return &n
}

// NewLabel returns a label that nothing in the program uses, nor the thousands after it: one above
// the largest, as long as that is below half of all numbers.
func (p *Program) NewLabel() asm.Label {
	var top asm.Label
	if r := p.Insns.rope; r != nil {
		top = r.summary().top
		p.eachName(func(l asm.Label) { top = max(top, l) })
	} else {
		p.eachLabel(func(l asm.Label) { top = max(top, l) })
	}
	if top < math.MaxInt32 {
		return top + 1
	}
	var used []asm.Label
	p.eachLabel(func(l asm.Label) { used = append(used, l) })
	slices.Sort(used)
	free, room := asm.Label(1), asm.Label(0)
	var last asm.Label
	for _, l := range append(used, math.MaxUint32) {
		if l-last > room {
			free, room = last+1, l-last
		}
		last = l
	}
	return free
}

// eachLabel calls f with every label that the program defines, refers to or names, and perhaps with
// 0.
func (p *Program) eachLabel(f func(asm.Label)) {
	for _, list := range p.Insns.lists() {
		for i := range list {
			f(list[i].Label)
			f(list[i].Target)
		}
	}
	for k := range p.Insns.pieces {
		piece := &p.Insns.pieces[k]
		list := piece.Insns()
		for i := range list {
			if l := list[i].Label(); l != 0 {
				f(l + piece.Labels)
			}
			if list[i].Kind() == asm.RefLabel {
				f(list[i].Target() + piece.Labels)
			}
		}
	}
	p.eachName(f)
}

// eachName calls f with every label that has a name or is in a jump table.
func (p *Program) eachName(f func(asm.Label)) {
	for l := range p.LabelNames {
		f(l)
	}
	for _, t := range p.Tables {
		for _, l := range t.Labels {
			f(l)
		}
	}
}

// FindLabel returns the index of the instruction that carries the label, or -1.
func (p *Program) FindLabel(l asm.Label) int {
	if l == 0 {
		return -1
	}
	if r := p.Insns.rope; r != nil {
		return firstOf(r.labelled(l))
	}
	return p.Insns.index(func(m mark) bool { return m.label == l })
}

// FindFunc returns the index of the first instruction of a function of the program, or -1.
func (p *Program) FindFunc(name string) int {
	if r := p.Insns.rope; r != nil {
		return firstOf(r.starting(name))
	}
	return p.Insns.index(func(m mark) bool { return m.fn != nil && m.fn.Name == name })
}

// FuncAt returns the function that instruction i belongs to and the index where it starts.
// Before the first mark it is nil and 0.
func (p *Program) FuncAt(i int) (*btf.FuncInfo, int) {
	if r := p.Insns.rope; r != nil {
		i = r.before(min(i, r.n-1), func(s summary) bool { return s.funcs }, func(in *Insn) bool { return in.Func != nil })
	}
	for i = min(i, p.Insns.Len()-1); i >= 0; i-- {
		if f := p.Insns.At(i).Func; f != nil {
			return f, i
		}
	}
	return nil, 0
}

// LineAt returns the source line that instruction i belongs to, or nil: the nearest line record at
// or above it within its function.
func (p *Program) LineAt(i int) *btf.LineInfo {
	if r := p.Insns.rope; r != nil {
		i = r.before(min(i, r.n-1), func(s summary) bool { return s.funcs || s.lines }, func(in *Insn) bool { return in.Func != nil || in.Line != nil })
	}
	for i = min(i, p.Insns.Len()-1); i >= 0; i-- {
		in := p.Insns.At(i)
		if in.Line != nil {
			return in.Line
		}
		if in.Func != nil {
			break
		}
	}
	return nil
}

// Resolve returns the instructions alone, as a fresh copy in which references to functions have
// become references to labels: what the encoder takes. Labels made up for function starts begin
// with NewLabel. It fails if a reference names no function of the program.
func (p *Program) Resolve() ([]asm.Insn, error) {
	out := p.Insns.plain()
	starts := make(map[string]int)
	for i, m := range p.Insns.marks() {
		if f := m.fn; f != nil {
			if _, dup := starts[f.Name]; dup {
				return nil, fmt.Errorf("resolve calls of program %s: function %s is defined twice", show(p.Name), show(f.Name))
			}
			starts[f.Name] = i
		}
	}
	next := p.NewLabel()
	for i := range out {
		r := &out[i]
		if r.Ref != asm.RefFunc {
			continue
		}
		at, ok := starts[r.Symbol]
		if !ok {
			return nil, fmt.Errorf("resolve calls of program %s: instruction %d refers to function %s, which the program does not have", show(p.Name), i, show(r.Symbol))
		}
		if out[at].Label == 0 {
			out[at].Label = next
			next++
		}
		r.SetTarget(out[at].Label)
	}
	return out, nil
}
