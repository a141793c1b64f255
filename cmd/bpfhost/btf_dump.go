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
		Long: `dump prints the types of SRC: "vmlinux", the name of a module, or a file with BTF, as an eBPF object.

The C header is the vmlinux.h that eBPF programs include. It declares the functions that programs may call, as far as the
kernel tags them; define BPF_NO_KFUNC_PROTOTYPES where a program declares its own. The Go types have the layout of the C types.
The layout of raw and the fields of json are those of bpftool. With --root only these types and what they need are printed.`,
		Example: `  bpfhost btf dump vmlinux > vmlinux.h
  bpfhost btf dump nf_conntrack --root 'struct nf_conn'
  bpfhost btf dump drops.o --format raw
  bpfhost btf dump veth.ko --base linux.btf`,
		Args: wantArgs("SRC"),
		RunE: func(_ *cobra.Command, args []string) error {
			src := a.sources()
			defer src.close()
			t, err := src.open(args[0], base)
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
	c.Flags().StringArrayVar(&roots, "root", nil, "`TYPE` to print, with what it needs, as NAME, 'struct NAME' or its id (repeatable)")
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
	return a.dumpRaw(t, ids)
}

// dumpRaw prints lines in pieces, since those of a kernel are ten times as long as its types.
func (a app) dumpRaw(t *btf.Types, ids []btf.ID) error {
	if ids == nil {
		for id := range t.Kinds() {
			ids = append(ids, id)
		}
	}
	out := make([]byte, 0, 1<<17)
	for _, id := range ids {
		var err error
		if out, err = t.AppendRaw(out, id); err == nil && len(out) >= 1<<16 {
			_, err = a.out.Write(out)
			out = out[:0]
		}
		if err != nil {
			return err
		}
	}
	_, err := a.out.Write(out)
	return err
}
