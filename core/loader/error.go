package loader

import (
	"errors"

	"github.com/bpfhost/bpfhost/core/kernel"
)

// Kernel is what is known of the running kernel, see package kernel.
type Kernel = kernel.Kernel

// NewKernel returns the running kernel. Close releases its memory.
func NewKernel() *Kernel { return kernel.New(kernel.Options{}) }

// ErrNotSupported is kernel.ErrNotSupported: the system or its kernel lacks something.
var ErrNotSupported = kernel.ErrNotSupported

// ErrPermission is kernel.ErrPermission: this process may not do something.
var ErrPermission = kernel.ErrPermission

// FeatureError says that the running kernel is older than something that was asked for.
type FeatureError = kernel.FeatureError

// ErrNoKey says that a map has no such key, or no further one. Map methods return it as it is.
var ErrNoKey = errors.New("no such key")

// ErrIterationAborted says that Map.All gave up before it had seen all entries.
var ErrIterationAborted = errors.New("the map changes faster than it can be walked")
