package sandbox

import (
	"time"

	"github.com/bpfhost/bpfhost/host/internal/sandbox/internal/module"
)

// PageSize is the size of a page of guest memory in bytes.
const PageSize = 64 << 10

// Limits bound one guest. A zero field takes the default in its comment.
type Limits struct {
	MemoryPages uint32        // pages of 64 KiB; 512 (32 MiB), at most 65536
	Module      ModuleLimits  // structure of the module
	Compile     time.Duration // compiling; 60 s. Noticed between functions only
	Start       time.Duration // start function and _initialize, each; 10 s
	Call        time.Duration // a Call with no timeout of its own; 1 s
	Fuel        uint64        // of one Call, see Guest.FuelUsed; no limit but time
	Stack       uint32        // bytes that nested calls of the guest hold, estimated; 8 MiB
	HostCalls   uint64        // calls of imports in one Call, other than WASI; 10,000,000
}

// ModuleLimits bound the structure of a module, and so what compiling it may take.
type ModuleLimits = module.Limits

// WithDefaults returns l with its zero fields filled.
func (l Limits) WithDefaults() Limits {
	d := Limits{512, l.Module, 60 * time.Second, 10 * time.Second, time.Second, l.Fuel, 8 << 20, 10_000_000}
	if l.MemoryPages != 0 {
		d.MemoryPages = min(l.MemoryPages, 65536)
	}
	d.Module.MemoryPages = int(d.MemoryPages)
	if l.Compile != 0 {
		d.Compile = l.Compile
	}
	if l.Start != 0 {
		d.Start = l.Start
	}
	if l.Call != 0 {
		d.Call = l.Call
	}
	if l.Stack != 0 {
		d.Stack = l.Stack
	}
	if l.HostCalls != 0 {
		d.HostCalls = l.HostCalls
	}
	return d
}
