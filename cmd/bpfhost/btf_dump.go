package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/btf/render"
)

func newBTFDump(a app) *cobra.Command {
	format := newChoice("c", "go", "raw", "json")
	var roots []string
	var base string
	c := &cobra.Command{
		Use:   "dump SRC…",
		Short: "Print types as a C header, Go types, lines or JSON",
		Long: `dump prints the types of SRC: "vmlinux", the name of a module, or a file with BTF, as an eBPF object. Several are put
together, each type once: a kernel with some of its modules, for instance.

The C header is the vmlinux.h that eBPF programs include. It declares the functions that programs may call, as far as the
kernel tags them; define BPF_NO_KFUNC_PROTOTYPES where a program declares its own. The Go types have the layout of the C types.
The layout of raw and the fields of json are those of bpftool. With --root only these types and what they need are printed.`,
		Example: `  bpfhost btf dump vmlinux > vmlinux.h
  bpfhost btf dump vmlinux nf_conntrack veth > vmlinux.h
  bpfhost btf dump nf_conntrack --root 'struct nf_conn'
  bpfhost btf dump drops.o --format raw
  bpfhost btf dump veth.ko --base linux.btf`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage(c, "dump: SRC is missing")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			src := a.sources()
			defer src.close()
			t, err := src.openAll(args, base)
			if err != nil {
				return err
			}
			ids, err := findRoots(t, roots)
			if err != nil {
				return err
			}
			return dump{a, strings.Join(args, " "), t}.types(ids, format.value)
		},
	}
	c.Flags().Var(&format, "format", "what to print")
	c.Flags().StringArrayVar(&roots, "root", nil, "`TYPE` to print, with what it needs, as NAME, 'struct NAME' or its id (repeatable)")
	c.Flags().StringVar(&base, "base", "", "`SRC` that split BTF goes on from (default vmlinux for modules)")
	return c
}

// dump prints the types of one SRC.
type dump struct {
	app
	name  string
	table *btf.Types
}

// refuse says that the types are the reason of an error.
func (d dump) refuse(err error) error {
	return &inputError{fmt.Errorf("dump %s: %w", d.name, err)}
}

// types prints types. No ids are all types that are not in the base.
func (d dump) types(ids []btf.ID, format string) error {
	var out []byte
	var err error
	switch {
	case format == "c":
		out, err = render.Header(nil, d.table, render.HeaderOptions{Roots: ids})
	case format == "go":
		out, err = render.Go(nil, d.table, render.GoOptions{Roots: ids})
	case ids != nil:
		ids, err = render.Needs(d.table, ids)
	}
	if err == nil && format == "json" {
		out, err = render.JSON(nil, d.table, ids)
	}
	switch {
	case err != nil:
		return d.refuse(err)
	case format == "raw":
		return d.lines(ids)
	case format == "json":
		return writeLine(d.out, bytes.TrimSuffix(out, []byte("\n")))
	}
	_, err = d.out.Write(out)
	return err
}

// lines prints types in pieces, since those of a kernel are 12 MB.
func (d dump) lines(ids []btf.ID) error {
	if ids == nil {
		for id := range d.table.Kinds() {
			ids = append(ids, id)
		}
	}
	out := make([]byte, 0, 1<<17)
	for _, id := range ids {
		var err error
		if out, err = d.table.AppendRaw(out, id); err != nil {
			return d.refuse(err)
		}
		if len(out) >= 1<<16 {
			if _, err := d.out.Write(out); err != nil {
				return err
			}
			out = out[:0]
		}
	}
	_, err := d.out.Write(out)
	return err
}
