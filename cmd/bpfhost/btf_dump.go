package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/btf/render"
)

func newBTFDump(a app) *cobra.Command {
	format := newChoice("c", "go", "raw", "json")
	var roots []string
	var base string
	c := &cobra.Command{
		Use:   "dump SRC",
		Short: "Print types as a C header, Go types, lines or JSON",
		Long: `dump prints the types of SRC: "vmlinux", the name of a module, or a file with BTF or an eBPF object.

The C header is the vmlinux.h that eBPF programs include. The Go types have the layout of the C types. The layout of raw and the fields of json are
those of bpftool. With --root only these types and what they need are printed.`,
		Example: `  bpfhost btf dump vmlinux > vmlinux.h
  bpfhost btf dump nf_conntrack --root 'struct nf_conn'
  bpfhost btf dump drops.o --format raw`,
		Args: wantArgs("SRC"),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := a.openTypes(args[0], base)
			if err != nil {
				return err
			}
			ids, err := findRoots(t, roots)
			if err != nil {
				return err
			}
			if err := a.dumpTypes(t, ids, format.value); err != nil {
				return &inputError{fmt.Errorf("dump %s: %w", args[0], err)}
			}
			return nil
		},
	}
	c.Flags().Var(&format, "format", "what to print")
	c.Flags().StringArrayVar(&roots, "root", nil, "`TYPE` to print, with what it needs, as NAME or 'struct NAME' (repeatable)")
	c.Flags().StringVar(&base, "base", "", "`SRC` that split BTF goes on from (default vmlinux for modules)")
	return c
}

// dumpTypes prints types. No ids are all types that are not in the base.
func (a app) dumpTypes(t *btf.Types, ids []btf.ID, format string) error {
	if format == "c" || format == "go" {
		out, err := []byte(nil), error(nil)
		if format == "c" {
			out, err = render.Header(nil, t, render.HeaderOptions{Roots: ids})
		} else {
			out, err = render.Go(nil, t, render.GoOptions{Roots: ids})
		}
		if err == nil {
			_, err = a.out.Write(out)
		}
		return err
	}
	if ids != nil {
		var err error
		if ids, err = render.Needs(t, ids); err != nil {
			return err
		}
	}
	if format == "json" {
		out, err := render.JSON(nil, t, ids)
		if err == nil {
			err = writeLine(a.out, bytes.TrimSuffix(out, []byte("\n")))
		}
		return err
	}
	if ids == nil {
		for id := t.First(); int(id) < t.Len(); id++ {
			ids = append(ids, id)
		}
	}
	var out []byte
	for _, id := range ids {
		var err error
		if out, err = t.AppendRaw(out, id); err != nil {
			return err
		}
	}
	_, err := a.out.Write(out)
	return err
}
