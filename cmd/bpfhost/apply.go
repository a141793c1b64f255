package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/host/plan"
)

func newApply(a app) *cobra.Command {
	r := request{output: newChoice("table", "jsonl")}
	var l life
	c := &cobra.Command{
		Use:   "apply FILE [flags]",
		Short: "Load and attach a saved plan, if it is still what comes of it",
		Long: `apply does what a plan says that 'bpfhost plan --out' saved. It reads the plugin, the objects and the policy again,
and refuses them when any of them, the parameters or the kernel (its release, its BTF, its security modules) is not what
the plan was made from. Then it plans again, and goes on only if the same plan comes of it. Nothing in FILE itself is
loaded. It does not ask: the plan was looked at before. The rest is as with run.`,
		Example: `  bpfhost plan guard.wasm --object drops.o --set iface=eth0 --out guard.plan
  sudo bpfhost apply guard.plan --duration 1h`,
		RunE: func(c *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return badUsage(c, "apply: FILE is missing; 'bpfhost plan --out FILE' makes it")
			case 1:
			default:
				return badUsage(c, "apply: %q is one argument too many; what the plugin gets is in FILE", args[1])
			}
			return r.apply(c, a, args[0], &l)
		},
	}
	r.common(c)
	a.dataFlag(c)
	l.flags(c)
	c.Flags().VarP(&r.output, "output", "o", "how events are printed")
	return c
}

// apply does what a file with a saved plan says.
func (r *request) apply(c *cobra.Command, a app, file string, l *life) error {
	defer a.signals.hold()()
	b, err := a.readFile(file)
	if err != nil {
		return err
	}
	saved, err := plan.LoadSaved(b)
	if err != nil {
		return &inputError{fmt.Errorf("apply %s: %w", file, err)}
	}
	r.ask(saved)
	m, err := r.read(a)
	if err != nil {
		return err
	}
	if m.inputs.Kernel, err = m.types.running(); err == nil {
		err = saved.Moved(&m.inputs)
	}
	if err != nil {
		m.types.close()
		return fmt.Errorf("apply %s: %w", file, err)
	}
	s, err := r.start(c.Context(), a, m)
	if err != nil {
		return err
	}
	defer s.close()
	p, err := s.plugin.Plan(c.Context())
	if err != nil {
		return err
	}
	if err := saved.Same(p); err != nil {
		return fmt.Errorf("apply %s: %w", file, err)
	}
	return l.serve(c.Context(), a, s, p, r.output.value)
}

// ask makes a request for what a plan was made from.
func (r *request) ask(s *plan.Saved) {
	r.plugin, r.policy, r.args = s.Plugin.Path, s.Policy.Path, s.Parameters.Args
	if s.CoreTypes != nil {
		r.kernel = s.CoreTypes.Path
	}
	if s.Signature != nil {
		r.signature = s.Signature.Path
	}
	for _, o := range s.Objects {
		r.objects = append(r.objects, o.Path)
	}
	if s.Parameters.Object != nil {
		r.parameters = s.Parameters.Object
	}
	for _, k := range slices.Sorted(maps.Keys(s.Parameters.Set)) {
		r.set = append(r.set, k+"="+s.Parameters.Set[k])
	}
}

// save writes a plan to a file, for apply.
func (s *session) save(a app, p *plan.Plan, file string) error {
	in := s.inputs
	var err error
	if in.Kernel, err = s.types.running(); err != nil {
		return fmt.Errorf("save plan: %w", err)
	}
	made := *p
	made.Verified = nil // what the kernel said once is not part of what apply plans again
	b, err := plan.Save(&made, in)
	if err != nil {
		return err
	}
	return a.writeFile(file, b)
}

// running says which kernel runs.
func (s *sources) running() (plan.KernelID, error) {
	id, err := s.kernel.Identity()
	return plan.KernelID{Release: id.Release, BTF: id.BTF, SecurityModules: id.SecurityModules}, err
}
