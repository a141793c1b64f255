package main

import (
	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/host/plan"
)

func newPlan(a app) *cobra.Command {
	r := request{output: newChoice("table", "json")}
	var out string
	var verify bool
	c := &cobra.Command{
		Use:     "plan PLUGIN.wasm|FILE.o [flags] [-- plugin arguments]",
		Aliases: []string{"check"},
		Short:   "Show what a plugin would do, and what the policy says to it",
		Long: `plan runs a plugin up to the point where the kernel would come in: it shows the difference that the
plugin makes to its objects, what would be attached where, and by which rule each part is allowed. What
kernels refuse for certain is an error, what they are likely to refuse a warning.
It needs no privileges and changes nothing. With --verify everything is loaded too, not attached, and
unloaded again, for who may load it, and the plan says what the kernel said. With --out the plan is saved, for 'bpfhost apply' to do just that.
An eBPF object has a plan without a plugin, see 'bpfhost run --help'.`,
		Example: `  bpfhost plan guard.wasm --object drops.o --set iface=eth0
  bpfhost plan guard.wasm --object drops.o --set iface=eth0 --out guard.plan && sudo bpfhost apply guard.plan
  bpfhost plan drops.o --attach drops=eth0 --map-size events=64KiB`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := r.take(c, args); err != nil {
				return err
			}
			if out == "-" {
				return badUsage(c, "plan: --out wants the name of a file; -o json prints the plan")
			}
			release := a.signals.hold() // what the plugin said up to then is shown
			defer release()
			s, err := r.open(c.Context(), a)
			if err != nil {
				return err
			}
			defer s.close()
			p, err := s.plugin.Plan(c.Context())
			release()
			if err == nil && verify {
				err = s.plugin.Verify(c.Context(), p)
			}
			if p != nil { // a denied plan is shown too
				if werr := r.show(a, p); err == nil {
					err = werr
				}
			}
			if err == nil && out != "" {
				err = s.save(a, p, out)
			}
			return err
		},
	}
	r.flags(c)
	a.dataFlag(c)
	c.Flags().VarP(&r.output, "output", "o", "how to print the plan")
	c.Flags().BoolVar(&verify, "verify", false, "load everything, attach nothing, and unload it, to learn what the kernel says")
	c.Flags().StringVar(&out, "out", "", "`FILE` to save the plan to, unless the policy denies it")
	return c
}

// show prints a plan in the form that the request asks for.
func (r *request) show(a app, p *plan.Plan) error {
	switch r.output.value {
	case "json":
		return writeJSON(a.out, p)
	case "jsonl":
		return writeJSONLine(a.out, p)
	}
	return p.WriteText(a.out, plan.TextOptions{})
}
