package host

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/host/policy"
)

func TestErrno(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want abi.Errno
		sys  syscall.Errno
		insn int
	}{
		{failf(abi.ErrState, "x"), abi.ErrState, 0, 0},
		{fmt.Errorf("more: %w", failf(abi.ErrState, "x")), abi.ErrState, 0, 0},
		{abi.ErrIO, abi.ErrIO, 0, 0},
		{backend.ErrNoKey, abi.ErrNoent, 0, 0},
		{fmt.Errorf("load: %w", &backend.VerifierError{Err: syscall.EACCES}), abi.ErrVerifier, syscall.EACCES, 0},
		{fmt.Errorf("load: %w", backend.ErrNotSupported), abi.ErrNosup, 0, 0},
		{&policy.Error{}, abi.ErrPerm, 0, 0},
		{fmt.Errorf("update: %w", syscall.E2BIG), abi.ErrKernel, syscall.E2BIG, 0},
		{&asm.Error{Verb: "encode", Index: 4, Err: errBroken}, abi.ErrInval, 0, 5},
		{errBroken, abi.ErrInval, 0, 0},
	} {
		e := asCallError(tt.err)
		if e.code != tt.want || e.sys != tt.sys || e.insn != tt.insn || e.Error() != tt.err.Error() {
			t.Errorf("%v: code %s, sys %d, insn %d, %q", tt.err, e.code, e.sys, e.insn, e.Error())
		}
		if !errors.Is(e, tt.want) {
			t.Errorf("%v is not %s", tt.err, tt.want)
		}
	}
}

// What the sandbox says becomes what callers of this package act on.
func TestPluginError(t *testing.T) {
	var (
		failed *PluginError
		limit  *LimitError
	)
	for _, tt := range []struct {
		err  error
		as   any
		want string
	}{
		{&sandbox.Trap{Export: "bpfhost_plan", Reason: "unreachable"}, &failed, `plugin a\x1bb: bpfhost_plan: trapped: unreachable`},
		{&sandbox.Limit{Export: "bpfhost_plan", What: "wall time", Max: "1s"}, &limit, `plugin a\x1bb: bpfhost_plan: wall time limit of 1s reached; the plugin was stopped`},
		{fmt.Errorf("call: %w", sandbox.ErrPoisoned), &failed, `plugin a\x1bb: x: call: guest failed earlier and is not called again`},
		{&LimitError{Plugin: "a\x1bb", Export: "e", What: "w", Max: "1"}, &limit, `plugin a\x1bb: e: w limit of 1 reached; the plugin was stopped`},
	} {
		err := pluginError("a\x1bb", "x", tt.err)
		if !errors.As(err, tt.as) || err.Error() != tt.want {
			t.Errorf("%v gives %q, want %q", tt.err, err, tt.want)
		}
	}
	if err := pluginError("p", "x", &sandbox.Reject{Reason: "no memory"}); !errors.Is(err, ErrInput) || err.Error() != "plugin p: no memory" {
		t.Errorf("a refused module gives %q", err)
	}
}
