package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/quote"
)

func newPolicyTest(a app) *cobra.Command {
	return &cobra.Command{
		Use:   "test FILE...",
		Short: "Hold policies against what is expected of them",
		Long: `test reads files with a policy, or the name of one, and what is expected of it: accesses that it must allow or
deny, and plugins whose plans it must. docs/policy.md describes the form. Each case that is decided otherwise is
a line of standard error, and the exit code is 1; a file that cannot be read is exit code 10.`,
		Example: `  bpfhost policy test strict.test.yaml`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage(c, "test: FILE is missing")
			}
			var failed failures
			for _, name := range args {
				t := suiteTest{app: a, file: name}
				if err := t.run(c.Context()); err != nil {
					failed = append(failed, err)
					continue
				}
				failed = append(failed, t.failed...)
				if len(t.failed) == 0 {
					if _, err := fmt.Fprintf(a.out, "%s: %d cases, all as expected\n", quote.Text(name), t.cases); err != nil {
						return err
					}
				}
			}
			return failed.err()
		},
	}
}

// suiteTest holds one suite.
type suiteTest struct {
	app
	file   string
	policy *policy.Policy
	cases  int
	failed failures
}

// run holds all cases. The error says why that is not possible.
func (t *suiteTest) run(ctx context.Context) error {
	b, err := t.readFile(t.file)
	if err != nil {
		return err
	}
	s, err := policy.ParseSuite(filepath.Base(t.file), b)
	if err != nil {
		return err
	}
	if t.policy = s.Policy; t.policy == nil {
		if t.policy, err = t.readPolicy(t.beside(s.PolicyFile)); err != nil {
			return err
		}
	}
	cases, decisions := s.Unexpected(t.policy)
	for i, c := range cases {
		t.fail(c.Line, c.Allow, decisions[i])
	}
	for _, c := range s.Plans {
		if err := t.plan(ctx, c); err != nil {
			return err
		}
	}
	t.cases = len(s.Cases) + len(s.Plans)
	return nil
}

// beside is a file that the suite names.
func (t *suiteTest) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(t.file), name)
}

// fail notes that a decision is not what is expected.
func (t *suiteTest) fail(line int, allow bool, v policy.Decision) {
	place := fmt.Sprintf("%s:%d", t.file, line)
	if allow {
		e := *v.Err().(*policy.Error)
		t.failed = append(t.failed, fmt.Errorf("%s: want it allowed, but %s", place, e.Error()))
		return
	}
	at := v.Policy
	if v.Line > 0 {
		at += fmt.Sprintf(":%d", v.Line)
	}
	t.failed = append(t.failed, fmt.Errorf("%s: want it denied, but policy %s allows %s: %s", place, at, v.Access, v.Rule))
}

// plan has a plugin plan.
func (t *suiteTest) plan(ctx context.Context, c policy.PlanCase) error {
	r := request{plugin: t.beside(c.Plugin), output: newChoice("table"), isolate: newIsolate()}
	for _, o := range c.Objects {
		r.objects = append(r.objects, t.beside(o))
	}
	for _, k := range slices.Sorted(maps.Keys(c.Set)) {
		r.set = append(r.set, k+"="+c.Set[k])
	}
	m, err := r.read(t.app)
	if err != nil {
		return err
	}
	m.options.Policy = t.policy
	s, err := r.start(ctx, t.app, m)
	if err == nil {
		defer s.close()
		_, err = s.plugin.Plan(ctx)
	}
	var denied *policy.Error
	switch {
	case err != nil && !errors.As(err, &denied):
		return fmt.Errorf("%s:%d: %w", t.file, c.Line, err)
	case denied != nil && c.Allow:
		t.failed = append(t.failed, fmt.Errorf("%s:%d: want the plan allowed, but %v", t.file, c.Line, err))
	case denied == nil && !c.Allow:
		t.failed = append(t.failed, fmt.Errorf("%s:%d: want the plan of %s denied, but policy %s allows it", t.file, c.Line, c.Plugin, t.policy.Name()))
	}
	return nil
}
