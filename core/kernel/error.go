package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// ErrNotSupported says that the system or its kernel lacks something. Where it is known since when
// the kernel has it, the error is a *FeatureError, which wraps this one. errors.Is finds
// errors.ErrUnsupported in it.
var ErrNotSupported = sys.ErrNotSupported

// ErrNotMounted says that a file system is not mounted which something takes: of what the kernel has
// nothing is known, so that it is not ErrNotSupported. Errors that wrap it say how to mount it.
var ErrNotMounted = sys.ErrNotMounted

// ErrNoTypes says that the kernel does not show its types. It comes with ErrNotSupported.
var ErrNoTypes = errors.New("this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)")

// ErrNoModule says that a module is not loaded, or shows no types. It comes with ErrNotSupported.
var ErrNoModule = errors.New("it is not loaded or has no types")

// ErrPermission says that this process may not do something. Errors that wrap it say what is missing.
var ErrPermission = fs.ErrPermission

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

// OptionError says that the running kernel was built without what was asked for. It wraps
// ErrNotSupported and the kernel's own answer.
type OptionError struct {
	Feature string // in the plural: "lirc_mode2 programs"
	Option  string // "CONFIG_BPF_LIRC_MODE2"
	Err     error  // what the kernel said; may be nil
}

// Error returns for example "lirc_mode2 programs need CONFIG_BPF_LIRC_MODE2, which this kernel was
// built without".
func (e *OptionError) Error() string {
	return e.Feature + " need " + e.Option + ", which this kernel was built without"
}

// Unwrap returns ErrNotSupported and the kernel's answer.
func (e *OptionError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrNotSupported}
	}
	return []error{ErrNotSupported, e.Err}
}

// NotBuilt returns an *OptionError, which wraps err, if the kernel was built without an option that
// a feature takes. Where it does not show how it was built, the option is named beside err. In any
// other case, or for an empty option, it returns err as it is.
func (k *Kernel) NotBuilt(feature, option string, err error) error {
	if option == "" {
		return err
	}
	value, ok, unknown := k.Config(option)
	switch {
	case unknown != nil:
		return fmt.Errorf("%w; perhaps this kernel was built without %s", err, option)
	case !ok || value == "n":
		return &OptionError{Feature: feature, Option: option, Err: err}
	}
	return err
}

// permissionError says which privilege is missing, or what else may be the reason.
type permissionError struct {
	reason string
	err    error
}

func (e *permissionError) Error() string { return "permission denied: " + e.reason }

func (e *permissionError) Unwrap() []error { return []error{ErrPermission, e.err} }

// Explain makes an EPERM or EACCES of the kernel say why, by Causes, where the call takes the
// capabilities, "CAP_BPF"; the result wraps ErrPermission. Any other error is returned as it is.
func Explain(err error, capabilities ...string) error {
	if !errors.Is(err, sys.EPERM) && !errors.Is(err, sys.EACCES) {
		return err
	}
	return &permissionError{reason: Denied(capabilities...), err: err}
}

// ExplainCharged is Explain for a call that makes a map or a program. Kernels before 5.11 charge that to
// RLIMIT_MEMLOCK; later ones to a memory cgroup, which an ENOMEM is explained by.
func (k *Kernel) ExplainCharged(err error, capabilities ...string) error {
	switch {
	case errors.Is(err, sys.ENOMEM):
		return fmt.Errorf("%w; %s", err, texts(k.Causes(err)))
	case errors.Is(err, sys.EPERM):
		return &permissionError{reason: texts(denied(k, k.ChargesMemlock(), capabilities)), err: err}
	}
	return Explain(err, capabilities...)
}

// Denied says why the kernel may have denied what takes the capabilities: "this process lacks CAP_BPF",
// or what else is the reason, as Causes finds it.
func Denied(capabilities ...string) string {
	return texts(denied(New(Options{}), false, capabilities))
}

// Missing names those of the capabilities that this process does not have, "CAP_BPF and CAP_PERFMON";
// empty when it has all.
func Missing(capabilities ...string) string { return sys.MissingCapabilities(byName(capabilities)...) }

// Exhausted reports whether the kernel lacked descriptors or memory, or was interrupted, which says
// nothing of what it was asked for.
func Exhausted(err error) bool {
	return slices.ContainsFunc([]sys.Errno{sys.EMFILE, sys.ENFILE, sys.ENOMEM, sys.EAGAIN, sys.EINTR},
		func(no sys.Errno) bool { return errors.Is(err, no) })
}

// byName finds capabilities by name. Names that are not known are left out.
func byName(names []string) []sys.Capability {
	var out []sys.Capability
	for _, name := range names {
		for _, c := range []sys.Capability{sys.CapBPF, sys.CapPerfmon, sys.CapNetAdmin, sys.CapNetRaw, sys.CapSysAdmin} {
			if c.String() == name {
				out = append(out, c)
			}
		}
	}
	return out
}
