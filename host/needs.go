package host

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Needs is what a plan asks of the kernel that it is loaded into, and of the user who loads it, as far
// as that can be told from the plan alone.
type Needs struct {
	Kernel       string   `json:"kernel"`             // oldest version, "5.10" at least
	Features     []string `json:"features,omitempty"` // what asks for more than 5.10, e.g. "tcx links (6.6)", the youngest first
	Capabilities []string `json:"capabilities,omitempty"`
	BTF          bool     `json:"btf"` // the kernel has to describe its types
}

// needsOf sums up a plan. Where types are given, CO-RE does not need those of the kernel.
func needsOf(planned []Planned, given bool) Needs {
	var after []*spec.Collection
	for _, p := range planned {
		if p.After != nil {
			after = append(after, p.After)
		}
	}
	all := spec.NeedsOf(after...)
	n := Needs{Kernel: all.Kernel.String(), Capabilities: all.Capabilities, BTF: all.BTF && !(given && all.OnlyCore)}
	for _, c := range all.Causes {
		n.Features = append(n.Features, fmt.Sprintf("%s (%s)", c.What, c.Since))
	}
	return n
}

// String is one line: "kernel 6.6 (tcx links (6.6)), CAP_BPF + CAP_NET_ADMIN, kernel BTF: no".
func (n Needs) String() string {
	s := "kernel " + n.Kernel
	if len(n.Features) > 0 {
		s += " (" + strings.Join(n.Features, ", ") + ")"
	}
	if len(n.Capabilities) > 0 {
		s += ", " + strings.Join(n.Capabilities, " + ")
	}
	if n.BTF {
		return s + ", kernel BTF: yes"
	}
	return s + ", kernel BTF: no"
}
