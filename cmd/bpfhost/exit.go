package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/link"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/host"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/host/plan"
	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/host/sim"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// The exit codes. Scripts rely on them: they never change their meaning.
const (
	exitFailure     = 1   // anything that has no code of its own
	exitUsage       = 2   // the command line cannot be understood
	exitInput       = 10  // a file was rejected
	exitPolicy      = 11  // the policy denies something
	exitPlugin      = 12  // the plugin failed
	exitLimit       = 13  // the plugin reached a limit
	exitCases       = 14  // a case of bpfhost test did not come out as it has to
	exitDiffer      = 15  // programs that bpfhost compare ran do not do the same
	exitVerifier    = 20  // the kernel's verifier refused a program
	exitPermission  = 21  // a privilege is missing
	exitKernel      = 22  // the kernel lacks something, or a file system is not mounted
	exitAttach      = 23  // attaching failed
	exitFault       = 24  // a program was stopped in the simulator
	exitInterrupted = 130 // interrupted, or not confirmed, before anything was attached
)

// cause is one kind of failure.
type cause struct {
	code int
	is   func(error) bool
	next string // what to do now, where the error does not say it itself
}

// causes is searched in order: an error is what it matches first.
var causes = []cause{
	{exitUsage, isA[*usageError], ""},
	{exitUsage, isA[*host.ParamError], ""},
	{exitUsage, isA[*host.OptionError], ""},
	{exitInterrupted, isOne(errInterrupted), ""},
	{exitInterrupted, isOne(errDeclined), ""},
	{exitCases, isOne(errCases), ""},
	{exitDiffer, isOne(errDiffer), ""},
	{exitInput, isA[*plan.MovedError], ""},
	{exitInput, isA[*inputError], ""},
	{exitLimit, isA[*host.LimitError], ""},
	{exitInput, isA[*policy.SyntaxError], ""},
	{exitPolicy, isA[*policy.Error], ""},
	{exitVerifier, isA[*loader.VerifierError], ""},
	{exitPermission, unwritable, ""},
	{exitPermission, notRoot, "run it as root; 'bpfhost plan' needs no privileges"},
	{exitPermission, isOne(loader.ErrPermission), ""},
	{exitKernel, isOne(loader.ErrNotSupported), ""},
	{exitKernel, isOne(vm.ErrNotSupported), ""},
	{exitKernel, isOne(kernel.ErrNotMounted), ""},
	{exitKernel, isOne(backend.ErrNotSupported), ""},
	{exitFault, isA[*vm.Fault], "a kernel's verifier refuses most programs that do that"},
	{exitInput, isA[*sim.InputError], ""},
	{exitUsage, isOne(sim.ErrNothing), "--pcap and --traffic bring packets, --events events"},
	{exitKernel, isOne(host.ErrNotIsolated), "--isolate=false runs the plugin in this process, if you trust it"},
	{exitAttach, isA[*link.Error], ""},
	{exitInput, isOne(host.ErrInput), ""},
	{exitPlugin, isA[*host.PluginError], ""},
	{exitInput, isA[*spec.CheckError], ""},
}

func isA[T error](err error) bool {
	var e T
	return errors.As(err, &e)
}

func isOne(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// unwritable reports a file that this user may not write.
func unwritable(err error) bool {
	return isA[*outputError](err) && errors.Is(err, loader.ErrPermission)
}

// notRoot reports a missing privilege of a user who is not root.
func notRoot(err error) bool { return errors.Is(err, loader.ErrPermission) && os.Geteuid() != 0 }

// find returns what an error is.
func find(err error) cause {
	for _, c := range causes {
		if c.is(err) {
			return c
		}
	}
	return cause{code: exitFailure}
}

// failures are errors that do not follow from each other.
type failures []error

// with adds errors and leaves out what is nil.
func (f failures) with(errs ...error) failures {
	for _, err := range errs {
		if err != nil {
			f = append(f, err)
		}
	}
	return f
}

// err returns f as an error, which is nil when there are none.
func (f failures) err() error {
	switch len(f) {
	case 0:
		return nil
	case 1:
		return f[0]
	}
	return f
}

// Error returns the first error and how many there are.
func (f failures) Error() string { return fmt.Sprintf("%v (and %d more)", f[0], len(f)-1) }

// Unwrap returns all of them.
func (f failures) Unwrap() []error { return f }

// printError prints one line for each failure and returns the exit code of the first.
func printError(w io.Writer, err error) int {
	if list, ok := err.(failures); ok {
		for _, err := range list {
			printError(w, err)
		}
		return find(list[0]).code
	}
	c := find(err)
	line := "bpfhost: " + quote.Text(err.Error())
	if c.next != "" {
		line += "; " + c.next
	}
	var u *usageError
	if errors.As(err, &u) && u.cmd != "" {
		line += "; see '" + u.cmd + " --help'"
	}
	fmt.Fprintln(w, line)
	return c.code
}
