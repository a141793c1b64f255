package host

import (
	"context"
	"fmt"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/events"
	"github.com/bpfhost/bpfhost/internal/oneline"
)

// hook describes one export that the host calls.
type hook struct {
	export  string
	phase   abi.Phase
	timeout func(Limits) time.Duration
}

// The hooks, in the order in which a run meets them.
var (
	hookABI       = hook{"bpfhost_abi", abi.PhaseInit, func(l Limits) time.Duration { return l.Describe }}
	hookDescribe  = hook{"bpfhost_describe", abi.PhaseDescribe, func(l Limits) time.Duration { return l.Describe }}
	hookConfigure = hook{"bpfhost_configure", abi.PhaseConfigure, func(l Limits) time.Duration { return l.Configure }}
	hookPlan      = hook{"bpfhost_plan", abi.PhasePlan, func(l Limits) time.Duration { return l.Plan }}
	hookLoaded    = hook{"bpfhost_loaded", abi.PhaseLoaded, func(l Limits) time.Duration { return l.Loaded }}
	hookStarted   = hook{"bpfhost_started", abi.PhaseRun, func(l Limits) time.Duration { return l.Started }}
	hookEvents    = hook{"bpfhost_events", abi.PhaseRun, func(l Limits) time.Duration { return l.Events }}
	hookTick      = hook{"bpfhost_tick", abi.PhaseRun, func(l Limits) time.Duration { return l.Tick }}
	hookStop      = hook{"bpfhost_stop", abi.PhaseStop, func(l Limits) time.Duration { return l.Stop }}
)

// call runs a hook in its phase. A guest that does not have it has nothing to say: 0. The error is
// a *PluginError or *LimitError, or wraps the cause of ctx. A negative result is not an error here.
func (p *Plugin) call(ctx context.Context, h hook, args ...uint64) (int32, error) {
	p.in.Enter(h.phase)
	if !p.in.Has(h.export) {
		return 0, nil
	}
	rc, err := p.in.Call(ctx, h.export, h.timeout(p.limits), args...)
	if err != nil {
		return 0, p.failed(ctx, h.export, err)
	}
	if err := p.audit.failed(); err != nil {
		return 0, err
	}
	return rc, p.in.Flush(ctx)
}

// must is call for hooks whose negative result is a failure of the plugin.
func (p *Plugin) must(ctx context.Context, h hook, args ...uint64) error {
	rc, err := p.call(ctx, h, args...)
	if err != nil {
		return err
	}
	if rc < 0 {
		return p.returned(h, rc)
	}
	return nil
}

// failed is the error of a guest that broke down. What it said before is written, so that the
// operator sees both.
func (p *Plugin) failed(ctx context.Context, export string, err error) error {
	return oneline.Join(pluginError(p.name(), export, err), p.in.Flush(ctx))
}

// returned is the error of a hook that returned a negative number.
func (p *Plugin) returned(h hook, rc int32) error {
	err := fmt.Errorf("returned %d (%w)", rc, p.in.Failure(abi.Errno(-int64(rc))))
	return &PluginError{Plugin: p.name(), Export: h.export, Kind: PluginFailed, Err: err}
}

// name is what the plugin calls itself.
func (p *Plugin) name() string { return p.in.Info().Name }

// eventGuest is the guest as the loop of its run sees it.
type eventGuest struct {
	p   *Plugin
	now func() (uint64, error) // time of the backend
}

var _ events.Guest = eventGuest{}

// Name returns the plugin's name.
func (g eventGuest) Name() string { return g.p.name() }

// View returns a part of the guest's memory.
func (g eventGuest) View(ptr, n uint32) ([]byte, bool) { return g.p.in.View(ptr, n) }

// Deliver calls bpfhost_events.
func (g eventGuest) Deliver(ctx context.Context, source, ptr, size, records uint32) (int32, error) {
	return g.p.call(ctx, hookEvents, uint64(source), uint64(ptr), uint64(size), uint64(records))
}

// MaxRejected returns the limit of batches that the guest rejects in a row.
func (g eventGuest) MaxRejected() int { return g.p.limits.BadBatches }

// Rejected makes the error of a batch that the guest rejected.
func (g eventGuest) Rejected(rc int32) error { return g.p.returned(hookEvents, rc) }

// Broke makes an error of what the guest did against the rules.
func (g eventGuest) Broke(err error) error {
	return &PluginError{Plugin: g.p.name(), Export: hookEvents.export, Kind: PluginABI, Err: err}
}

// Tick calls bpfhost_tick with the backend's time.
func (g eventGuest) Tick(ctx context.Context) error {
	ns, err := g.now()
	if err != nil {
		return err
	}
	return g.p.must(ctx, hookTick, ns)
}

// Stopped reports whether the guest asked for the end of the run.
func (g eventGuest) Stopped() bool {
	_, asked := g.p.in.Stopped()
	return asked
}
