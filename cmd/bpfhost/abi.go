package main

import (
	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/abi"
)

func newABI(a app) *cobra.Command {
	output := newChoice("table", "json")
	c := &cobra.Command{
		Use:   "abi",
		Short: "List the interface between host and plugins",
		Long: `abi lists what a plugin may export and import, the properties of what handles name, the records that both
sides share, and every number with a meaning. docs/abi.md has the same with more words.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if output.value == "table" {
				return abi.List(a.out)
			}
			b, err := abi.JSON()
			if err == nil {
				_, err = a.out.Write(b)
			}
			return err
		},
	}
	c.Flags().VarP(&output, "output", "o", "how to print it")
	return c
}
