package report

import (
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// CoreRelo is a CO-RE relocation (struct bpf_core_relo) and, where the types of a kernel are known,
// its result. Outcome is empty without such types; then what follows it has no meaning.
type CoreRelo struct {
	Program    string      `json:"program"`
	Insn       int         `json:"insn"`    // the first instruction that it patches
	Count      int         `json:"count"`   // how many instructions it patches
	Kind       string      `json:"kind"`    // libbpf's name, e.g. "byte_off"
	Type       string      `json:"type"`    // root type in C, as the object has it
	Path       string      `json:"path"`    // "comm[3]", or an enumerator; empty is the type itself
	Outcome    string      `json:"outcome"` // the result in words
	Local      int64       `json:"local"`
	Value      int64       `json:"value"`
	LocalSize  uint32      `json:"local_size"`  // of the field in bytes, with byte_off
	TargetSize uint32      `json:"target_size"` // likewise
	Poison     bool        `json:"poison"`      // there is no value: the instruction must not be reached
	Reason     string      `json:"reason"`      // why Poison is set, or why the value is 0
	Error      string      `json:"error"`       // why the program cannot be loaded
	Candidates []Candidate `json:"candidates"`
}

// Candidate is a type of the kernel that has the right name.
type Candidate struct {
	Type  uint32 `json:"type"`  // id in the kernel's BTF
	Match bool   `json:"match"` // it has what is asked for
	Value int64  `json:"value"` // the result if this is the one, when it matches
}

// NewCoreRelo returns the document of a relocation of one instruction, without a result. A type or
// access string that types, those of the object, do not bear out is left as it is.
func NewCoreRelo(program string, insn int, r btf.CoreRelo, types *btf.Types) CoreRelo {
	d := CoreRelo{Program: program, Insn: insn, Count: 1, Kind: r.Kind.String(), Path: r.Access, Candidates: []Candidate{}}
	if types == nil {
		return d
	}
	if root, path, err := types.CorePath(r); err == nil {
		d.Type, d.Path = root, path
	}
	return d
}

// SetResult fills in the result for the types of a kernel.
func (d *CoreRelo) SetResult(f spec.CoreResult) {
	d.Outcome, d.Local, d.Value = f.Outcome(), int64(f.Local), int64(f.Value)
	d.LocalSize, d.TargetSize, d.Poison, d.Reason = f.LocalSize, f.TargetSize, f.Poison, f.Reason
	if f.Err != nil {
		d.Error = f.Err.Error()
	}
	for _, c := range f.Found {
		d.Candidates = append(d.Candidates, Candidate{uint32(c.Type), c.Match, int64(c.Value)})
	}
}
