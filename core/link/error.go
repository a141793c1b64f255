package link

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Error says that a program could not be attached.
type Error struct {
	Program string        // or the instance of struct_ops
	Kind    spec.HookKind // the family of hooks
	Target  string        // in words: "interface veth0"
	Advice  string        // what to do about it; may be empty
	Err     error
}

// Error returns for example `attach program "count" to interface veth0 (xdp): device or resource
// busy (EBUSY); another program is attached there: detach it first`.
func (e *Error) Error() string {
	s := fmt.Sprintf("attach program %q to %s (%v): %v", e.Program, e.Target, e.Kind, e.Err)
	if e.Kind == spec.HookStructOps {
		s = fmt.Sprintf("register instance %q of %s: %v", e.Program, e.Target, e.Err)
	}
	if e.Advice != "" {
		s += "; " + e.Advice
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
