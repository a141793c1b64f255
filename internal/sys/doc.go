// Package sys is the fence around the kernel: the one bpf(2) entry, descriptors, shared memory of
// rings, perf events, network namespaces and the few rtnetlink messages that a veth pair needs.
//
// Nothing else in this module imports unsafe (but for the guest SDK) or golang.org/x/sys. Files
// that import unsafe end in _unsafe.go. On systems other than Linux every call returns an error
// that wraps ErrNotSupported, so the packages above compile everywhere.
//
// A descriptor has one owner, who closes it: there are no finalisers, because an object of the
// kernel that vanishes at the whim of the garbage collector is worse than a leak, and a leak is
// found by tests (see Trace).
package sys

import "errors"

// ErrNotSupported says that the system or this kernel lacks something. errors.Is finds
// errors.ErrUnsupported in it.
var ErrNotSupported error = notSupported{}

type notSupported struct{}

func (notSupported) Error() string { return "not supported" }

func (notSupported) Is(target error) bool { return target == errors.ErrUnsupported }
