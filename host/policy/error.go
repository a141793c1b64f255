package policy

import (
	"fmt"
	"strings"
)

// Verdict is the judgement of one subject.
type Verdict struct {
	Subject string `json:"subject"`          // what was judged and where, one terminal-safe line
	Allowed bool   `json:"allowed"`          //
	Rule    string `json:"rule"`             // the rule that decided, e.g. "allow helper bpf_map_*"
	Line    int    `json:"line,omitempty"`   // of the rule in the policy; 0 is not known
	Policy  string `json:"policy"`           // name of the policy
	Reason  string `json:"reason,omitempty"` // why, where the rule alone does not say it
	Kind    Kind   `json:"-"`                // of the subject
}

// Err returns an *Error for a denial and nil otherwise.
func (v Verdict) Err() error {
	if v.Allowed {
		return nil
	}
	return &Error{Subject: v.Subject, Rule: v.Rule, Policy: v.Policy, Line: v.Line, Reason: v.Reason}
}

// FirstDenial returns the *Error of the first denial in the list, or nil if there is none.
func FirstDenial(list []Verdict) error {
	for _, v := range list {
		if err := v.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Error says that a policy denies something.
type Error struct {
	Subject string // what was judged and where
	Rule    string // the rule that decided; "undeclared" when the plugin did not ask for it
	Policy  string // name of the policy
	Line    int    // of the rule in the policy; 0 is not known
	Reason  string // why, where the rule alone does not say it; may be empty
}

// Undeclared is the rule of what a plugin uses without having asked for it.
const Undeclared = "undeclared"

// Error is one line, terminal-safe, e.g. "policy strict.yaml:7 denies helper bpf_redirect (insn 31 of p)".
func (e *Error) Error() string {
	var b strings.Builder
	if e.Rule == Undeclared {
		b.WriteString("plugin does not declare " + e.Subject)
	} else {
		b.WriteString("policy " + printable(e.Policy))
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(" denies " + e.Subject)
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	return b.String()
}

// SyntaxError says why a text is no policy, and where.
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
