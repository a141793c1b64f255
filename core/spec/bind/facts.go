package bind

import (
	"errors"

	"github.com/bpfhost/bpfhost/core/btf"
)

// ErrNotSupported says that there is nothing of a name that a program cannot do without. errors.Is
// finds errors.ErrUnsupported in it.
var ErrNotSupported error = notSupported{}

type notSupported struct{}

func (notSupported) Error() string { return "not supported" }

func (notSupported) Is(target error) bool { return target == errors.ErrUnsupported }

// Facts is what is asked of the kernel. A *kernel.Kernel answers for the running one. What it lacks, types
// or a configuration, is an error that wraps errors.ErrUnsupported: weak externs are missing then. Other
// errors are passed on.
type Facts interface {
	// Version returns KERNEL_VERSION(major, minor, patch).
	Version() (uint32, error)
	// Config returns the value of a build option, "CONFIG_HZ", as the configuration file has it; ok is false
	// when the option is not set.
	Config(name string) (value string, ok bool, err error)
	// Symbols returns the addresses of those kernel symbols that exist, all of a name that several have;
	// hidden says that they are not shown.
	Symbols(names ...string) (addrs map[string][]uint64, hidden bool, err error)
	// Types returns the types of the kernel proper.
	Types() (*btf.Types, error)
	// Modules returns the names of the modules that have types, in the order that they are searched in.
	Modules() ([]string, error)
	// ModuleTypes returns the types of a module, which go on from those that Types returns.
	ModuleTypes(name string) (*btf.Types, error)
}
