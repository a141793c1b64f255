package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/backendtest"
	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/internal/tx"
)

// serve runs a Serve in the background and returns its result.
func serve(ctx context.Context, r *Run) <-chan error {
	done := make(chan error, 1)
	go func() { done <- r.Serve(ctx) }()
	return done
}

// stopHook makes the guest note the reason of its stop.
func stopHook(x *fake) *[]uint64 {
	var reasons []uint64
	x.code.Hooks["bpfhost_stop"] = func(_ context.Context, f guest.Functions, args ...uint64) (int32, error) {
		reasons = append(reasons, args[0])
		return 0, nil
	}
	return &reasons
}

func numbers(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("record %03d", i))
	}
	return out
}

// Everything that was sent arrives, in order, while it runs and when it ends.
func TestRunDeliversAll(t *testing.T) {
	x := running(t, PluginOptions{})
	reasons := stopHook(x)
	got := make(chan string, 1000)
	x.code.Hooks["bpfhost_events"] = func(_ context.Context, f guest.Functions, args ...uint64) (int32, error) {
		for _, rec := range x.batchOf(args) {
			got <- rec
		}
		return int32(args[3]), nil
	}
	openSource(t, x, abi.SourceOpts{MaxMs: 1})
	ctx, cancel := context.WithCancel(context.Background())
	done := serve(ctx, x.run)
	var want []string
	for i := range 20 {
		part := numbers(i*10, i*10+10)
		want = append(want, part...)
		x.ring.Send(part...)
	}
	for i := range 200 {
		if s := <-got; s != want[i] {
			t.Fatalf("record %d is %q, want %q", i, s, want[i])
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("serve: %v", err)
	}
	x.ring.Send(numbers(200, 205)...) // after the loop, before the end
	if err := errors.Join(x.run.Close(), x.run.Close()); err != nil {
		t.Fatal(err)
	}
	a := x.run.Account()
	if len(a) != 1 || a[0].Source != "events" || a[0].Delivered != 205 || a[0].Sent != 205 || a[0].Dropped != 0 {
		t.Errorf("account %+v", a)
	}
	if !slices.Equal(*reasons, []uint64{uint64(abi.StopInterrupted)}) {
		t.Errorf("stopped for reasons %v", *reasons)
	}
	if !x.ring.IsClosed {
		t.Error("the ring is open after Close")
	}
	var b bytes.Buffer
	if err := x.run.WriteAccount(&b); err != nil {
		t.Fatal(err)
	}
	if want := "events: 205 taken from ring = 205 delivered + 0 dropped by host; the program does not count what it loses\n"; b.String() != want {
		t.Errorf("account text %q, want %q", b.String(), want)
	}
}

func TestRunStops(t *testing.T) {
	for _, tt := range []struct {
		name   string
		code   uint32
		reason abi.StopReason
		fails  bool
	}{{"well", 0, abi.StopAsked, false}, {"with a code", 3, abi.StopAsked, true}} {
		t.Run(tt.name, func(t *testing.T) {
			x := running(t, PluginOptions{})
			reasons := stopHook(x)
			ticks := 0
			x.code.Hooks["bpfhost_tick"] = func(_ context.Context, f guest.Functions, args ...uint64) (int32, error) {
				if ticks++; ticks == 3 {
					succeeds(t, "stop_run", f.StopRun(tt.code))
				}
				return 0, nil
			}
			x.ok(t, "timer", func(f guest.Functions) int32 { return f.Timer(1) })
			err := x.run.Serve(context.Background())
			var failed *PluginError
			if errors.As(err, &failed) != tt.fails || failed != nil && failed.Kind != PluginStopped || failed == nil && err != nil {
				t.Errorf("serve: %v", err)
			}
			if err := x.run.Close(); err != nil {
				t.Error(err)
			}
			if ticks != 3 || !slices.Equal(*reasons, []uint64{uint64(tt.reason)}) {
				t.Errorf("%d ticks, reasons %v", ticks, *reasons)
			}
		})
	}
}

// A guest that failed is not called any more, and what it did not take is in the account.
func TestRunGuestFails(t *testing.T) {
	x := running(t, PluginOptions{})
	reasons := stopHook(x)
	x.code.Hooks["bpfhost_events"] = func(context.Context, guest.Functions, ...uint64) (int32, error) { return 0, errBroken }
	openSource(t, x, abi.SourceOpts{MaxRecords: 2})
	x.ring.Send(numbers(0, 5)...)
	if err := x.run.Serve(context.Background()); !errors.Is(err, errBroken) {
		t.Errorf("serve: %v", err)
	}
	if err := x.run.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if a := x.run.Account(); len(*reasons) != 0 || a[0].Dropped != 5 || a[0].Sent != 5 {
		t.Errorf("stop hook called %d times, account %+v", len(*reasons), a)
	}
}

func TestRunDuration(t *testing.T) {
	x := running(t, PluginOptions{})
	reasons := stopHook(x)
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(time.Millisecond))
	defer cancel()
	if err := x.run.Serve(ctx); err != nil {
		t.Fatal(err)
	}
	if err := x.run.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(*reasons, []uint64{uint64(abi.StopDuration)}) {
		t.Errorf("reasons %v, want that its time was over", *reasons)
	}
}

