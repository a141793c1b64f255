package host

import (
	"context"
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/internal/oneline"
)

// Apply brings a plan of this plugin into the kernel: it is evaluated again, everything is loaded,
// the plugin fills its maps, then everything is attached and the plugin opens its event sources. At
// the end new pins appear; another run that makes the same ones waits until then, and finds them. If
// a step fails, all before it is undone, last first, and the plugin is not called any more. A
// plugin applies one plan, once.
//
// Errors wrap *policy.Error, *loader.VerifierError, loader.ErrPermission, loader.ErrNotSupported or
// *link.Error, are a *PluginError or *LimitError, or wrap the cause of ctx.
func (p *Plugin) Apply(ctx context.Context, pl *plan.Plan) (*Run, error) {
	p.busy.Lock()
	defer p.busy.Unlock()
	if err := p.mayApply(pl); err != nil {
		return nil, fmt.Errorf("apply plan of plugin %s: %w", SafeText(pl.Plugin.Name), err)
	}
	if err := p.refused(pl); err != nil {
		return nil, err
	}
	p.applied = true
	err := p.evaluate(pl)
	if werr := p.audit.decisions("apply", pl.Decisions...); werr != nil {
		err = werr
	}
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", SafeText(pl.Plugin.Name), err)
	}
	r := newRun(p)
	p.in.Use(&r.live)
	inTime := context.AfterFunc(ctx, func() { r.attached.detach() }) // undo returns its error
	defer inTime()
	if in, ok := r.live.Backend.(backend.Pinner); ok {
		r.pins = in.NewPublication(ctx)
		defer r.pins.Close() // when all is undone that has to be
	}
	steps := []func(context.Context, *plan.Plan) error{r.load, r.seed, r.attach, r.start, r.publishPins}
	for _, step := range steps {
		err := ctx.Err()
		if err != nil {
			err = fmt.Errorf("apply plan of plugin %s: %w", SafeText(pl.Plugin.Name), context.Cause(ctx))
		} else {
			err = step(ctx, pl)
		}
		if err != nil {
			return nil, oneline.Join(err, r.undo())
		}
	}
	if !inTime() {
		err := fmt.Errorf("apply plan of plugin %s: %w", SafeText(pl.Plugin.Name), context.Cause(ctx))
		return nil, oneline.Join(err, r.undo())
	}
	if err := p.running(r); err != nil {
		return nil, oneline.Join(err, r.undo())
	}
	return r, nil
}

// mayApply says why a plan cannot be applied: it has to be one that this module made.
func (p *Plugin) mayApply(pl *plan.Plan) error {
	switch {
	case !p.planned:
		return errNoPlan
	case pl.Plugin.SHA256 != p.in.Info().SHA256:
		return errNotOwner
	case p.applied:
		return errApplied
	case p.denied != nil:
		return p.denied
	}
	return nil
}

// running makes closing the plugin close the run.
func (p *Plugin) running(r *Run) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return fmt.Errorf("apply plan of plugin %s: the plugin was closed", SafeText(p.name()))
	}
	p.run = r
	return nil
}

// load brings every collection into the kernel.
func (r *Run) load(ctx context.Context, p *plan.Plan) error {
	for i := range p.Objects {
		c := &p.Objects[i]
		if c.After == nil {
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("load object %s: %w", SafeText(c.Name), context.Cause(ctx))
		}
		if err := r.loadOne(p.Plugin.Name, c); err != nil {
			return err
		}
	}
	return nil
}

// loadOne brings a collection into the kernel.
func (r *Run) loadOne(plugin string, o *plan.Object) error {
	audit := r.plugin.audit
	loaded, err := r.live.Backend.Load(o.After, backend.LoadOptions{
		Programs: o.After.Attached().Programs, Digest: audit != nil, Pins: o.PinPaths(), Publication: r.pins,
	})
	loaded, unwritten := audit.loaded(o, loaded, err)
	if err != nil {
		return explain(plugin, o, oneline.Join(err, unwritten))
	}
	r.loaded = append(r.loaded, loaded)
	for _, m := range loaded.Maps() {
		r.live.Maps = append(r.live.Maps, &guest.LiveMap{Object: o.Name, Map: audit.written(o, m)})
	}
	return unwritten
}

