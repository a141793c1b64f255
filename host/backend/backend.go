// Package backend says what a run needs of the place that it happens in: load a collection, attach
// programs, use maps, read rings, close. The kernel is one such place (package host has it); a
// machine in user space and a replay of recorded events can be others. Plugins cannot tell which
// one it is, and plans and policies are the same for all.
//
// A Backend is the whole of it. What it returns belongs to it: its programs, maps and hooks can be
// given back to it, and to no other. Its errors wrap the conditions of this package, whatever the
// place calls them: ErrNotSupported, *VerifierError, and ErrNoKey as it is.
package backend

import (
	"context"

	"github.com/bpfhost/bpfhost/core/spec"
)

// Backend is a place that runs happen in. It is safe for concurrent use.
type Backend interface {
	// Load loads a collection, whole or not at all. The spec is not changed. The error wraps
	// *VerifierError when the place refuses a program for its instructions.
	Load(c *spec.Collection, o LoadOptions) (Loaded, error)

	// Attach attaches a loaded program to a hook. Target and Netns of a are resolved now.
	Attach(p Program, a spec.Attach) (Hook, error)

	// OpenRing opens a ring buffer for reading. A ring has one reader.
	OpenRing(m Map) (Ring, error)

	// CPUs returns how many values a per-CPU map has for a key.
	CPUs() (int, error)

	// Now returns nanoseconds of the clock by which programs stamp events: CLOCK_MONOTONIC in the
	// kernel.
	Now() (uint64, error)

	// Close frees what the backend itself holds. What was loaded is closed before.
	Close() error
}

// Stepper is a Backend in which things happen when they are asked for: a simulation, a replay. A run in
// it is the same each time: it asks for the next when the plugin has had what came before, and its time
// is that of Now.
type Stepper interface {
	Backend

	// Begin is called when everything is attached, before the plugin opens its sources. The error says
	// that nothing can happen.
	Begin() error

	// Step makes the next things happen, up to where somebody may want to read a ring or the time.
	// It returns io.EOF when nothing is left to happen.
	Step() error
}

// LoadOptions say how a collection is loaded.
type LoadOptions struct {
	Programs []string // programs to load although they are optional
	Digest   bool     // compute digests of the final instructions, where the place can

	// Pins are the paths at which maps that are shared by name are found or made, by that name. A place
	// that keeps nothing makes new maps.
	Pins map[string]string

	// Publication, of this Backend, makes the new ones of Pins; nil makes them with the load.
	Publication Publication
}

// Pinner is a Backend that keeps maps beyond a run.
type Pinner interface {
	// Pinned reports whether a map is at that path. The error says why that cannot be known.
	Pinned(path string) (bool, error)

	// NewPublication returns pins that nobody sees before they are published. ctx ends the wait for
	// other runs that make the same pins.
	NewPublication(ctx context.Context) Publication
}

// Publication is the pins that the loads of a run make together.
type Publication interface {
	// Publish makes them appear, all or none.
	Publish() error

	// Revert takes back what Publish made. It has an effect before Close only.
	Revert()

	// Close drops what was not published, and lets other runs make the same pins.
	Close() error
}

// Loaded is a collection that was loaded.
type Loaded interface {
	// Program returns a program by its name in the spec; false if it was not loaded.
	Program(name string) (Program, bool)

	// Maps returns the maps in the order of the spec.
	Maps() []Map

	// Close closes programs and maps. What is attached or pinned stays.
	Close() error
}

// Program is a loaded program.
type Program interface {
	// Name returns the name that the program has in the spec.
	Name() string
}

// Hook is a program attached to something.
type Hook interface {
	// Switch puts another program of the same type in the place of the attached one, atomically.
	// Families of hooks that cannot do that return an error that wraps ErrNotSupported.
	Switch(p Program) error

	// Close detaches the program.
	Close() error
}

// Map is a loaded map. Sizes are in bytes.
type Map interface {
	Name() string
	Type() spec.MapType
	KeySize() int
	ValueSize() int
	MaxEntries() int

	// ValueBufferSize returns the size of what Lookup fills: of per-CPU maps the values of all CPUs,
	// each padded to 8 bytes.
	ValueBufferSize() int

	// Lookup copies the value of a key. It returns ErrNoKey as it is where there is none.
	Lookup(key, value []byte) error

	// Update sets the value of a key. Flags are BPF_ANY, BPF_NOEXIST and BPF_EXIST of linux/bpf.h.
	Update(key, value []byte, flags UpdateFlags) error

	// Delete removes a key, or returns ErrNoKey.
	Delete(key []byte) error

	// NextKey copies the key after another one, the first one after an empty key. It returns
	// ErrNoKey after the last.
	NextKey(key, next []byte) error
}

// UpdateFlags say what Map.Update does about existing entries.
type UpdateFlags uint64

// The flags of linux/bpf.h.
const (
	UpdateAny   UpdateFlags = 0 // BPF_ANY: set the value whether the key exists or not
	UpdateNew   UpdateFlags = 1 // BPF_NOEXIST: only if the key does not exist yet
	UpdateExist UpdateFlags = 2 // BPF_EXIST: only if the key exists
)

// Ring is a ring buffer that is read.
type Ring interface {
	// Wait returns when there is something to read, or the cause why it waits no more: ctx, or
	// Close.
	Wait(ctx context.Context) error

	// Drain calls fn for every record that is there now, until fn returns false. The record is
	// valid within the call only. It returns how many there were.
	Drain(fn func(rec []byte) bool) (n int, err error)

	// Close ends reading; a Wait that is under way returns.
	Close() error
}
