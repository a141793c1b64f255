package guest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
)

// hooks is code in Go with one hook.
func hooks(export string, hook GoHook) Go { return Go{Hooks: map[string]GoHook{export: hook}} }

// Code in Go calls the functions of the ABI in the phases in which a module can call them.
func TestGo(t *testing.T) {
	var describing, planning int32
	x := startFake(t, abi.PhaseDescribe, Go{Memory: make([]byte, 64), Hooks: map[string]GoHook{
		"bpfhost_describe": func(_ context.Context, f Functions, _ ...uint64) (int32, error) {
			describing = f.ObjectOpen(nil)
			return f.Self(), nil
		},
		"bpfhost_plan": func(_ context.Context, f Functions, args ...uint64) (int32, error) {
			planning = f.ObjectOpen([]byte("a\x00b"))
			return int32(args[0]), nil
		},
	}})
	if got := strings.Join(x.info.Hooks, " "); got != "bpfhost_abi bpfhost_describe bpfhost_plan" {
		t.Errorf("hooks %s", got)
	}
	call := func(export string, want int32, args ...uint64) {
		t.Helper()
		if rc, err := x.Call(context.Background(), export, time.Minute, args...); err != nil || rc != want {
			t.Errorf("%s = %d, %v; want %d", export, rc, err, want)
		}
	}
	call("bpfhost_abi", int32(abi.Current))
	call("bpfhost_describe", x.Self())
	x.Enter(abi.PhasePlan)
	call("bpfhost_plan", 7, 7)
	errnoIn(t, "object_open while describing", describing, abi.ErrPhase)
	errnoIn(t, "object_open of no name", planning, abi.ErrInval)
	if _, err := x.Call(context.Background(), "bpfhost_tick", time.Minute); !errors.Is(err, sandbox.ErrNoExport) {
		t.Errorf("no such hook: %v", err)
	}
	for _, tt := range []struct {
		ptr, n uint32
		ok     bool
	}{{0, 64, true}, {8, 8, true}, {64, 0, true}, {1, 64, false}, {65, 0, false}, {0xffff_ffff, 0xffff_ffff, false}} {
		if b, ok := x.View(tt.ptr, tt.n); ok != tt.ok || len(b) != cap(b) {
			t.Errorf("%d bytes at %d are in its memory: %v, want %v", tt.n, tt.ptr, ok, tt.ok)
		}
	}
}

// Code in Go may be let plan hooks that are not in the ABI; a module never is.
func TestGoEveryHook(t *testing.T) {
	for _, every := range []bool{false, true} {
		x, obj := planning(t)
		prog := x.ok(t, "find", x.Find(obj, abi.KindProgram, []byte("count_drops")))
		x.everyHook = every
		rc := x.AttachAdd(prog, abi.AttachKind(spec.HookKprobe))
		if every != (rc > 0) {
			t.Errorf("every hook %v: attach_add = %d", every, rc)
		}
		if _, err := (Go{EveryHook: every}).Start(context.Background(), x.Instance); err != nil || x.everyHook != every {
			t.Errorf("every hook %v: started with %v, %v", every, x.everyHook, err)
		}
	}
}

// What ends a module ends code in Go, with the same errors, and it is not called again.
func TestGoEnds(t *testing.T) {
	var trap *sandbox.Trap
	var limit *budget.LimitError
	canceled, cancel := context.WithCancelCause(context.Background())
	cancel(errBroken)
	wait := func(ctx context.Context, _ Functions, _ ...uint64) (int32, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	for _, tt := range []struct {
		name string
		ctx  context.Context
		hook GoHook
		is   func(error) bool
	}{
		{"error", context.Background(), func(context.Context, Functions, ...uint64) (int32, error) { return 0, errBroken },
			func(err error) bool { return err == errBroken }},
		{"panic", context.Background(), func(context.Context, Functions, ...uint64) (int32, error) { panic("no\nmore") },
			func(err error) bool { return errors.As(err, &trap) && trap.Reason == `panic: no\nmore` }},
		{"deadline", context.Background(), wait, func(err error) bool {
			return errors.As(err, &limit) && limit.Export == "bpfhost_plan" && limit.What == "wall time" && limit.Max == uint64(time.Millisecond) && limit.Used >= limit.Max
		}},
		{"canceled", canceled, wait, func(err error) bool { return errors.Is(err, errBroken) }},
	} {
		x := startFake(t, abi.PhasePlan, hooks("bpfhost_plan", tt.hook))
		if _, err := x.Call(tt.ctx, "bpfhost_plan", time.Millisecond); !tt.is(err) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if _, err := x.Call(context.Background(), "bpfhost_plan", time.Minute); !errors.Is(err, sandbox.ErrPoisoned) {
			t.Errorf("%s, called again: %v", tt.name, err)
		}
	}
}

// Close ends a hook that runs and waits for it.
func TestGoClose(t *testing.T) {
	started, over := make(chan bool), false
	x := startFake(t, abi.PhasePlan, hooks("bpfhost_plan", func(ctx context.Context, _ Functions, _ ...uint64) (int32, error) {
		close(started)
		<-ctx.Done()
		over = true
		return 0, ctx.Err()
	}))
	done := make(chan error)
	go func() {
		_, err := x.Call(context.Background(), "bpfhost_plan", time.Minute)
		done <- err
	}()
	<-started
	if err := x.Close(); err != nil || !over {
		t.Errorf("close: %v, before the hook was over", err)
	}
	if err := <-done; !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("the call: %v", err)
	}
	if _, err := x.Call(context.Background(), "bpfhost_plan", time.Minute); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("called again: %v", err)
	}
}
