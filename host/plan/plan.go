// Package plan holds what a plugin wants to have loaded and attached, as a value: objects before
// and after, edits, notes, requirements and decisions of the policy. A plan is data: making,
// showing and comparing one needs neither a kernel nor a guest.
//
// A plan comes from host.Plugin.Plan and goes into host.Plugin.Apply. In between it is shown:
// WriteText writes it for people, MarshalJSON for programs.
package plan

import (
	"strings"

	"github.com/bpfhost/bpfhost/host/policy"
)

// Plan is what a plugin wants to have loaded and attached: data only, nothing has happened. It is
// the same for the same plugin, objects, parameters, policy and CO-RE types.
type Plan struct {
	Plugin       Info
	Policy       string            // name of the policy that evaluated it
	Objects      []Object          // the operator's first, then the plugin's own, then those left out
	Decisions    []policy.Decision // everything that was evaluated, and by which rule
	PolicyNotes  []string          // what is unusual about the policy and the requests
	Notes        []Note            // remarks of the plugin
	Edits        []Edit            // what the plugin did, in order
	Requirements Requirements      // of a kernel and of the user who applies it
	Diagnostics  []Diagnostic      // what kernels refuse, or are likely to
	Verified     *Verification     // what the running kernel said; nil if it was not asked
}

// Denied returns the first denial of the policy as a *policy.Error that says how many there are, or
// nil.
func (p *Plan) Denied() error { return policy.Denied(p.Decisions) }

// AddDenials adds denials that were met on the way to the plan and are not among its decisions.
func (p *Plan) AddDenials(list []policy.Decision) {
	type access struct {
		kind policy.Kind
		text string
	}
	known := make(map[access]bool, len(p.Decisions))
	note := func(d policy.Decision) { // with and without what is in brackets
		known[access{d.Kind, d.Access}] = true
		for i := range len(d.Access) {
			if strings.HasPrefix(d.Access[i:], " (") {
				known[access{d.Kind, d.Access[:i]}] = true
			}
		}
	}
	for _, d := range p.Decisions {
		note(d)
	}
	for _, d := range list {
		if !known[access{d.Kind, d.Access}] {
			p.Decisions = append(p.Decisions, d)
			note(d)
		}
	}
}

// Require fills in the requirements of the plan, which follow from its objects. Where the types
// that CO-RE relocations are computed for are given, the kernel need not have its own.
func (p *Plan) Require(typesGiven bool) { p.Requirements = requirementsOf(p.Objects, typesGiven) }