// Close ends a Serve that runs, and a Serve afterwards is an error.
func TestRunCloseEndsServe(t *testing.T) {
	x := running(t, PluginOptions{})
	reasons := stopHook(x)
	started := make(chan bool, 1)
	x.code.Hooks["bpfhost_events"] = func(_ context.Context, f guest.Functions, args ...uint64) (int32, error) {
		started <- true
		return int32(args[3]), nil
	}
	openSource(t, x, abi.SourceOpts{MaxRecords: 1})
	done := serve(context.Background(), x.run)
	x.ring.Send("one")
	<-started
	if err := x.run.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
	if !slices.Equal(*reasons, []uint64{uint64(abi.StopClosed)}) {
		t.Errorf("reasons %v", *reasons)
	}
	if err := x.run.Serve(context.Background()); err == nil {
		t.Error("a closed run serves")
	}
}

// Serve can be called again after its context ended, and goes on where it was.
func TestRunServeAgain(t *testing.T) {
	x := running(t, PluginOptions{})
	got := make(chan int, 10)
	x.code.Hooks["bpfhost_events"] = func(_ context.Context, f guest.Functions, args ...uint64) (int32, error) {
		got <- int(args[3])
		return int32(args[3]), nil
	}
	openSource(t, x, abi.SourceOpts{MaxRecords: 1})
	for i := range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		done := serve(ctx, x.run)
		x.ring.Send(fmt.Sprint(i))
		<-got
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if a := x.run.Account(); a[0].Delivered != 3 {
		t.Errorf("delivered %d, want 3", a[0].Delivered)
	}
	if err := x.run.Close(); err != nil {
		t.Error(err)
	}
}

// A ring whose programs wake nobody is looked at from time to time.
func TestRunPolls(t *testing.T) {
	x := running(t, PluginOptions{})
	got := make(chan int, 10)
	x.code.Hooks["bpfhost_events"] = func(_ context.Context, f guest.Functions, args ...uint64) (int32, error) {
		got <- int(args[3])
		return int32(args[3]), nil
	}
	openSource(t, x, abi.SourceOpts{MaxRecords: 1})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := serve(ctx, x.run)
	x.ring.SendSilently("silent")
	<-got
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRunOutputFails(t *testing.T) {
	x := running(t, PluginOptions{Stdout: failingWriter{}})
	x.code.Hooks["bpfhost_events"] = func(_ context.Context, f guest.Functions, args ...uint64) (int32, error) {
		succeeds(t, "out_write", f.OutWrite(abi.StreamOut, []byte("line\n")))
		return int32(args[3]), nil
	}
	openSource(t, x, abi.SourceOpts{MaxRecords: 1})
	x.ring.Send("one")
	if err := x.run.Serve(context.Background()); !errors.Is(err, errBroken) {
		t.Errorf("serve: %v, want the writer's error", err)
	}
}

// takenOff is a hook that says when its program was detached.
type takenOff struct {
	backend.Hook
	off chan struct{}
}

func (h takenOff) Close() error { close(h.off); return nil }

// Whatever the plugin does and nobody reads, programs are detached first: by Detach, by the end of
// the run, of the plugin and of the host.
func TestRunDetachesFirst(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*Run) error
	}{
		{"detach", (*Run).Detach},
		{"close", (*Run).Close},
		{"plugin", func(r *Run) error { return r.plugin.Close() }},
		{"host", func(r *Run) error { return r.plugin.host.Close() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stuck := make(hangingWriter)
			x := running(t, PluginOptions{Stdout: stuck})
			x.run.plugin.run = x.run
			hook := takenOff{off: make(chan struct{})}
			if err := x.run.attached.add(hook); err != nil {
				t.Fatal(err)
			}
			busy := make(chan bool)
			x.code.Hooks["bpfhost_events"] = func(_ context.Context, f guest.Functions, args ...uint64) (int32, error) {
				succeeds(t, "out_write", f.OutWrite(abi.StreamOut, []byte("line\n")))
				busy <- true
				<-hook.off // the hook is busy until then
				return int32(args[3]), nil
			}
			openSource(t, x, abi.SourceOpts{MaxRecords: 1})
			x.ring.Send("one")
			ctx, cancel := context.WithCancel(t.Context())
			done := serve(ctx, x.run)
			<-busy
			if err := tt.end(x.run); err != nil {
				t.Error(err)
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if err := x.run.Close(); err != nil {
				t.Error(err)
			}
			if o := x.run.Output(); o.Unread != 5 {
				t.Errorf("output %+v, want 5 bytes unread", o)
			}
			if late := (takenOff{off: make(chan struct{})}); x.run.attached.add(late) != nil || !closed(late.off) {
				t.Error("what was attached after the end stays attached")
			}
			close(stuck)
		})
	}
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// hangingWriter does not come back before it is closed.
type hangingWriter chan struct{}

func (h hangingWriter) Write(p []byte) (int, error) { <-h; return len(p), nil }

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errBroken }

