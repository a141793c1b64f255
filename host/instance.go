package host

import (
	"context"
	"fmt"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/oneline"
)

// instance is one running guest and everything that its calls may touch. It implements imports, the
// functions of the ABI. One goroutine at a time uses it: the caller of a hook.
type instance struct {
	guest   guest
	info    Info
	limits  Limits
	phase   abi.Phase
	handles *handles
	symbols symbols
	last    lastError
	faults  int

	params   []*declaredParam
	requests []*declaredRequest
	sections []*declaredSection
	config   config
	rights   rights
	inputs   []tx.Input
	tx       *tx.Transaction // only while planning
	run      *Run            // only after loading
	out      *output
	stop     stopRequest
	scratch  []byte
}

// guest is what the host needs of a sandboxed module; tests have one of their own.
type guest interface {
	Call(ctx context.Context, export string, timeout time.Duration, args ...uint64) (int32, error)
	Has(export string) bool
	View(ptr, n uint32) ([]byte, bool)
	Abort(err error)
	Close() error
}

var (
	_ guest   = (*sandbox.Guest)(nil)
	_ imports = (*instance)(nil)
)

// stopRequest is what a guest said with the function stop.
type stopRequest struct {
	requested bool
	code      uint32
}

func newInstance(name string, limits Limits, out *output) *instance {
	x := &instance{limits: limits, phase: abi.PhaseInit, handles: newHandles(limits.Handles), out: out}
	x.info.Name = name
	x.rights = rights{policy: policy.BuiltIn()}
	return x
}

// Phase says where in its life the guest is.
func (x *instance) Phase() abi.Phase { return x.phase }

// Refuse notes a call that the argument decoder refused.
func (x *instance) Refuse(fn abi.FuncID, code abi.Errno) int32 {
	e := failf(code, "%s", code.Error())
	if code == abi.ErrPhase {
		e.text = fmt.Sprintf("%s may not be called in phase %s", fn, x.phase)
	}
	return x.refuse(fn, e)
}

// fault counts bad pointers: a guest may probe, or be wrong now and then, but not for ever.
func (x *instance) fault() {
	if x.faults++; x.faults > x.limits.Faults {
		x.guest.Abort(&LimitError{Plugin: x.info.Name, Export: x.export(), What: "bad pointers", Max: fmt.Sprint(x.limits.Faults)})
	}
}

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
func (x *instance) call(ctx context.Context, h hook, args ...uint64) (int32, error) {
	x.phase = h.phase
	if !x.guest.Has(h.export) {
		return 0, nil
	}
	rc, err := x.guest.Call(ctx, h.export, h.timeout(x.limits), args...)
	if err != nil {
		return 0, x.ended(pluginError(x.info.Name, h.export, err))
	}
	return rc, x.out.flush()
}

// must is call for hooks whose negative result is a failure of the plugin.
func (x *instance) must(ctx context.Context, h hook, args ...uint64) error {
	rc, err := x.call(ctx, h, args...)
	if err != nil {
		return err
	}
	if rc < 0 {
		return x.hookFailed(h.export, rc)
	}
	return nil
}

// export is the hook of the phase, for messages made within a call.
func (x *instance) export() string {
	switch x.phase {
	case abi.PhaseDescribe:
		return hookDescribe.export
	case abi.PhaseConfigure:
		return hookConfigure.export
	case abi.PhasePlan:
		return hookPlan.export
	case abi.PhaseLoaded:
		return hookLoaded.export
	case abi.PhaseRun:
		return "run"
	case abi.PhaseStop:
		return hookStop.export
	}
	return "start"
}

// of returns the functions of the guest that calls. The guest's first code runs before Load returns
// it.
func (x *instance) of(g *sandbox.Guest) imports {
	if x.guest == nil {
		x.guest = g
	}
	return x
}

// ended writes what the guest said before it failed, so that the operator sees both.
func (x *instance) ended(err error) error {
	return oneline.Join(err, x.out.flush())
}
