package plan

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
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
	all := lint.Requirements(after...)
	n := report.NewRequirements(all)
	n.BTF = all.BTF && !(given && all.OnlyCore)
	return n
}

// requirementLine returns "kernel 6.6 (tcx links (6.6)), CAP_BPF + CAP_NET_ADMIN, kernel BTF: no".
func requirementLine(n Requirements) string {
	s := "kernel " + n.Kernel
	if len(n.Causes) > 0 {
		s += " (" + featuresText(n.Causes) + ")"
	}
	if len(n.Capabilities) > 0 {
		s += ", " + strings.Join(n.Capabilities, " + ")
	}
	if n.BPFFS {
		s += ", a bpf file system"
	}
	if n.BTF {
		return s + ", kernel BTF: yes"
	}
	return s + ", kernel BTF: no"
}

// featuresText returns "tcx links (6.6), calls of bpf_loop (5.17)".
func featuresText(list []report.Requirement) string {
	features := make([]string, 0, len(list))
	for _, c := range list {
		features = append(features, fmt.Sprintf("%s (%s)", c.What, c.Since))
	}
	return strings.Join(features, ", ")
}
