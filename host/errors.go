package host

import (
	"errors"
	"fmt"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
)

// ErrInput is wrapped by every error that says that a module or an object was refused for what is
// in it: before any of its code ran, before anything was planned.
var ErrInput = errors.New("input rejected")

// PluginErrorKind says in which way a plugin failed.
type PluginErrorKind string

// The ways in which a plugin fails.
const (
	PluginTrap     PluginErrorKind = "trap"     // it broke down: a trap, proc_exit, a panic of its runtime
	PluginFailed   PluginErrorKind = "failed"   // it returned an error
	PluginABI      PluginErrorKind = "abi"      // it broke the rules of the ABI, or was built for another version
	PluginInvalid  PluginErrorKind = "invalid"  // what it planned does not fit together
	PluginStopped  PluginErrorKind = "stopped"  // it asked to stop with a code other than zero
	PluginUnusable PluginErrorKind = "unusable" // it failed before and is not called again
)

// PluginError says that a plugin failed: what, in which of its exports, why.
type PluginError struct {
	Plugin string // name of the plugin
	Export string // the export that ran, e.g. "bpfhost_plan"
	Kind   PluginErrorKind
	Err    error // the reason
}

// Error is one line without control characters.
func (e *PluginError) Error() string {
	return fmt.Sprintf("plugin %s: %s: %s", SafeText(e.Plugin), e.Export, SafeText(e.Err.Error()))
}

// Unwrap returns the reason.
func (e *PluginError) Unwrap() error { return e.Err }

// LimitError says that a plugin reached a limit of the host: What there is too much of, how much
// that would be (Used), and the limit (Max). With an Export the plugin was stopped for it; otherwise a
// call was refused, and a *PluginError around it says what the plugin made of that.
type LimitError = budget.LimitError

// Unit is what Used and Max of a [LimitError] count.
type Unit = budget.Unit

// The units of limits.
const (
	UnitCount = budget.Count // things
	UnitBytes = budget.Bytes
	UnitTime  = budget.Time // nanoseconds
)

// ParamError says that the operator set a parameter that the plugin does not take, or left out one
// that it needs.
type ParamError struct {
	Plugin string
	Param  string // name of the parameter
	Reason string // what is wrong and what to do
}

// Error is one line without control characters.
func (e *ParamError) Error() string {
	return SafeText(fmt.Sprintf("plugin %s: parameter %q %s", e.Plugin, e.Param, e.Reason))
}

// inputError wraps why a module or object was refused.
type inputError struct {
	what string // "plugin" or "object"
	name string
	err  error
}

func (e *inputError) Error() string {
	return fmt.Sprintf("%s %s: %s", e.what, SafeText(e.name), SafeText(e.err.Error()))
}

// Unwrap makes both errors.Is(err, ErrInput) and errors.As for the reason work.
func (e *inputError) Unwrap() []error { return []error{ErrInput, e.err} }

// pluginError turns what the sandbox says into what callers of this package act on.
func pluginError(plugin, export string, err error) error {
	var (
		trap   *sandbox.Trap
		reject *sandbox.Reject
		own    *PluginError
		max    *LimitError
	)
	kind := PluginFailed
	switch {
	case errors.As(err, &own):
		return err
	case errors.As(err, &max) && max.Plugin != "":
		return err
	case errors.As(err, &max) && max.Export != "":
		stopped := *max
		stopped.Plugin = plugin
		return &stopped
	case errors.As(err, &trap):
		return &PluginError{Plugin: plugin, Export: trap.Export, Kind: PluginTrap, Err: fmt.Errorf("trapped: %s", trap.Reason)}
	case errors.As(err, &reject):
		return &inputError{what: "plugin", name: plugin, err: err}
	case errors.Is(err, ErrNotIsolated), errors.Is(err, ErrNoChildMain):
		return fmt.Errorf("plugin %s: %w", SafeText(plugin), err)
	case errors.Is(err, sandbox.ErrPoisoned), errors.Is(err, sandbox.ErrClosed):
		kind = PluginUnusable
	}
	return &PluginError{Plugin: plugin, Export: export, Kind: kind, Err: err}
}
