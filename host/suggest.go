package host

import (
	"context"
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
)

var errSuggested = errors.New("the plugin was asked for a policy, not for a plan")

// Suggest has the plugin configure itself and plan with nothing refused, and returns the smallest
// policy that lets that plan through, with what no policy grants. It takes the place of Plan.
//
// The plan is returned to be shown, and cannot be applied. Errors are those of Plan, but for
// *policy.Error.
func (p *Plugin) Suggest(ctx context.Context) (policy.Suggestion, *plan.Plan, error) {
	p.busy.Lock()
	defer p.busy.Unlock()
	if p.planned {
		return policy.Suggestion{}, nil, fmt.Errorf("suggest policy for plugin %s: it has planned already; open it again", SafeText(p.name()))
	}
	p.planned, p.denied = true, errSuggested
	config, err := p.configuration()
	if err != nil {
		return policy.Suggestion{}, nil, err
	}
	p.in.RecordRefusals()
	made, err := p.plan(ctx, config)
	if err != nil {
		return policy.Suggestion{}, nil, err
	}
	accesses := p.accesses(made)
	return policy.Suggest(p.in.Requests(), policy.Merge(accesses, p.in.Asked())), made, p.refused(made)
}
