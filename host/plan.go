package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
)

// Plan has the plugin configure itself and plan, and checks and evaluates what comes of it. The
// kernel is only asked whether maps that the plan shares by name exist, and no privilege is needed. A
// plugin plans once.
//
// The error is a *ParamError, *PluginError or *LimitError, wraps ErrInput for an object that the
// plugin left as unusable as it was, or wraps the cause of ctx; then there is no plan. When the
// policy denies the result, the plan is returned with a *policy.Error, so that it can be shown; it
// cannot be applied. A plugin that fails because the policy denies something is asked for its plan
// once more, with nothing refused, so that all refusals are in it; where none comes of that, the error
// is a *PluginError that wraps a *policy.Error. Where decisions cannot be written to
// PluginOptions.Audit, there is no plan.
//
// When kernels refuse what is planned the plan is returned to be shown, too, with a
// *plan.RefusedError in a *PluginError or, for what the operator's object has, wrapped by ErrInput.
func (p *Plugin) Plan(ctx context.Context) (*plan.Plan, error) {
	p.busy.Lock()
	defer p.busy.Unlock()
	if p.planned {
		return nil, fmt.Errorf("plan plugin %s: it has planned already; open it again", SafeText(p.name()))
	}
	p.planned = true
	config, err := p.configuration()
	if err != nil {
		return nil, err
	}
	made, err := p.plan(ctx, config)
	var refused *policy.Error
	if errors.As(err, &refused) {
		made, err = p.survey(ctx, config, err)
	} else if err == nil {
		err = p.evaluate(made)
		p.denied = err
	}
	if made != nil {
		if werr := p.audit.decisions("plan", made.Decisions...); werr != nil {
			return nil, fmt.Errorf("plan plugin %s: %w", SafeText(p.name()), werr)
		}
	}
	switch {
	case made == nil:
		return nil, err
	case err != nil:
		return made, fmt.Errorf("plugin %s: %w", SafeText(p.name()), err)
	}
	return made, p.refused(made)
}

// plan has the plugin configure itself and plan.
func (p *Plugin) plan(ctx context.Context, config guest.Config) (*plan.Plan, error) {
	p.in.Configure(config)
	if err := p.must(ctx, hookConfigure); err != nil {
		return nil, err
	}
	ov, err := p.transact(ctx)
	if err != nil {
		return nil, err
	}
	return p.finish(ov)
}

// survey makes the plan of a plugin that gave up when the policy first denied it something, so that
// the operator sees all refusals at once: its code starts once more, silent, with every refusal noted
// instead of returned. The plan cannot be applied. Where none comes of it, the error is first.
func (p *Plugin) survey(ctx context.Context, config guest.Config, first error) (*plan.Plan, error) {
	o, info := p.options, p.in.Info()
	o.Stdout, o.Stderr, o.Audit = nil, nil, nil // what is decided is in the plan
	known := Info{SHA256: info.SHA256, Signers: info.Signers, Size: info.Size, ABIHash: info.ABIHash}
	again := p.host.logging(known, o, nil)
	again.inputs, again.signers = p.inputs, p.signers
	err := again.start(ctx, p.code)
	var made *plan.Plan
	if err == nil {
		again.in.RecordRefusals()
		made, err = again.plan(ctx, config)
	}
	if err == nil {
		_ = again.evaluate(made) // its decisions are in the plan
		made.AddDenials(again.in.Refusals())
		p.denied = made.Denied()
	}
	if cerr := again.end(); err != nil || cerr != nil || p.denied == nil {
		return nil, first
	}
	return made, p.denied
}

// transact runs bpfhost_plan in a transaction, and returns that if it succeeds. Otherwise it is
// dropped; the operator's objects were never touched.
func (p *Plugin) transact(ctx context.Context) (*tx.Transaction, error) {
	t := tx.New(p.name(), p.inputs, p.memory)
	p.in.Begin(t)
	err := p.must(ctx, hookPlan)
	p.in.End()
	if err != nil {
		return nil, err
	}
	return t, nil
}

