package spec

import "fmt"

// CheckError says what is wrong with an object of a collection.
type CheckError struct {
	Kind ObjectKind // of the object; ObjectCollection also for names that are missing or taken twice
	Name string     // of the object, of an attachment as in [Change]; empty for the collection
	Insn int        // index of the instruction in the program; -1 is none
	Err  error      // the reason
}

// Error is one line: "check program "count": instruction 3: …".
func (e *CheckError) Error() string {
	s := "check " + e.Kind.String()
	if e.Name != "" {
		s += " " + show(e.Name)
	}
	if e.Insn >= 0 {
		s += fmt.Sprintf(": instruction %d", e.Insn)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *CheckError) Unwrap() error { return e.Err }

// checkErrors gathers what is wrong.
type checkErrors []*CheckError

// addf adds a fault of an object as a whole.
func (l *checkErrors) addf(kind ObjectKind, name, format string, args ...any) {
	*l = append(*l, &CheckError{Kind: kind, Name: name, Insn: -1, Err: fmt.Errorf(format, args...)})
}
