package testcase

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// Error says what is wrong with a file, and where.
type Error struct {
	File   string
	Line   int // from 1; 0 is unknown
	Column int
	Err    error
}

// Error is one line: file:line:column, and the reason.
func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", at, e.Line, e.Column)
	}
	return quote.Text(at + ": " + e.Err.Error())
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// nodeError is about a place in a file whose name is not known yet.
type nodeError struct {
	node *yaml.Node
	err  error
}

func (e *nodeError) Error() string { return e.err.Error() }

func (e *nodeError) Unwrap() error { return e.err }

// failf makes the error about a node.
func failf(n *yaml.Node, format string, args ...any) error {
	return &nodeError{n, fmt.Errorf(format, args...)}
}
