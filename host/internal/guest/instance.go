package guest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/tx"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
)

// Options say what an instance gets from its operator.
type Options struct {
	Name   string // what to call the plugin until it says its own name
	Limits Limits
	Policy *policy.Policy
	Stdout io.Writer    // results of a run; nil discards what the plugin writes
	Stderr io.Writer    // diagnostics, and all that is written before there is a run; nil discards it
	Log    *slog.Logger // nil discards what the plugin logs

	// Decided is told of every decision of the policy on what the plugin does, when it does it.
	Decided func(policy.Decision)

	// Memory counts what the guest makes the host hold. It is the caller's; nil counts nothing.
	Memory *budget.Account

	// JSONLines makes every line of Stdout a JSON object: a line of text is a field of one.
	JSONLines bool
}

// Limits bound one guest. None of them has a default.
type Limits struct {
	Handles           int    // open at once
	Faults            int    // bad pointers before the guest is stopped
	OutputBytesPerSec uint64 // both streams together
	LogLinesPerSec    uint64
	OutputWait        time.Duration // for a reader of output that takes nothing, at the end; 0 is any time
	ObjectData        uint64        // bytes of all data sections of one object
}

// Instance is one guest and what its calls share. One goroutine at a time uses it: the caller of a
// hook. Close may be called from any.
type Instance struct {
	*state
	functions Functions
}

// New makes an instance without a guest.
func New(o Options) *Instance {
	s := &state{
		limits: o.Limits, phase: abi.PhaseInit, handles: newHandles(o.Limits.Handles, o.Memory),
		rights: rights{policy: o.Policy, decided: o.Decided, held: o.Memory}, out: newOutput(o), memory: o.Memory,
		symbols: symbols{held: o.Memory}, declared: declarations{memory: o.Memory},
	}
	s.info.Name = o.Name
	return &Instance{state: s, functions: newFunctions(s)}
}

// Start starts the guest. The errors are those of Code.Start.
func (in *Instance) Start(ctx context.Context, code Code) error {
	g, err := code.Start(ctx, in)
	if err != nil {
		return err
	}
	in.guest = g
	for _, h := range abi.Hooks() {
		if g.Has(h.Name) {
			in.info.Hooks = append(in.info.Hooks, h.Name)
		}
	}
	return nil
}

// Info returns what is known of the plugin. What the host itself knows it puts there.
func (in *Instance) Info() *plan.Info { return &in.info }

// Enter says which phase of its life the guest is in from now on.
func (in *Instance) Enter(phase abi.Phase) { in.phase = phase }

// Export returns what to call the export that runs now, in messages made within a call.
func (in *Instance) Export() string { return ExportIn(in.phase) }

// Has reports whether the guest has an export.
func (in *Instance) Has(export string) bool { return in.guest.Has(export) }

// Call calls an export of the guest. The errors are those of Guest.Call.
func (in *Instance) Call(ctx context.Context, export string, timeout time.Duration, args ...uint64) (int32, error) {
	return in.guest.Call(ctx, export, timeout, args...)
}

// View returns a part of the guest's memory, false if that is not there.
func (in *Instance) View(ptr, n uint32) ([]byte, bool) { return in.guest.View(ptr, n) }

// Failure returns why an export returned a code: what the last failed call said, if it failed with
// that code, or the code.
func (in *Instance) Failure(code abi.Errno) error {
	if l := in.last; l.err != nil && l.err.code == code {
		return fmt.Errorf("%s: %w", l.fn, l.err)
	}
	return code
}

// Allow returns a *policy.Error when the plugin may not do something.
func (in *Instance) Allow(a policy.Access) error { return in.rights.allow(a) }

// RecordRefusals lets a guest that only plans do what the policy denies, and notes each refusal.
func (in *Instance) RecordRefusals() { in.rights.record = true }

// Refusals returns what was noted, in order.
func (in *Instance) Refusals() []policy.Decision { return in.rights.refused }

// Asked returns what the guest asked for since RecordRefusals, refused or not, in order.
func (in *Instance) Asked() []policy.Access { return in.rights.asked }

// Requests returns what the plugin asked for when it described itself.
func (in *Instance) Requests() *policy.Requests { return in.rights.requests }

// Described ends the phase in which the plugin describes itself: what it declared becomes part of
// Info, and nothing can be declared any more.
func (in *Instance) Described() error {
	if err := in.declared.describe(&in.info); err != nil {
		return err
	}
	in.handles.each(func(obj any) {
		if _, self := obj.(pluginRef); !self {
			in.handles.drop(obj)
		}
	})
	requests, err := policy.ParseRequests(in.info.Requests)
	if err != nil {
		return err
	}
	in.rights.requests = requests
	return nil
}

// ObjectOptions returns how objects are read for the plugin: what libbpf would refuse is in the
// notes of the plan, and the plugin's own sections come after the host's, whose meaning they cannot
// change.
func (in *Instance) ObjectOptions() elf.Options {
	return in.declared.objectOptions(in.limits.ObjectData)
}

// Configure sets what the guest reads with cfg_get.
func (in *Instance) Configure(c Config) { in.config = c }

// Begin lets the guest edit in a transaction.
func (in *Instance) Begin(t *tx.Transaction) { in.tx = t }

// End ends that: handles of what is in the transaction are stale.
func (in *Instance) End() {
	in.tx = nil
	in.handles.each(func(obj any) {
		if tx.ObjectOf(obj) != nil {
			in.handles.drop(obj)
		}
	})
}

// Use lets the guest use what was loaded. Its results come out of standard output from now on, and
// its quotas of output fill up with time.
func (in *Instance) Use(l *Live) {
	in.live = l
	in.out.goLive()
}

// Stopped reports whether the guest asked for the end of the run, and with which code.
func (in *Instance) Stopped() (code uint32, asked bool) { return in.stop.code, in.stop.requested }

// Flush writes what the guest said up to now. Before a run it waits for the readers until ctx ends,
// in a run for a moment. It returns the first error that a writer returned.
func (in *Instance) Flush(ctx context.Context) error { return in.out.flush(ctx) }

// Warn puts a warning about the plugin into the operator's log, without waiting for a reader.
func (in *Instance) Warn(text string, attrs ...any) { in.out.note(abi.LogWarn, text, attrs...) }

// Output returns how many bytes that the guest wrote were refused because they were over a limit,
// and how many were dropped because nobody read them in time.
func (in *Instance) Output() (refused, unread uint64) { return in.out.account() }

// MemorySize returns how large the guest's memory is, in bytes.
func (in *Instance) MemorySize() uint32 {
	if in.guest == nil {
		return 0
	}
	return in.guest.MemorySize()
}

// Close ends the guest, if it was started, and a call that runs.
func (in *Instance) Close() error {
	if in.guest == nil {
		return nil
	}
	return in.guest.Close()
}

// Finish is called last, when no call runs any more: it closes every handle and writes the rest of
// what the guest said.
func (in *Instance) Finish() error {
	in.handles.closeAll()
	return in.FinishOutput()
}

// FinishOutput writes what the guest said, incomplete lines too. What a reader does not take in
// Limits.OutputWait is dropped.
func (in *Instance) FinishOutput() error { return in.out.finish() }