// A guest may close a source while it has a batch of it: what it says of that batch counts.
func TestSourceClosedByGuest(t *testing.T) {
	x := running(t, PluginOptions{})
	openSource(t, x, abi.SourceOpts{MaxRecords: 2})
	x.code.Hooks["bpfhost_events"] = func(_ context.Context, f guest.Functions, args ...uint64) (int32, error) {
		succeeds(t, "handle_close", f.HandleClose(uint32(args[0])))
		succeeds(t, "stop_run", f.StopRun(0))
		return 1, nil
	}
	x.ring.Send(numbers(0, 5)...)
	if err := x.run.Serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if a := x.run.Account(); !x.ring.IsClosed || len(a) != 1 || a[0].Delivered != 1 || a[0].Dropped != 4 || a[0].Sent != 5 {
		t.Errorf("account %+v; want 1 delivered, 4 dropped", a)
	}
}

// refusing is a backend that loads everything and attaches nothing.
type refusing struct {
	backend.Backend
}

// Load returns a collection with all programs.
func (refusing) Load(*spec.Collection, backend.LoadOptions) (backend.Loaded, error) {
	return loadedFake{}, nil
}

// CPUs returns how many there are.
func (refusing) CPUs() (int, error) { return 1, nil }

// Attach fails.
func (refusing) Attach(backend.Program, spec.Attach) (backend.Hook, error) { return nil, errBroken }

// loadedFake is a collection that has whatever program is asked for.
type loadedFake struct{}

// Program returns a program.
func (loadedFake) Program(name string) (backend.Program, bool) { return programFake(name), true }

// Maps returns none.
func (loadedFake) Maps() []backend.Map { return nil }

// Close does nothing.
func (loadedFake) Close() error { return nil }

// programFake is a program of a name.
type programFake string

// Name returns it.
func (p programFake) Name() string { return string(p) }

// TestRunSkipped applies a plan with two optional attachments that fail: each is logged once, and
// kept with its reason. One that is not optional fails the run.
func TestRunSkipped(t *testing.T) {
	for _, optional := range []bool{true, false} {
		var log bytes.Buffer
		h, err := New(context.Background(), Config{Isolate: testIsolate(),
			NoCache: true, Backend: refusing{&backendtest.Backend{}}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		nothing := func(context.Context, guest.Functions, ...uint64) (int32, error) { return 0, nil }
		p, err := h.newPlugin(goInfo, PluginOptions{}).open(context.Background(), guest.Go{Hooks: map[string]guest.GoHook{
			"bpfhost_plan": nothing,
			"bpfhost_describe": func(_ context.Context, f guest.Functions, _ ...uint64) (int32, error) {
				for _, r := range []string{"program xdp", "map hash", "map array", "attach xdp:*"} {
					succeeds(t, r, f.Add(uint32(f.Self()), abi.KindRequest, []byte(r)))
				}
				return 0, nil
			},
		}})
		if err != nil {
			t.Fatal(err)
		}
		c := backendtest.Collection()
		c.Attach = []spec.Attach{
			{Program: "count_drops", Kind: spec.HookXDP, Target: "eth0", Optional: true},
			{Program: "count_drops", Kind: spec.HookXDP, Target: "eth1", Optional: optional},
		}
		p.inputs = []tx.Input{{Name: "drops", Source: "drops.o", Collection: c}}
		made, err := p.Plan(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		run, err := p.Apply(context.Background(), made)
		if !optional {
			if !errors.Is(err, errBroken) {
				t.Errorf("not optional: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Close(); err != nil { // what is logged is written by then
			t.Error(err)
		}
		if n := strings.Count(log.String(), `msg="optional attachment skipped" plugin=plugin reason=broken`); n != 2 || strings.Count(log.String(), "\n") != 2 {
			t.Errorf("logged\n%s", &log)
		}
		if got := run.Skipped(); !slices.Equal(got, []string{"broken", "broken"}) {
			t.Errorf("skipped %q", got)
		}
	}
}
