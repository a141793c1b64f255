package backend

import "errors"

// Conditions that callers act on.
var (
	// ErrNoKey says that a map has no such key, or no further one.
	ErrNoKey = errors.New("no such key")

	// ErrNotSupported says that the place lacks something.
	ErrNotSupported = errors.New("not supported")
)

// VerifierError says that the place refused to load a program for what its instructions do.
type VerifierError struct {
	Program string // name in the spec
	Insn    int    // index in the spec's instructions of the one to blame; -1 if none is known
	Err     error  // what the place itself says
}

// Error returns the place's own words.
func (e *VerifierError) Error() string { return e.Err.Error() }

// Unwrap returns what the place itself says.
func (e *VerifierError) Unwrap() error { return e.Err }
