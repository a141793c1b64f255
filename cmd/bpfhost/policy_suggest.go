package main

import (
	"io"

	"github.com/spf13/cobra"
)

func newPolicySuggest(a app) *cobra.Command {
	var r request
	c := &cobra.Command{
		Use:   "suggest PLUGIN.wasm|FILE.o [flags] [-- plugin arguments]",
		Short: "Print the smallest policy that lets a plan through",
		Long: `suggest has a plugin, or an object alone, plan with nothing refused, and prints the smallest policy that lets this plan through: none
of its lines can be left out. A comment says what needs each line; lines that are comments narrow the policy to
this module, its class and its numbers. Read it before you use it: it grants what the plugin does, good or bad.
What no policy grants is an error, and nothing is printed. The kernel is not touched and no privilege is needed.`,
		Example: `  bpfhost policy suggest guard.wasm --object drops.o --set iface=eth0 > guard.yaml
  bpfhost plan guard.wasm --object drops.o --set iface=eth0 --policy guard.yaml`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := r.take(c, args); err != nil {
				return err
			}
			s, err := r.open(c.Context(), a)
			if err != nil {
				return err
			}
			defer s.close()
			suggested, made, err := s.plugin.Suggest(c.Context())
			if made == nil {
				return err
			}
			var failed failures
			for _, d := range suggested.Denied {
				failed = failed.with(d.Err())
			}
			if failed == nil {
				if _, werr := io.WriteString(a.out, suggested.Text); err == nil {
					err = werr
				}
			}
			return failed.with(err).err()
		},
	}
	r.inputFlags(c)
	a.dataFlag(c)
	r.guestFlags(c)
	return c
}
