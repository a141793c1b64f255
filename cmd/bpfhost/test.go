package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/vm"
	"github.com/bpfhost/bpfhost/host/sim"
	"github.com/bpfhost/bpfhost/internal/cover"
	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/testcase"
)

func newTest(a app) *cobra.Command {
	t := tester{app: a, output: newChoice("table", "jsonl")}
	var kernel, update bool
	var cov coverage
	engine := newChoice(sim.EngineNames...)
	c := &cobra.Command{
		Use:   "test FILE.yaml…",
		Short: "Run cases for programs: an input, and what has to come of it",
		Long: `test runs the cases of files. A case names a program of an object, variables and entries of maps that it starts
with, a packet or a context, and what has to come of it: what the program returns, the packet, entries of maps,
variables, records of ring buffers. docs/test.md has the format.

They run in user space, without root and on any system. With --kernel the running kernel runs them (BPF_PROG_TEST_RUN),
attaching nothing; what it cannot run is skipped and said to be. --update writes what comes of the cases into the files.

--cover says how many lines of source the cases ran, --coverprofile writes which, as 'go tool cover' reads it,
--coverhtml a page that shows them.`,
		Example: `  bpfhost test drops.yaml
  bpfhost test --update drops.yaml
  sudo bpfhost test --kernel testdata/*.yaml`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return badUsage(c, "test: FILE.yaml is missing")
			case kernel && update:
				return badUsage(c, "test: --update writes what comes of a run in user space; leave out --kernel")
			case cov.wanted() && (kernel || update):
				return badUsage(c, "test: coverage is that of a run in user space; leave out --kernel and --update")
			case kernel && c.Flags().Changed("engine"):
				return badUsage(c, "test: --engine is for runs in user space; leave out --kernel")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if cov.wanted() {
				t.cover = new(cover.Profile)
			}
			t.place = testcase.Machine{Options: chosenEngine(engine).Options(vm.Options{}), Cover: t.cover}
			if kernel {
				t.place = kernelPlace{}
			}
			if update {
				return t.update(args)
			}
			err := t.run(args)
			return failures{}.with(err, cov.write(&t)).err()
		},
	}
	cov.flags(c)
	c.Flags().VarP(&t.output, "output", "o", "how to print the outcome")
	c.Flags().Var(&engine, "engine", engineUsage)
	c.Flags().BoolVar(&kernel, "kernel", false, "run the cases on the running kernel")
	c.Flags().BoolVar(&update, "update", false, "write what comes of the cases into the files")
	c.Flags().BoolVarP(&t.verbose, "verbose", "v", false, "show the cases that pass too")
	return c
}

// tester runs files of cases.
type tester struct {
	app
	place   testcase.Place
	output  choice
	verbose bool
	cover   *cover.Profile // nil is none

	passed, failed, skipped int
}

// errCases says that cases failed. What they are was printed.
var errCases = errors.New("a case failed")

// caseDoc is the outcome of a case as a line of JSON.
type caseDoc struct {
	Schema      string   `json:"schema"`
	File        string   `json:"file"`
	Line        int      `json:"line"`
	Case        string   `json:"case"`
	Program     string   `json:"program"`
	Outcome     string   `json:"outcome"` // passed, failed, skipped, or error: it could not be run
	Differences []string `json:"differences"`
	Reason      string   `json:"reason,omitempty"` // why it was skipped, or could not be run
}

// run runs all files, and fails if a case does.
func (t *tester) run(files []string) error {
	var bad failures
	for _, name := range files {
		f, err := testcase.Load(name, t.readFile)
		if err != nil {
			bad = bad.with(&inputError{err})
			continue
		}
		if t.cover != nil {
			for _, p := range f.Object.Programs {
				t.cover.Add(p, nil)
			}
		}
		for _, c := range f.Cases {
			o := f.Run(c, t.place)
			if o.Err != nil {
				bad = bad.with(fmt.Errorf("%s:%d: case %q: %w", name, c.Line, c.Name, o.Err))
			}
			if err := t.show(name, c, o); err != nil {
				return err
			}
		}
	}
	if t.output.value == "table" {
		if _, err := fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped); err != nil {
			return err
		}
	}
	if t.failed > 0 {
		bad = bad.with(fmt.Errorf("%w: %d of %d", errCases, t.failed, t.passed+t.failed))
	}
	return bad.err()
}

// show prints the outcome of a case.
func (t *tester) show(file string, c *testcase.Case, o testcase.Outcome) error {
	d := caseDoc{"bpfhost.case/v1", file, c.Line, c.Name, c.Program, "passed", o.Differences, o.Skipped}
	if d.Differences == nil {
		d.Differences = []string{}
	}
	switch {
	case o.Err != nil:
		d.Outcome, d.Reason = "error", o.Err.Error()
		if t.output.value == "table" {
			return nil // it is among the errors
		}
	case o.Skipped != "":
		t.skipped++
		d.Outcome = "skipped"
	case !o.Passed():
		t.failed++
		d.Outcome = "failed"
	default:
		t.passed++
	}
	if t.output.value == "jsonl" {
		return writeJSONLine(t.out, d)
	}
	if o.Passed() && !t.verbose {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-7s  %s:%d: %s\n", d.Outcome, quote.Text(file), c.Line, quote.Text(c.Name))
	if o.Skipped != "" {
		fmt.Fprintf(&b, "         %s\n", quote.Text(o.Skipped))
	}
	for _, line := range o.Differences {
		fmt.Fprintf(&b, "         %s\n", quote.Text(line))
	}
	_, err := t.out.Write([]byte(b.String()))
	return err
}

// update writes what comes of all cases into their files.
func (t *tester) update(files []string) error {
	var bad failures
	for _, name := range files {
		f, err := testcase.Load(name, t.readFile)
		var b []byte
		if err == nil {
			b, err = f.Update(t.place)
		}
		if err != nil {
			bad = bad.with(&inputError{err})
			continue
		}
		if old, rerr := os.ReadFile(name); rerr == nil && string(old) == string(b) {
			continue
		}
		if err := t.writeFile(name, b); err != nil {
			return err
		}
		fmt.Fprintf(t.err, "bpfhost: wrote %s\n", quote.Text(name))
	}
	return bad.err()
}
