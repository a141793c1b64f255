package host

import (
	"context"
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/internal/oneline"
)

// Verify has the kernel judge a plan that was allowed: every object is loaded and closed again.
// Nothing is attached or pinned, maps that are pinned already are left alone, and the plugin is not
// called. The result is put into pl.Verified; it can still be applied.
//
// Errors wrap *loader.VerifierError, loader.ErrPermission or loader.ErrNotSupported, or the cause
// of ctx.
func (p *Plugin) Verify(ctx context.Context, pl *plan.Plan) error {
	p.busy.Lock()
	defer p.busy.Unlock()
	if err := p.mayApply(pl); err != nil {
		return fmt.Errorf("verify plan of plugin %s: %w", SafeText(pl.Plugin.Name), err)
	}
	if err := p.refused(pl); err != nil {
		return err
	}
	if err := p.evaluate(pl); err != nil {
		return fmt.Errorf("plugin %s: %w", SafeText(pl.Plugin.Name), err)
	}
	pl.Verified = &plan.Verification{}
	for i := range pl.Objects {
		o := &pl.Objects[i]
		if o.After == nil {
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("verify object %s: %w", SafeText(o.Name), context.Cause(ctx))
		}
		programs, err := p.verify(pl, o)
		if err != nil {
			pl.Verified.Reason = err.Error()
			return err
		}
		pl.Verified.Programs += programs
	}
	return nil
}

// verify loads one object and closes it. It returns how many programs were loaded.
func (p *Plugin) verify(pl *plan.Plan, o *plan.Object) (programs int, err error) {
	c := o.After.Clone()
	for _, m := range c.Maps {
		m.Pinning = spec.PinNone
	}
	attached := c.Attached()
	loaded, err := p.host.backend.Load(c, backend.LoadOptions{Programs: attached.Programs, Digest: p.audit != nil})
	unpinned := *o
	unpinned.After, unpinned.Pins = c, nil
	loaded, unwritten := p.audit.loaded(&unpinned, loaded, err)
	if err != nil {
		return 0, explain(pl.Plugin.Name, o, oneline.Join(err, unwritten))
	}
	if err := oneline.Join(unwritten, loaded.Close()); err != nil {
		return 0, fmt.Errorf("unload object %s: %w", SafeText(o.Name), err)
	}
	return len(c.Select(attached).Programs), nil
}
