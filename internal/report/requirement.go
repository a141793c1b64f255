package report

import "github.com/bpfhost/bpfhost/core/spec"

// Requirements are what collections ask of the kernel that they are loaded into, and of the user
// who loads them, as far as that can be told from them alone.
type Requirements struct {
	Kernel       string        `json:"kernel"`          // oldest version, "5.10" at least
	Capabilities []string      `json:"capabilities"`    // "CAP_BPF", …
	BPFFS        bool          `json:"bpffs,omitempty"` // a bpf file system has to be mounted, for pins
	BTF          bool          `json:"btf"`             // the kernel has to describe its types
	Causes       []Requirement `json:"causes"`          // what asks for more than 5.10, the youngest first
	Optional     []Requirement `json:"optional"`        // what is used that is younger than Kernel and not needed, the youngest first
}

// Requirement is one thing that kernels have since a version.
type Requirement struct {
	What  string   `json:"what"`  // in the plural: "arena maps", "calls of bpf_loop"
	Since string   `json:"since"` // version of the kernel
	Users []string `json:"users"` // what needs it: "map heap", "program count"
}

// NewRequirements returns the document of what collections need; its lists are empty, not nil.
func NewRequirements(n spec.Requirements) Requirements {
	return Requirements{
		Kernel: n.Kernel.String(), Capabilities: append([]string{}, n.Capabilities...), BPFFS: n.BPFFS, BTF: n.BTF,
		Causes: newRequirementList(n.Causes), Optional: newRequirementList(n.Optional),
	}
}

func newRequirementList(list []spec.Requirement) []Requirement {
	docs := make([]Requirement, 0, len(list))
	for _, c := range list {
		docs = append(docs, Requirement{c.What, c.Since.String(), append([]string{}, c.Users...)})
	}
	return docs
}
