package host

import (
	"time"

	"github.com/bpfhost/bpfhost/host/internal/guest"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/host/policy"
)

// ModuleLimits bound the structure of a module, down to its instructions. Of its fields Bytes and
// MemoryPages are set by ModuleBytes and MemoryBytes of [Limits].
type ModuleLimits = sandbox.ModuleLimits

// Limits bound one plugin. A zero field takes the default in its comment; what a policy says about
// the guest takes precedence.
type Limits struct {
	MemoryBytes uint64       // of guest memory; 32 MiB
	ModuleBytes int          // size of the module; 16 MiB
	Module      ModuleLimits // structure of the module, and what compiling it may take
	HostCalls   uint64       // calls of ABI functions in one hook; 10,000,000
	StackBytes  uint32       // that nested calls of the guest hold, estimated; 8 MiB
	Fuel        uint64       // of one hook, about its instructions, the same on every machine; 0 is no limit but time
	Handles     int          // handles open at once; 4096
	Faults      int          // calls with a pointer outside of guest memory before the plugin is stopped; 1000
	BadBatches  int          // batches in a row that the plugin refuses before it is stopped; 3

	Start     time.Duration // the module's start function and _initialize, each; 10 s
	Describe  time.Duration // 5 s, as what else runs once
	Configure time.Duration // 5 s
	Plan      time.Duration // 5 s
	Loaded    time.Duration // 5 s
	Started   time.Duration // 5 s
	Events    time.Duration // one batch; 1 s
	Tick      time.Duration // 1 s
	Stop      time.Duration // 5 s

	OutputBytesPerSec uint64 // of output, both streams together; 64 MiB
	LogLinesPerSec    uint64 // 100, and 1000 at once

	OutputWait time.Duration // for a reader of its output that takes nothing, at the end of a run; 2 s

	// HostBytes bounds the host's memory that the plugin makes it hold, by an estimate of what is the
	// most: programs, maps and data that it adds or edits, edits and notes, names, handles, output that
	// nobody has read yet, and what single calls hold for a moment. 256 MiB. See Config.HostBytes.
	HostBytes uint64

	ObjectData uint64 // of all data sections of one object that it patches or parses, in bytes (elf.Options.MaxData); 64 MiB
}

// withDefaults returns l with its zero fields filled.
func (l Limits) withDefaults() Limits {
	fill(&l.MemoryBytes, 32<<20)
	fill(&l.ModuleBytes, 16<<20)
	fill(&l.HostCalls, 10_000_000)
	fill(&l.Handles, 4096)
	fill(&l.Faults, 1000)
	fill(&l.BadBatches, 3)
	fill(&l.Start, 10*time.Second)
	fill(&l.Describe, 5*time.Second)
	fill(&l.Configure, 5*time.Second)
	fill(&l.Plan, 5*time.Second)
	fill(&l.Loaded, 5*time.Second)
	fill(&l.Started, 5*time.Second)
	fill(&l.Events, time.Second)
	fill(&l.Tick, time.Second)
	fill(&l.Stop, 5*time.Second)
	fill(&l.OutputBytesPerSec, 64<<20)
	fill(&l.LogLinesPerSec, 100)
	fill(&l.OutputWait, 2*time.Second)
	fill(&l.HostBytes, 256<<20)
	fill(&l.ObjectData, 64<<20)
	return l
}

// fill sets what is zero.
func fill[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// under applies what a policy says about the guest.
func (l Limits) under(w policy.Wasm) Limits {
	override(&l.MemoryBytes, w.MemoryBytes)
	override(&l.Start, w.Start)
	override(&l.Describe, w.Describe)
	override(&l.Configure, w.Configure)
	override(&l.Plan, w.Plan)
	override(&l.Loaded, w.Loaded)
	override(&l.Started, w.Started)
	override(&l.Events, w.Events)
	override(&l.Tick, w.Tick)
	override(&l.Stop, w.Stop)
	override(&l.OutputBytesPerSec, w.OutBytesPerSec)
	override(&l.LogLinesPerSec, w.LogLinesPerSec)
	return l
}

// override takes a value that is not zero.
func override[T comparable](v *T, by T) {
	var zero T
	if by != zero {
		*v = by
	}
}

// sandbox are the limits that the sandbox holds.
func (l Limits) sandbox() sandbox.Limits {
	module := l.Module
	module.Bytes = l.ModuleBytes
	return sandbox.Limits{
		MemoryPages: uint32(min(l.MemoryBytes/sandbox.PageSize, 65536)),
		Module:      module,
		Start:       l.Start,
		HostCalls:   l.HostCalls,
		Stack:       l.StackBytes,
		Fuel:        l.Fuel,
	}
}

// guest are the limits that the guest's calls are held to.
func (l Limits) guest() guest.Limits {
	return guest.Limits{
		Handles: l.Handles, Faults: l.Faults, OutputBytesPerSec: l.OutputBytesPerSec, LogLinesPerSec: l.LogLinesPerSec,
		OutputWait: l.OutputWait, ObjectData: l.ObjectData,
	}
}
