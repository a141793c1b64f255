package loader

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/bpfhost/bpfhost/core/internal/sys"
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

func (e *permissionError) Error() string { return e.reason }

func (e *permissionError) Unwrap() []error { return []error{ErrPermission, e.err} }

// explain makes an EPERM say what is missing of caps; anything else stays as it is.
func explain(err error, k *Kernel, caps ...capability) error {
	if !errors.Is(err, sys.EPERM) {
		return err
	}
	return &permissionError{reason: missing(effective(), k, caps), err: err}
}

// missing is the text for a refusal to a process that has the capabilities of have.
func missing(have uint64, k *Kernel, caps []capability) string {
	names := ""
	for _, c := range caps {
		if have&(1<<c) == 0 && (have&(1<<capSysAdmin) == 0 || c == capNetAdmin) {
			if names != "" {
				names += " and "
			}
			names += c.String()
		}
	}
	if names != "" {
		return fmt.Sprintf("permission denied: this process lacks %s", names)
	}
	if k.before(5, 11) {
		return "permission denied: RLIMIT_MEMLOCK may be too low, which kernels before 5.11 charge maps and programs to"
	}
	return "permission denied although no capability is missing: kernel lockdown, a security module, seccomp or the kernel's build forbids it"
}
