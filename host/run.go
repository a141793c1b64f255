package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/events"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/internal/oneline"
)

// SourceAccount says what became of the records of one event source.
type SourceAccount = events.Account

// Run is a plan that was applied: everything is in the kernel and attached. Serve feeds events to
// the plugin; Close takes everything out again.
type Run struct {
	plugin   *Plugin
	live     guest.Live // what the guest may use of it
	loaded   []backend.Loaded
	pins     backend.Publication // while it is applied; nil where nothing is kept
	attached attachments
	skipped  []string // optional attachments that failed, and why

	calls  sync.Mutex // held by who calls the guest: Serve, or Close
	reason abi.StopReason

	state  sync.Mutex // guards what follows, never held for long
	cancel context.CancelFunc
	closed bool
	latest []SourceAccount
	final  []SourceAccount // once closed

	closing sync.Once
	err     error         // what Close returned
	output  OutputAccount // known then
}

// OutputAccount says what a plugin wrote and nobody got, in bytes.
type OutputAccount struct {
	Refused uint64 // more than its limits allow; the plugin was told
	Unread  uint64 // not read in time, see Limits.OutputWait
}

// String returns one line: "1,024 bytes refused over its limits + 512 not read in time".
func (a OutputAccount) String() string {
	return fmt.Sprintf("%s bytes refused over its limits + %s not read in time", events.Thousands(a.Refused), events.Thousands(a.Unread))
}

// Output says what became of the plugin's output. It is known once the run is closed.
func (r *Run) Output() OutputAccount {
	r.state.Lock()
	defer r.state.Unlock()
	return r.output
}

func newRun(p *Plugin) *Run {
	b := p.host.backend
	loop := events.NewLoop(eventGuest{p, b.Now}, clock(b))
	return &Run{plugin: p, live: guest.Live{Backend: b, Events: loop}, reason: abi.StopClosed}
}

// clock returns the time by which events wait: that of a backend in which things happen when they are
// asked for, otherwise nil for that of this machine.
func clock(b Backend) func() time.Time {
	if _, ok := b.(backend.Stepper); !ok {
		return nil
	}
	return func() time.Time {
		ns, _ := b.Now() // a simulation knows its time
		return time.Unix(0, int64(ns))
	}
}

// Skipped lists the optional attachments that failed, each with its reason.
func (r *Run) Skipped() []string { return slices.Clone(r.skipped) }

// Serve hands events to the plugin until ctx ends, the plugin stops, or in a backend.Stepper nothing is
// left to happen, and then returns nil; what is left in the rings stays there for Close. The error is a
// *PluginError or *LimitError, that of a backend.Stepper, or says why output or events could not be
// passed on. Serve may be called again after ctx ended.
func (r *Run) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !r.begin(cancel) {
		return fmt.Errorf("serve plugin %s: the run is closed", SafeText(r.plugin.name()))
	}
	r.calls.Lock()
	defer r.calls.Unlock()
	place, steps := r.live.Backend.(backend.Stepper)
	var err, failed error
	if steps {
		err = r.live.Events.Step(ctx, func() error {
			e := place.Step()
			if e != nil && e != io.EOF { // the plugin has what came before
				failed, e = e, io.EOF
			}
			return e
		}, r.publish)
	} else {
		err = r.live.Events.Serve(ctx, r.publish)
	}
	r.reason = r.reasonOf(ctx, err, steps)
	r.publish()
	if code, _ := r.plugin.in.Stopped(); err == nil && code != 0 {
		err = &PluginError{Plugin: r.plugin.name(), Export: r.plugin.in.Export(), Kind: PluginStopped, Err: fmt.Errorf("it stopped the run with code %d", code)}
	}
	return oneline.Join(err, failed)
}

// begin lets Close end a Serve.
func (r *Run) begin(cancel context.CancelFunc) bool {
	r.state.Lock()
	defer r.state.Unlock()
	if r.closed {
		return false
	}
	r.cancel = cancel
	return true
}

