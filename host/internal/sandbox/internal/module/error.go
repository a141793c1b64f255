package module

import (
	"fmt"

	"github.com/bpfhost/bpfhost/internal/quote"
)

// Error says why a module was refused.
type Error struct {
	Section string // e.g. "code section"; empty where no place is to blame
	Offset  int    // in the module
	Limit   string // the field of Limits that is exceeded; empty for what is malformed or unsupported
	Reason  string // one line, terminal-safe; a limit's has the value found and the limit
	plain   bool   // the reason says it all
}

// Error is one line, terminal-safe.
func (e *Error) Error() string {
	switch {
	case e.plain:
		return e.Reason
	case e.Limit != "":
		return fmt.Sprintf("module over a limit: %s, offset %d: %s (%s)", e.Section, e.Offset, e.Reason, e.Limit)
	}
	return fmt.Sprintf("not a valid module: %s, offset %d: %s", e.Section, e.Offset, e.Reason)
}

// unsupported builds an error for a valid module that is not for this host.
func unsupported(format string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(format, args...), plain: true}
}

// maxShown bounds how much of a name goes into an error, in bytes.
const maxShown = 200

// printable returns a name of the module as a terminal shows it.
func printable(s string) string { return quote.Plain(s, maxShown) }
