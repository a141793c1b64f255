package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf/render"
	"github.com/bpfhost/bpfhost/host"
)

// diffDoc is what btf diff -o json prints. Fields are only ever added.
type diffDoc struct {
	Schema  string          `json:"schema"`
	Changes []render.Change `json:"changes"`
}

func newBTFDiff(a app) *cobra.Command {
	output := newChoice("table", "json")
	var o render.DiffOptions
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare the types of two kernels or objects",
		Long: `diff compares types of the same name: sizes, members with their types and places, values of enums, signatures.
+ is new in B, - is gone, ~ has changed. With --root only these types and what they contain are compared.`,
		Example: `  bpfhost btf diff linux-5.10.btf vmlinux --root task_struct
  bpfhost btf diff -o json old.o new.o`,
		Args: wantArgs("A", "B"),
		RunE: func(_ *cobra.Command, args []string) error {
			x, err := a.openTypes(args[0], "")
			if err != nil {
				return err
			}
			y, err := a.openTypes(args[1], "")
			if err != nil {
				return err
			}
			list, err := render.Diff(x, y, o)
			if err != nil {
				return &inputError{fmt.Errorf("diff %s %s: %w", args[0], args[1], err)}
			}
			if output.value == "json" {
				return writeJSON(a.out, diffDoc{"bpfhost.btf-diff/v1", append([]render.Change{}, list...)})
			}
			for i := range list {
				c := &list[i]
				c.Type, c.Name = host.SafeText(c.Type), host.SafeText(c.Name)
				c.Old, c.New = host.SafeText(c.Old), host.SafeText(c.New)
			}
			_, err = a.out.Write(render.AppendChanges(nil, list))
			return err
		},
	}
	c.Flags().StringArrayVar(&o.Roots, "root", nil, "`TYPE` to compare (repeatable)")
	c.Flags().VarP(&output, "output", "o", "how to print it")
	return c
}