// finish makes a plan of a transaction, if what it describes fits together.
func (p *Plugin) finish(ov *tx.Transaction) (*plan.Plan, error) {
	made := &plan.Plan{Plugin: p.Info(), Policy: p.policy.Name(), Notes: ov.Notes, Edits: ov.Edits}
	types := p.host.config.CoreTypes
	for _, o := range ov.Objects {
		blocking, rest := o.Work.Select(o.Work.Attached()).Split(o.Work.CheckAll())
		if len(blocking) > 0 {
			return nil, p.unfit(o, blocking)
		}
		done := plan.Object{Name: o.Name, Source: o.Source, SHA256: o.SHA256, Before: o.Before, After: o.Work, Unfit: rest}
		if err := done.Complete(types); err != nil {
			was := plan.Object{After: o.Before}
			if was.Complete(types) != nil {
				return nil, objectError(o, err)
			}
			return nil, p.invalid(o, err)
		}
		made.Objects = append(made.Objects, done)
	}
	for _, o := range ov.Removed {
		made.Objects = append(made.Objects, plan.Object{Name: o.Name, Source: o.Source, SHA256: o.SHA256, Before: o.Before})
	}
	made.Require(types != nil)
	made.Diagnose()
	return made, nil
}

// unfit says who is to blame for an object that does not fit together: the plugin, if anything is
// unfit that was fit in the operator's object.
func (p *Plugin) unfit(o *tx.Object, all []*spec.CheckError) error {
	if o.Before == nil {
		return p.invalid(o, all[0])
	}
	before := o.Before.CheckAll()
	for _, e := range all {
		if !slices.ContainsFunc(before, func(b *spec.CheckError) bool { return b.Kind == e.Kind && b.Name == e.Name }) {
			return p.invalid(o, e)
		}
	}
	return objectError(o, all[0])
}

// refused says that kernels refuse what is planned, and whose fault it is.
func (p *Plugin) refused(pl *plan.Plan) error {
	var e *plan.RefusedError
	if !errors.As(pl.Refused(), &e) {
		return nil
	}
	if e.Plugin {
		return &PluginError{Plugin: p.name(), Export: hookPlan.export, Kind: PluginInvalid, Err: e}
	}
	return &inputError{what: "object", name: e.Author, err: e}
}

// invalid blames the plugin for an object.
func (p *Plugin) invalid(o *tx.Object, err error) error {
	return &PluginError{Plugin: p.name(), Export: hookPlan.export, Kind: PluginInvalid, Err: fmt.Errorf("object %s: %w", o.Name, err)}
}

// objectError blames the object that the operator passed.
func objectError(o *tx.Object, err error) error {
	if slices.ContainsFunc(o.Before.Notes, func(n spec.Note) bool { return n.Code == elf.NoteUndefined }) {
		err = fmt.Errorf("%w; link it with the object that defines what it only declares", err)
	}
	return &inputError{what: "object", name: o.Source, err: err}
}

// evaluate holds the plan against the policy. It is asked again before anything is loaded.
func (p *Plugin) evaluate(pl *plan.Plan) error {
	pl.PolicyNotes = append(p.policy.Notes(), p.in.Requests().Notes()...)
	pl.Decisions = p.policy.Evaluate(p.in.Requests(), p.accesses(pl))
	p.host.lookUpPins(pl)
	return pl.Denied()
}

// accesses lists what a plan has to evaluate, and puts the pins that are among it into the plan.
func (p *Plugin) accesses(pl *plan.Plan) []policy.Access {
	f := policy.Final{Plugin: p.name(), SHA256: p.in.Info().SHA256, Signers: p.signers, Requests: p.in.Requests(), PinDir: p.host.config.PinDir, Machine: p.host.machine()}
	for i := range pl.Objects {
		o := &pl.Objects[i]
		if o.After == nil {
			continue
		}
		o.Pins = plan.PinsOf(f.Pins(o.After))
		f.Collections = append(f.Collections, policy.Input{
			Object: o.Source, SHA256: o.SHA256, Edited: o.Edited(), Collection: o.After,
		})
	}
	return policy.Accesses(f)
}

// machine is what the memory of maps is computed for.
func (h *Host) machine() spec.Machine {
	m := spec.Machine{CPUs: runtime.NumCPU(), PageSize: os.Getpagesize()}
	if n, err := h.backend.CPUs(); err == nil {
		m.CPUs = n
	}
	return m
}

// Reasons why a plan cannot be applied.
var (
	errApplied  = errors.New("the plan was applied already")
	errNoPlan   = errors.New("the plugin has not planned")
	errNotOwner = errors.New("it is the plan of another module")
)
