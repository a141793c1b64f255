package plan

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Requirements is what a plan asks of the kernel that it is loaded into, and of the user who loads it, as far
// as that can be told from the plan alone.
type Requirements struct {
	Kernel       string   `json:"kernel"`             // oldest version, "5.10" at least
	Features     []string `json:"features,omitempty"` // what asks for more than 5.10, e.g. "tcx links (6.6)", the youngest first
	Capabilities []string `json:"capabilities,omitempty"`
	BTF          bool     `json:"btf"` // the kernel has to describe its types
}

// requirementsOf sums up a plan. Where types are given, CO-RE does not need those of the kernel.
func requirementsOf(objects []Object, given bool) Requirements {
	var after []*spec.Collection
	for _, p := range objects {
		if p.After != nil {
			after = append(after, p.After)
		}
	}
	all := spec.NeedsOf(after...)
	n := Requirements{Kernel: all.Kernel.String(), Capabilities: all.Capabilities, BTF: all.BTF && !(given && all.OnlyCore)}
	for _, c := range all.Causes {
		n.Features = append(n.Features, fmt.Sprintf("%s (%s)", c.What, c.Since))
	}
	return n
}

// String returns one line: "kernel 6.6 (tcx links (6.6)), CAP_BPF + CAP_NET_ADMIN, kernel BTF: no".
func (n Requirements) String() string {
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
