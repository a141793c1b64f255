package main

import (
	"fmt"
	"io"
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

// types prints types. No ids are all types that are not in the base.
func (d dump) types(ids []btf.ID, format string) error {
	out := &output{w: d.out}
	var err error
	switch {
	case format == "c":
		err = render.WriteHeader(out, d.table, render.HeaderOptions{Roots: ids})
	case format == "go":
		err = render.WriteGo(out, d.table, render.GoOptions{Roots: ids})
	case ids != nil:
		ids, err = render.Closure(d.table, ids)
	}
	switch {
	case err != nil:
	case format == "json":
		err = render.WriteJSON(jsonOut{out}, d.table, ids)
	case format == "raw":
		err = d.lines(out, ids)
	}
	switch {
	case out.err != nil:
		return out.err
	case err != nil: // of the types
		return &inputError{fmt.Errorf("dump %s: %w", d.name, err)}
	}
	return nil
}

// output remembers the error of a writer, to tell it from those of what is written.
type output struct {
	w   io.Writer
	err error
}

// Write writes.
func (o *output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil {
		o.err = err
	}
	return n, err
}

// pieceBytes is how much of lines is gathered before it is written.
const pieceBytes = 1 << 16

// lines prints types in pieces, since those of a kernel are 12 MB.
func (d dump) lines(w io.Writer, ids []btf.ID) error {
	out := make([]byte, 0, 2*pieceBytes)
	line := func(id btf.ID) (err error) {
		if out, err = d.table.AppendRaw(out, id); err == nil && len(out) >= pieceBytes {
			_, err = w.Write(out)
			out = out[:0]
		}
		return err
	}
	for _, id := range ids {
		if err := line(id); err != nil {
			return err
		}
	}
	if ids == nil {
		for id := range d.table.Kinds() {
			if err := line(id); err != nil {
				return err
			}
		}
	}
	_, err := w.Write(out)
	return err
}
