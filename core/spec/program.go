package spec

import (
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
)

// ProgramFlags are the load flags of a program. The bits are those of
// bpf_attr.prog_flags (include/uapi/linux/bpf.h).
type ProgramFlags uint32

// Program is the blueprint of one eBPF program: its entry function and behind it every
// function that it calls, so that it can be understood, edited and loaded alone.
type Program struct {
	Name       string
	Section    string // ELF section it came from; empty when built
	Type       ProgramType
	AttachType AttachType
	AttachTo   string // what the section name says to attach to: "sched_process_exec", "skb/kfree_skb", …
	Flags      ProgramFlags
	Optional   bool // a "?" section: not loaded unless asked for
	Insns      []Insn
	LabelNames map[asm.Label]string // optional names of labels
}

// Insn is an instruction with what is known of it. The pointed-to values are shared between
// clones and must be replaced, never changed in place.
type Insn struct {
	asm.Insn
	Func *btf.Func     // a function starts here; set on the first instruction of every function
	Line *btf.Line     // source line
	Core *btf.CoreRelo // CO-RE relocation that patches this instruction
}
