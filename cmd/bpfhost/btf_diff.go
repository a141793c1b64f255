package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/btf/render"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// diffDoc is what btf diff -o json prints. Fields are only ever added.
type diffDoc struct {
	Schema  string          `json:"schema"`
	Changes []render.Change `json:"changes"`
}

func newBTFDiff(a app) *cobra.Command {
	output := newChoice("table", "json")
	var o render.DiffOptions
	var bases []string
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare the types of two kernels or objects",
		Long: `diff compares types of the same name: sizes, members with their types and places, values of enums, signatures.
+ is new in B, - is gone, ~ has changed. With --root only these types and what they contain are compared. Of modules
only their own types are compared.`,
		Example: `  bpfhost btf diff old/veth.ko veth --base old.btf --base vmlinux
  bpfhost btf diff linux-5.10.btf vmlinux --root task_struct
  bpfhost btf diff -o json old.o new.o`,
		Args: func(c *cobra.Command, args []string) error {
			if len(bases) > 2 {
				return badUsage(c, "diff: --base is there %d times, for A and B", len(bases))
			}
			return wantArgs("A", "B")(c, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			src := a.sources()
			defer src.close()
			x, err := src.open(args[0], append(bases, "")[0])
			if err != nil {
				return err
			}
			y, err := src.open(args[1], append(slices.Clone(bases), "")[max(len(bases)-1, 0)])
			if err != nil {
				return err
			}
			list, err := render.Diff(x, y, o)
			if errors.Is(err, btf.ErrNotFound) {
				err = explainRoots(err, o.Roots, x, y)
			}
			if err != nil {
				return &inputError{fmt.Errorf("diff %s %s: %w", args[0], args[1], err)}
			}
			if output.value == "json" {
				return writeJSON(a.out, diffDoc{"bpfhost.btf-diff/v1", append([]render.Change{}, list...)})
			}
			for i := range list {
				c := &list[i]
				c.Type, c.Name = quote.Text(c.Type), quote.Text(c.Name)
				c.Old, c.New = quote.Text(c.Old), quote.Text(c.New)
			}
			_, err = a.out.Write(render.AppendChanges(nil, list))
			return err
		},
	}
	c.Flags().StringArrayVar(&o.Roots, "root", nil, "`TYPE` to compare, as NAME or 'struct NAME' (repeatable)")
	c.Flags().StringArrayVar(&bases, "base", nil, "`SRC` that split BTF goes on from (default vmlinux for modules); twice for A and B")
	c.Flags().VarP(&output, "output", "o", "how to print it")
	return c
}

// explainRoots adds to an error which type may have been meant by the first root that is in neither
// table.
func explainRoots(err error, roots []string, tables ...*btf.Types) error {
	for _, root := range roots {
		kind, name := splitKind(root)
		found := slices.ContainsFunc(tables, func(t *btf.Types) bool {
			return slices.ContainsFunc(t.FindAll(name), func(id btf.ID) bool { return kind == "" || t.Kind(id).String() == kind })
		})
		if !found {
			return fmt.Errorf("%w%s", err, similar(kind, name, tables...))
		}
	}
	return err
}