// explain says of a program that the verifier refused who wrote the instruction to blame.
func explain(plugin string, o *plan.Object, err error) error {
	err = fmt.Errorf("object %s: %w", SafeText(o.Name), err)
	var refused *backend.VerifierError
	if !errors.As(err, &refused) || refused.Insn < 0 {
		return err
	}
	by := "plugin " + plugin
	if o.Source != "" && !o.Wrote(refused.Program, refused.Insn) {
		by = o.Source + ", not by plugin " + plugin
	}
	return fmt.Errorf("%w, written by %s", err, SafeText(by))
}

// seed lets the plugin fill its maps while nothing is attached yet.
func (r *Run) seed(ctx context.Context, _ *plan.Plan) error { return r.plugin.must(ctx, hookLoaded) }

// attach attaches the programs in the order of the plan.
func (r *Run) attach(ctx context.Context, p *plan.Plan) error {
	next := 0
	for i := range p.Objects {
		c := &p.Objects[i]
		if c.After == nil {
			continue
		}
		loaded := r.loaded[next]
		next++
		for _, a := range c.After.Attach {
			if ctx.Err() != nil {
				return fmt.Errorf("attach program %s: %w", SafeText(a.Program), context.Cause(ctx))
			}
			if err := r.attachOne(c, loaded, a); err != nil {
				return fmt.Errorf("object %s: %w", SafeText(c.Name), err)
			}
		}
	}
	return nil
}

// attachOne attaches a program. That an optional attachment fails is noted.
func (r *Run) attachOne(o *plan.Object, loaded backend.Loaded, a spec.Attach) error {
	prog, ok := loaded.Program(a.Program)
	if !ok {
		return fmt.Errorf("attach program %q: it was not loaded", a.Program)
	}
	h, err := r.live.Backend.Attach(prog, a)
	h, unwritten := r.plugin.audit.attached(o, a, prog, h, err)
	switch {
	case err == nil:
		return oneline.Join(unwritten, r.attached.add(h))
	case unwritten != nil:
		return oneline.Join(err, unwritten)
	case a.Optional:
		r.skipped = append(r.skipped, err.Error())
		r.plugin.in.Warn("optional attachment skipped", "reason", SafeText(err.Error()))
	default:
		return err
	}
	return nil
}

// start lets the plugin open its event sources.
func (r *Run) start(ctx context.Context, _ *plan.Plan) error {
	if b, ok := r.live.Backend.(backend.Stepper); ok {
		if err := b.Begin(); err != nil {
			return err
		}
	}
	return r.plugin.must(ctx, hookStarted)
}

// publishPins makes the new pins of all objects appear.
func (r *Run) publishPins(_ context.Context, p *plan.Plan) error {
	if r.pins != nil {
		if err := r.pins.Publish(); err != nil {
			return fmt.Errorf("apply plan of plugin %s: %w", SafeText(p.Plugin.Name), err)
		}
	}
	next := 0
	for i := range p.Objects {
		if p.Objects[i].After == nil {
			continue
		}
		if err := r.plugin.audit.pinned(&p.Objects[i], r.loaded[next]); err != nil {
			return err
		}
		next++
	}
	return nil
}

// undo takes back what Apply did so far, last first, without calling the plugin.
func (r *Run) undo() error {
	r.calls.Lock()
	defer r.calls.Unlock()
	r.state.Lock()
	r.closed = true
	r.state.Unlock()
	if r.pins != nil {
		r.pins.Revert()
	}
	err := r.attached.detach()
	r.live.Events.Close()
	return oneline.Join(err, r.release())
}
