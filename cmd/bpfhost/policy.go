package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/host/policy"
	"github.com/bpfhost/bpfhost/internal/quote"
)

func newPolicy(a app) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Show, check, test, explain and write policies",
		Long: `policy shows the policy that applies without --policy and what the classes of policies consist of, checks policy
files and holds them against what is expected of them, says which rule decides what, and writes the smallest policy
for a plugin. docs/policy.md describes the language.`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newPolicyShow(a), newPolicyCheck(a), newPolicyTest(a), newPolicyExplain(a), newPolicySuggest(a))
	return c
}

func newPolicyShow(a app) *cobra.Command {
	output := newChoice("table", "json")
	c := &cobra.Command{
		Use:   "show [CLASS]",
		Short: "Print the built-in policy, or the names that a class consists of",
		Long: `show prints the policy that applies without --policy. With a class (observe, mutate or enforce) it lists every
program type, hook, right, helper and kernel function that the class contains, each with its narrowest class and
whether it reads memory at any address ("memory") or sees the whole machine ("machine"). What is in no list is in no
class.`,
		Example: `  bpfhost policy show > strict.yaml
  bpfhost policy show observe | grep read`,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return badUsage(c, "show: %q is one argument too many", args[1])
			case len(args) == 0 && output.value == "json":
				return badUsage(c, "show: -o json lists a class; name observe, mutate or enforce")
			case len(args) == 0:
				_, err := io.WriteString(a.out, policy.BuiltInText)
				return err
			}
			class, ok := policy.ParseClass(args[0])
			if !ok {
				return badUsage(c, "show: class %q is unknown; want observe, mutate or enforce", args[0])
			}
			return showClass(a.out, class, output.value == "json")
		},
	}
	c.Flags().VarP(&output, "output", "o", "how to print it")
	return c
}

// classEntry is a name of a class in JSON.
type classEntry struct {
	Kind  policy.ClassKind `json:"kind"`
	Name  string           `json:"name"`
	Class string           `json:"class"` // the narrowest
	Reach policy.Reach     `json:"reach,omitempty"`
}

// showClass lists the names of a class, each with the narrowest class that contains it.
func showClass(w io.Writer, class policy.Class, asJSON bool) error {
	var entries []classEntry
	for _, kind := range policy.ClassKinds() {
		for _, name := range class.Names(kind) {
			narrowest, _ := policy.NarrowestClass(kind, name)
			entries = append(entries, classEntry{kind, name, narrowest.String(), policy.NameReach(kind, name)})
		}
	}
	if asJSON {
		return writeJSON(w, struct {
			Schema string       `json:"schema"`
			Class  string       `json:"class"`
			Names  []classEntry `json:"names"`
		}{"bpfhost.class/v1", class.String(), entries})
	}
	var t table
	rows := make([][]string, len(entries))
	for i, e := range entries {
		rows[i] = []string{string(e.Kind), e.Name, e.Class, string(e.Reach)}
	}
	t.block([]string{"KIND", "NAME", "CLASS", "REACH"}, rows)
	return t.write(w)
}

func newPolicyCheck(a app) *cobra.Command {
	return &cobra.Command{
		Use:     "check FILE...",
		Short:   "Read policies and say whether they can be used",
		Long:    `check reads each FILE as run and plan do with --policy. It ends with exit code 10 when one cannot be used.`,
		Example: `  bpfhost policy check strict.yaml`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage(c, "check: FILE is missing")
			}
			var failed failures
			for _, name := range args {
				p, err := a.readPolicy(name)
				if err == nil {
					_, err = fmt.Fprintf(a.out, "%s: can be used\n", quote.Text(name))
				}
				if err == nil && len(p.Notes()) > 0 {
					_, err = fmt.Fprintf(a.out, "note: %s\n", strings.Join(p.Notes(), "\nnote: "))
				}
				failed = failed.with(err)
			}
			return failed.err()
		},
	}
}

// readPolicy reads a policy file.
func (a app) readPolicy(name string) (*policy.Policy, error) {
	b, err := a.readFile(name)
	if err != nil {
		return nil, err
	}
	return policy.Parse(filepath.Base(name), b)
}