// reasonOf is what the plugin is told about the end of the run; over says that it can end by itself.
func (r *Run) reasonOf(ctx context.Context, err error, over bool) abi.StopReason {
	_, asked := r.plugin.in.Stopped()
	switch {
	case err != nil:
		return abi.StopError
	case asked:
		return abi.StopAsked
	case r.isClosed():
		return abi.StopClosed
	case errors.Is(ctx.Err(), context.DeadlineExceeded), over && ctx.Err() == nil:
		return abi.StopDuration
	}
	return abi.StopInterrupted
}

func (r *Run) isClosed() bool {
	r.state.Lock()
	defer r.state.Unlock()
	return r.closed
}

// publish makes the accounts as they are readable for others.
func (r *Run) publish() {
	latest := r.live.Events.Accounts()
	r.state.Lock()
	defer r.state.Unlock()
	r.latest = latest
}

// Detach takes the programs off their hooks, last first, and waits for nothing: neither for a call
// of the plugin that runs nor for a reader of its output. Events that were sent still arrive. It
// may be called from any goroutine; detaching again returns the same error.
func (r *Run) Detach() error { return r.attached.detach() }

// Close ends the run: programs are detached first, then the plugin gets what is left in the rings
// and its stop hook, within its deadline, and then maps and programs are closed. A plugin that
// failed is not called any more. Output that nobody reads is dropped after Limits.OutputWait.
// Closing again returns the same error.
func (r *Run) Close() error {
	r.closing.Do(func() {
		r.state.Lock()
		r.closed = true
		if r.cancel != nil {
			r.cancel()
		}
		r.state.Unlock()
		err := r.Detach() // whatever the guest does now
		r.calls.Lock()
		defer r.calls.Unlock()
		err = oneline.Join(err, r.shutdown())
		err = oneline.Join(err, r.release())
		r.err = oneline.Join(err, r.plugin.in.FinishOutput())
		r.state.Lock()
		defer r.state.Unlock()
		r.output.Refused, r.output.Unread = r.plugin.in.Output()
	})
	return r.err
}

// attachments are what a run has attached.
type attachments struct {
	mu    sync.Mutex
	hooks []backend.Hook
	over  bool // detached: nothing is attached any more
	err   error
}

// add keeps an attachment. If the others were detached before, it is detached too.
func (a *attachments) add(h backend.Hook) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return h.Close()
	}
	a.hooks = append(a.hooks, h)
	return nil
}

// detach takes the programs off their hooks, last first.
func (a *attachments) detach() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	for _, h := range slices.Backward(a.hooks) {
		a.err = oneline.Join(a.err, h.Close())
	}
	a.hooks = nil
	return a.err
}

// shutdown makes the plugin's last calls and settles the account.
func (r *Run) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), r.plugin.limits.Stop)
	defer cancel()
	var err error
	if r.reason != abi.StopError { // otherwise the guest failed: what is left is dropped
		err = r.live.Events.Drain(ctx)
	}
	r.live.Events.Close()
	if err == nil && r.reason != abi.StopError {
		err = r.plugin.must(context.Background(), hookStop, uint64(r.reason))
	}
	r.publish()
	r.state.Lock()
	defer r.state.Unlock()
	r.final = append([]SourceAccount{}, r.latest...)
	return err
}

// release closes what was loaded, last first.
func (r *Run) release() error {
	var err error
	for _, c := range slices.Backward(r.loaded) {
		err = oneline.Join(err, c.Close())
	}
	r.loaded = nil
	return err
}

// Account says what became of the events of every source, in the order in which they were opened.
// It is exact once the run is closed.
func (r *Run) Account() []SourceAccount {
	r.state.Lock()
	defer r.state.Unlock()
	if r.final != nil {
		return append([]SourceAccount(nil), r.final...)
	}
	return append([]SourceAccount(nil), r.latest...)
}

// WriteAccount writes the account for people, a line for each source, and one for output that
// nobody got.
func (r *Run) WriteAccount(w io.Writer) error {
	accounts := r.Account()
	for _, a := range accounts {
		name := "events"
		if len(accounts) > 1 {
			name += " " + SafeText(a.Source)
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", name, a); err != nil {
			return fmt.Errorf("write account: %w", err)
		}
	}
	if o := r.Output(); o != (OutputAccount{}) {
		if _, err := fmt.Fprintf(w, "output: %s\n", o); err != nil {
			return fmt.Errorf("write account: %w", err)
		}
	}
	return nil
}
