package guest

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/bpfhost/bpfhost/abi"
	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/host/backend"
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
