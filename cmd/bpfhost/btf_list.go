package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/host"
)

// listDoc is what btf list -o json prints. Fields are only ever added.
type listDoc struct {
	Schema  string      `json:"schema"`
	Sources []sourceDoc `json:"sources"`
}

type sourceDoc struct {
	Name  string `json:"name"`
	Types int    `json:"types"` // how many, without those of the kernel proper
	Bytes int    `json:"bytes"`
}

func newBTFList(a app) *cobra.Command {
	output := newChoice("table", "json")
	c := &cobra.Command{
		Use:   "list",
		Short: "List the running kernel and its modules with their types",
		Long: `list shows what of the running kernel has types: the kernel proper, "vmlinux", and modules that are loaded. Their names
are SRC arguments of the other commands.`,
		Example: `  bpfhost btf list`,
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			src := a.sources()
			defer src.close()
			d, err := src.list()
			if err != nil {
				return err
			}
			if output.value == "json" {
				return writeJSON(a.out, d)
			}
			var rows [][]string
			for _, s := range d.Sources {
				rows = append(rows, []string{s.Name, thousands(s.Types), thousands(s.Bytes)})
			}
			var t table
			t.block([]string{"NAME", "TYPES", "BYTES"}, rows)
			return t.write(a.out)
		},
	}
	c.Flags().VarP(&output, "output", "o", "how to print it")
	return c
}

// list opens the types of the kernel and of its modules. A module whose types cannot be read is left out, with a word.
func (s *sources) list() (listDoc, error) {
	d := listDoc{Schema: "bpfhost.btf-list/v1"}
	add := func(name string, t *btf.Types) {
		d.Sources = append(d.Sources, sourceDoc{name, t.Len() - int(t.First()), len(t.Bytes())})
	}
	t, err := s.kernel.Types()
	if err != nil {
		return d, err
	}
	add(vmlinux, t)
	modules, err := s.kernel.Modules()
	if err != nil {
		return d, err
	}
	for _, name := range modules {
		if t, err = s.kernel.ModuleTypes(name); err != nil {
			fmt.Fprintf(s.err, "bpfhost: %s\n", host.SafeText(err.Error()))
			continue
		}
		add(name, t)
	}
	return d, nil
}
