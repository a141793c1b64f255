package isolate

import (
	"errors"

	"github.com/bpfhost/bpfhost/host/internal/budget"
	"github.com/bpfhost/bpfhost/host/internal/sandbox"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// setup is what a child is told when it is started.
type setup struct {
	Stage   int    // 1 gives up privileges, 2 has none and runs the guest
	Mount   bool   // mount files of its own
	Root    bool   // and have no others
	Become  bool   // become nobody
	Memory  uint64 // of the process, in bytes
	Shared  uint64 // of the guest, in bytes
	Threads uint64 // limit of threads, 0 is none
	Dir     string // where it may write files, in stage 2; empty is nowhere
}

// config is a guest as the child is told of it.
type config struct {
	Name           string
	Limits         sandbox.Limits
	HostModule     string
	Imports        []signature
	Exports        []signature
	Stdout, Stderr bool   // somebody reads them
	Memory         uint64 // what the guest may have at most, in bytes
}

// signature is an import or export.
type signature struct {
	Name            string
	Params, Results []sandbox.ValueType
	Required        bool
}

// configOf returns the config of a guest.
func configOf(o *sandbox.Options, memory uint64) config {
	c := config{
		Name: o.Name, Limits: o.Limits, HostModule: o.HostModule, Memory: memory,
		Stdout: o.Stdout != nil, Stderr: o.Stderr != nil,
	}
	for i := range o.Imports {
		im := &o.Imports[i]
		c.Imports = append(c.Imports, signature{im.Name, im.Params, im.Results, false})
	}
	for i := range o.Exports {
		x := &o.Exports[i]
		c.Exports = append(c.Exports, signature{x.Name, x.Params, x.Results, x.Required})
	}
	return c
}

// failure is an error of the sandbox as it crosses to the parent.
type failure struct {
	Kind   string // of failure…
	Export string
	Reason string // of a trap or a refusal
	Limit  *budget.LimitError
	Stack  []string // of a trap
}

// The kinds of failure.
const (
	failureReject = "reject"
	failureTrap   = "trap"
	failureLimit  = "limit"
	failureOther  = "other"
)

// maxReason bounds a text of a failure, in bytes, so that all fit into a message.
const maxReason = 1 << 10

// failureOf returns what the parent is told of an error.
func failureOf(err error) failure {
	var (
		reject *sandbox.Reject
		trap   *sandbox.Trap
		limit  *budget.LimitError
	)
	switch {
	case errors.As(err, &trap):
		return failure{Kind: failureTrap, Export: trap.Export, Reason: trap.Reason, Stack: trap.Stack}
	case errors.As(err, &limit):
		return failure{Kind: failureLimit, Export: limit.Export, Limit: limit}
	case errors.As(err, &reject):
		return failure{Kind: failureReject, Reason: reject.Reason}
	}
	return failure{Kind: failureOther, Reason: err.Error()}
}

// err returns the error again. Nobody knows who wrote the text.
func (f failure) err() error {
	line := func(s string) string { return quote.Plain(s, maxReason) }
	switch f.Kind {
	case failureTrap:
		t := &sandbox.Trap{Export: line(f.Export), Reason: line(f.Reason)}
		for _, s := range f.Stack {
			t.Stack = append(t.Stack, line(s))
		}
		return t
	case failureLimit:
		if l := f.Limit; l != nil {
			return &budget.LimitError{Export: line(f.Export), What: line(l.What), Used: l.Used, Max: l.Max, Unit: l.Unit, Advice: line(l.Advice)}
		}
	case failureReject:
		return &sandbox.Reject{Reason: line(f.Reason)}
	}
	return errors.New(line(f.Reason))
}
