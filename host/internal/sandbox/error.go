package sandbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// Errors that a caller may act on, besides *Reject, *Trap and *budget.LimitError.
var (
	ErrPoisoned  = errors.New("guest failed earlier and is not called again")
	ErrClosed    = errors.New("guest is closed")
	ErrReentered = errors.New("guest is called from one of its own host calls")
	ErrNoExport  = errors.New("guest does not export it")
	ErrCacheDir  = errors.New("unsafe compile cache directory")
)

// Reject says that a module was refused before any of its code ran.
type Reject struct {
	Reason string // one line, terminal-safe
	Err    error  // what Options.UnknownImport or the scan returned; nil otherwise
}

// Error returns the reason.
func (r *Reject) Error() string { return r.Reason }

// Unwrap returns r.Err.
func (r *Reject) Unwrap() error { return r.Err }

// reject builds a *Reject; the text must come from printable where it holds names of the module.
func reject(format string, args ...any) *Reject {
	return &Reject{Reason: fmt.Sprintf(format, args...)}
}

// Trap says that a guest broke down in a call: it trapped, it left through proc_exit, or a host
// function that it called panicked.
type Trap struct {
	Export string   // the export that was called; "start" for the module's start function
	Reason string   // one line, terminal-safe, with the innermost functions
	Stack  []string // functions of the guest, the innermost first, where the module names them
	Trace  string   // stack of the guest, and of the host after a host panic; for logs, not for guests
}

// Error is one line, terminal-safe.
func (t *Trap) Error() string { return "trap in " + t.Export + ": " + t.Reason }

// maxShown bounds how much of a name or message of a guest goes into an error, in bytes.
const maxShown = 200

// printable returns s as it is if a terminal shows it as it is, and quoted otherwise, shortened to
// maxShown bytes.
func printable(s string) string { return quote.Plain(s, maxShown) }

// firstLine returns the first line of the runtime's error text, terminal-safe.
func firstLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	s = strings.TrimPrefix(s, "wasm error: ")
	return printable(strings.TrimSuffix(s, " (recovered by wazero)"))
}
