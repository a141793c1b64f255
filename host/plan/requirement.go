package plan

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/report"
)

// Requirements are what a plan asks of the kernel that it is loaded into, and of the user who loads
// it, as far as that can be told from the plan alone.
type Requirements = report.Requirements

// requirementsOf sums up a plan. Where types are given, CO-RE does not need those of the kernel.
func requirementsOf(objects []Object, given bool) Requirements {
	var after []*spec.Collection
	for _, p := range objects {
		if p.After != nil {
			after = append(after, p.After)
		}
	}
	all := spec.RequirementsOf(after...)
	n := report.NewRequirements(all)
	n.BTF = all.BTF && !(given && all.OnlyCore)
	return n
}

// requirementLine returns "kernel 6.6 (tcx links (6.6)), CAP_BPF + CAP_NET_ADMIN, kernel BTF: no".
func requirementLine(n Requirements) string {
	s := "kernel " + n.Kernel
	features := make([]string, 0, len(n.Causes))
	for _, c := range n.Causes {
		features = append(features, fmt.Sprintf("%s (%s)", c.What, c.Since))
	}
	if len(features) > 0 {
		s += " (" + strings.Join(features, ", ") + ")"
	}
	if len(n.Capabilities) > 0 {
		s += ", " + strings.Join(n.Capabilities, " + ")
	}
	if n.BTF {
		return s + ", kernel BTF: yes"
	}
	return s + ", kernel BTF: no"
}
