package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/policy"
)

// Plan is what a plugin wants to have loaded and attached: data only, nothing has happened. It is the
// same for the same plugin, objects, parameters, policy and Config.CoreTypes.
type Plan struct {
	Plugin      Info
	Policy      string           // name of the policy that judged it
	Collections []Planned        // the operator's objects first, then the plugin's own
	Verdicts    []policy.Verdict // everything that was judged, and by which rule
	Notes       []Note           // remarks of the plugin
	Edits       []Edit           // what the plugin did, in order
	Needs       Needs            // of a kernel and of the user who applies it

	plugin  *Plugin
	applied bool
}

// Planned is one collection of a plan.
type Planned struct {
	Name    string
	Source  string           // file name of the operator's object; empty if the plugin built it
	SHA256  string           // of that file, in hex
	Before  *spec.Collection // as the operator gave it; nil if the plugin built it
	After   *spec.Collection // as it will be loaded; nil if the plugin left the object out
	Changes []spec.Change    // what makes After differ from Before
	Core    []spec.CoreFixup // what the CO-RE relocations of After come to with Config.CoreTypes; nil without
}

// Plan has the plugin configure itself and plan, and checks and judges what comes of it. The kernel
// is not touched and no privilege is needed. A plugin plans once.
//
// The error is a *ParamError, *PluginError or *LimitError, wraps ErrInput for an object that the plugin
// left as unusable as it was, or wraps the cause of ctx; then there is no plan. A plugin that gives up because the
// policy denies something gives a *PluginError that wraps a *policy.Error. When the policy denies the
// result, the plan is returned with a *policy.Error, so that it can be shown; it cannot be applied.
func (p *Plugin) Plan(ctx context.Context) (*Plan, error) {
	p.busy.Lock()
	defer p.busy.Unlock()
	if p.planned {
		return nil, fmt.Errorf("plan plugin %s: it has planned already; open it again", SafeText(p.x.info.Name))
	}
	p.planned = true
	x := p.x
	if err := x.configure(p.options.Params, p.options.Args, p.options.Output); err != nil {
		return nil, err
	}
	if err := x.must(ctx, hookConfigure); err != nil {
		return nil, err
	}
	ov, err := x.transact(ctx)
	if err != nil {
		return nil, err
	}
	plan, err := p.finish(ov)
	if err != nil {
		return nil, err
	}
	if err := p.judge(plan); err != nil {
		return plan, fmt.Errorf("plugin %s: %w", SafeText(x.info.Name), err)
	}
	return plan, nil
}

// transact runs bpfhost_plan on an overlay, and gives the overlay if it succeeds. Otherwise it is
// dropped; the operator's objects were never touched.
func (x *instance) transact(ctx context.Context) (*overlay, error) {
	ov := newOverlay(x.inputs)
	x.overlay = ov
	err := x.must(ctx, hookPlan)
	x.overlay = nil
	x.handles.each(func(obj any) {
		if objectOf(obj) != nil {
			x.handles.drop(obj)
		}
	})
	if err != nil {
		return nil, err
	}
	return ov, nil
}

// finish makes a plan of a transaction, if what it describes fits together.
func (p *Plugin) finish(ov *overlay) (*Plan, error) {
	plan := &Plan{Plugin: p.Info(), Policy: p.policy.Name(), Notes: ov.notes, Edits: ov.edits, plugin: p}
	for _, o := range ov.objects {
		if err := o.work.Check(); err != nil {
			return nil, p.x.invalid(o, err)
		}
		before := o.before
		if before == nil {
			before = &spec.Collection{Order: o.work.Order}
		}
		core, err := p.host.coreFixups(o.work)
		if err != nil {
			return nil, p.x.invalid(o, err)
		}
		plan.Collections = append(plan.Collections, Planned{
			Name: o.name, Source: o.source, SHA256: o.sha256, Before: o.before, After: o.work, Changes: spec.Diff(before, o.work), Core: core,
		})
	}
	for _, o := range ov.removed {
		plan.Collections = append(plan.Collections, Planned{Name: o.name, Source: o.source, SHA256: o.sha256, Before: o.before})
	}
	plan.Needs = needsOf(plan.Collections, p.host.config.CoreTypes != nil)
	return plan, nil
}

// coreFixups says what the CO-RE relocations of a collection come to, if it is known for which kernel.
func (h *Host) coreFixups(c *spec.Collection) ([]spec.CoreFixup, error) {
	if h.config.CoreTypes == nil {
		return nil, nil
	}
	return c.CoreFixups(btf.Target{Name: "the types given", Types: h.config.CoreTypes})
}

// invalid says who is to blame for an object that does not fit together.
func (x *instance) invalid(o *object, err error) error {
	if o.before != nil && o.before.Check() != nil {
		if slices.ContainsFunc(o.before.Notes, func(n spec.Note) bool { return n.Code == elf.NoteUndefined }) {
			err = fmt.Errorf("%w; link it with the object that defines what it only declares", err)
		}
		return &inputError{what: "object", name: o.source, err: err}
	}
	return &PluginError{Plugin: x.info.Name, Export: hookPlan.export, Kind: PluginInvalid, Err: fmt.Errorf("object %s: %w", o.name, err)}
}

// judge holds the plan against the policy. It is asked again before anything is loaded.
func (p *Plugin) judge(plan *Plan) error {
	f := policy.Final{Plugin: p.x.info.Name, SHA256: p.x.info.SHA256, PinDir: p.host.config.PinDir, CPUs: p.host.cpus()}
	for _, c := range plan.Collections {
		if c.After == nil {
			continue
		}
		f.Collections = append(f.Collections, policy.Input{
			Object: c.Source, SHA256: c.SHA256, Edited: c.edited(), Collection: c.After,
		})
	}
	plan.Verdicts = p.policy.Judge(p.x.rights.wishes, policy.Subjects(f))
	return plan.Denied()
}

// edited reports whether the plugin changed an object of the operator. Attaching is no change.
func (c *Planned) edited() bool {
	for _, ch := range c.Changes {
		if ch.Kind != spec.ObjectAttach {
			return c.Before != nil
		}
	}
	return false
}

// Denied gives the first denial of the policy as a *policy.Error that says how many there are, or nil.
func (p *Plan) Denied() error {
	var first error
	more := 0
	for _, v := range p.Verdicts {
		if err := v.Err(); err != nil {
			if first == nil {
				first = err
			} else {
				more++
			}
		}
	}
	if more > 0 {
		return fmt.Errorf("%w (and %d more)", first, more)
	}
	return first
}

// cpus is for how many CPUs the memory of per-CPU maps is computed.
func (h *Host) cpus() int {
	n, err := h.kernelFacts().CPUs()
	if err != nil {
		return 1
	}
	return n
}

// baseName is the last part of a path of any system.
func baseName(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }

// errApplied says that a plan is used up.
var errApplied = errors.New("the plan was applied already")
