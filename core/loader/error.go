package loader

import (
	"errors"
	"io/fs"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// ErrNotSupported says that the system or its kernel lacks something. Where it is known since when
// the kernel has it, the error is a *FeatureError, which wraps this one.
var ErrNotSupported = sys.ErrNotSupported

// ErrPermission says that this process may not do something. Errors that wrap it say what is missing.
var ErrPermission = fs.ErrPermission

// ErrNoKey says that a map has no such key, or no further one. Map methods return it as it is.
var ErrNoKey = errors.New("no such key")

// FeatureError says that the running kernel is older than something that was asked for.
// It wraps ErrNotSupported and the kernel's own answer.
type FeatureError struct {
	Feature   string // "arena maps"
	MinKernel string // the first version that has it, "6.9"
	Running   string // the version that runs, "6.1"; empty is unknown
	Err       error  // what the kernel said; may be nil
}

// Error returns for example "arena maps need Linux 6.9, this is 6.1".
func (e *FeatureError) Error() string {
	s := e.Feature + " need Linux " + e.MinKernel
	if e.Running != "" {
		s += ", this is " + e.Running
	}
	return s
}

// Unwrap returns ErrNotSupported and the kernel's answer.
func (e *FeatureError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrNotSupported}
	}
	return []error{ErrNotSupported, e.Err}
}

// permissionError says which privilege is missing, or what else may be the reason.
type permissionError struct {
	reason string
	err    error
}

func (e *permissionError) Error() string { return "permission denied: " + e.reason }

func (e *permissionError) Unwrap() []error { return []error{ErrPermission, e.err} }

// explain makes an EPERM say what is missing of caps; anything else stays as it is.
func (k *Kernel) explain(err error, caps ...sys.Capability) error {
	if !errors.Is(err, sys.EPERM) {
		return err
	}
	reason := "no capability is missing, so kernel lockdown, a security module, seccomp or the kernel's build forbids it"
	if names := sys.MissingCapabilities(caps...); names != "" {
		reason = "this process lacks " + names
	} else if k.before(spec.Version{Major: 5, Minor: 11}) {
		reason = "RLIMIT_MEMLOCK may be too low, which kernels before 5.11 charge maps and programs to"
	}
	return &permissionError{reason: reason, err: err}
}

// capabilities finds capabilities by name.
func capabilities(names []string) []sys.Capability {
	var out []sys.Capability
	for _, name := range names {
		for _, c := range []sys.Capability{sys.CapBPF, sys.CapPerfmon, sys.CapNetAdmin} {
			if c.String() == name {
				out = append(out, c)
			}
		}
	}
	return out
}
