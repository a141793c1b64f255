package main

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf"
)

// findDoc is what btf find -o json prints. Fields are only ever added.
type findDoc struct {
	Schema string     `json:"schema"`
	Types  []foundDoc `json:"types"`
}

type foundDoc struct {
	ID   uint32 `json:"id"`
	Kind string `json:"kind"`
	Name string `json:"name"`
	Size uint32 `json:"size"` // bytes; 0 for types without a size
	Text string `json:"text"` // the declaration of a function, variable or typedef
}

func newBTFFind(a app) *cobra.Command {
	output := newChoice("table", "json")
	var kind, base string
	c := &cobra.Command{
		Use:   "find PATTERN [SRC]",
		Short: "Search types by name",
		Long: `find lists the types of SRC whose names match. In PATTERN, * matches any text, ? any character and [a-z] for
one of some; a kind may stand before it. SRC is vmlinux unless it is given. Of a module only its own types are searched.`,
		Example: `  bpfhost btf find 'struct task_struct'
  bpfhost btf find 'bpf_*' nf_conntrack --type func
  bpfhost btf find 'tcp_*_sock' --type struct
  bpfhost btf find '*' drops.o`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return badUsage(c, "find: PATTERN is missing")
			case len(args) > 2:
				return badUsage(c, "find: unexpected argument %q", args[2])
			case kind != "" && !slices.Contains(kindNames(), kind):
				return badUsage(c, "find: no type is a %q; want one of %s", kind, strings.Join(kindNames(), ", "))
			}
			if _, err := path.Match(args[0], ""); err != nil {
				return badUsage(c, "find: PATTERN %q: %v", args[0], err)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			name, src := append(args, vmlinux)[1], a.sources()
			defer src.close()
			t, err := src.open(name, base)
			if err != nil {
				return err
			}
			pattern := args[0]
			if kind == "" {
				kind, pattern = splitKind(pattern)
			}
			d := findTypes(t, pattern, kind)
			if output.value == "json" {
				err = writeJSON(a.out, d)
			} else {
				err = d.write(a)
			}
			if err == nil && len(d.Types) == 0 {
				err = fmt.Errorf("find %q in %s: %w%s", args[0], name, btf.ErrNotFound, similar(kind, pattern, t))
			}
			return err
		},
	}
	c.Flags().StringVar(&kind, "type", "", "only types of this `KIND`: struct, func, …")
	c.Flags().StringVar(&base, "base", "", "`SRC` that split BTF goes on from (default vmlinux for modules)")
	c.Flags().VarP(&output, "output", "o", "how to print it")
	return c
}

// findTypes searches a table without its base.
func findTypes(t *btf.Types, pattern, kind string) findDoc {
	d := findDoc{Schema: "bpfhost.btf-find/v1", Types: []foundDoc{}}
	for id := t.First(); int(id) < t.Len(); id++ {
		k := t.Kind(id)
		if kind != "" && k.String() != kind {
			continue
		}
		name := t.Name(id)
		if ok, _ := path.Match(pattern, strings.ReplaceAll(name, "/", "|")); !ok || name == "" {
			continue
		}
		f := foundDoc{ID: uint32(id), Kind: k.String(), Name: name}
		f.Size, _ = t.Size(id)
		switch typ, _ := t.Type(id); typ := typ.(type) {
		case *btf.Func:
			f.Text = t.Declare(typ.Type, name)
		case *btf.Var:
			f.Text = t.Declare(typ.Type, name)
		case *btf.Typedef:
			f.Text = t.Declare(typ.Type, name)
		}
		d.Types = append(d.Types, f)
	}
	return d
}

// write shows the types to people.
func (d findDoc) write(a app) error {
	var t table
	var rows [][]string
	for _, f := range d.Types {
		text := f.Text
		if text == "" {
			text = f.Name
		}
		size := ""
		if f.Size > 0 {
			size = number(f.Size)
		}
		rows = append(rows, []string{strconv.Itoa(int(f.ID)), f.Kind, size, text})
	}
	t.block([]string{"ID", "KIND", "SIZE", "TYPE"}, rows)
	return t.write(a.out)
}
