package policy

import (
	"fmt"
	"strings"
)

// Decision is the decision on one access.
type Decision struct {
	Access  string `json:"access"`           // what was evaluated and where, one terminal-safe line
	Allowed bool   `json:"allowed"`          //
	Rule    string `json:"rule"`             // the rule that decided, e.g. "allow helper bpf_map_*"
	Line    int    `json:"line,omitempty"`   // of the rule in the policy; 0 is not known
	Policy  string `json:"policy"`           // name of the policy
	Reason  string `json:"reason,omitempty"` // why, where the rule alone does not say it
	Reach   Reach  `json:"reach,omitempty"`  // what it sees beyond what is the plugin's own
	Source  string `json:"source,omitempty"` // the line of source at or above the place, "drops.bpf.c:38"
	Kind    Kind   `json:"-"`                // of the access
}

// Err returns an *Error for a denial and nil otherwise.
func (v Decision) Err() error {
	if v.Allowed {
		return nil
	}
	return &Error{Access: v.Access, Rule: v.Rule, Policy: v.Policy, Line: v.Line, Reason: v.Reason}
}

// Subject returns what was evaluated without where, e.g. "helper bpf_redirect".
func (v Decision) Subject() string {
	subject, _, _ := strings.Cut(v.Access, " (")
	return subject
}

// FirstDenial returns the *Error of the first denial in the list, or nil if there is none.
func FirstDenial(list []Decision) error {
	for _, v := range list {
		if err := v.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Denied returns the first denial of the list as a *Error that says how many there are, or nil.
func Denied(list []Decision) error {
	var first error
	more := 0
	for _, v := range list {
		if err := v.Err(); err != nil {
			if first == nil {
				first = err
			} else {
				more++
			}
		}
	}
	if more > 0 {
		return fmt.Errorf("%w (and %d more)", first, more)
	}
	return first
}

// Error says that a policy denies something.
type Error struct {
	Access string // what was evaluated and where
	Rule   string // the rule that decided; "unrequested" when the plugin did not ask for it
	Policy string // name of the policy; empty is any that could be written
	Line   int    // of the rule in the policy; 0 is not known
	Reason string // why, where the rule alone does not say it; may be empty
}

// Unrequested is the rule of what a plugin uses without having asked for it.
const Unrequested = "unrequested"

// Error is one line, terminal-safe, e.g. "policy strict.yaml:7 denies helper bpf_redirect (insn 31
// of p)".
func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.Rule == Unrequested:
		b.WriteString("plugin does not request " + e.Access)
	case e.Policy == "":
		b.WriteString("no policy grants " + e.Access)
	default:
		b.WriteString("policy " + printable(e.Policy))
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(" denies " + e.Access)
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	return b.String()
}

// SyntaxError says why a text is not a policy, and where.
type SyntaxError struct {
	Policy       string // name of the policy
	Line, Column int    // from 1; 0 is not known
	Reason       string
}

// Error is one line, terminal-safe.
func (e *SyntaxError) Error() string {
	place := printable(e.Policy)
	if e.Line > 0 {
		place += fmt.Sprintf(":%d", e.Line)
		if e.Column > 0 {
			place += fmt.Sprintf(":%d", e.Column)
		}
	}
	return "read policy " + place + ": " + e.Reason
}
