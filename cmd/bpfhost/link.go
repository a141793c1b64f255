package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/elf/elflink"
	"github.com/bpfhost/bpfhost/internal/quote"
)

func newLink(a app) *cobra.Command {
	output := ""
	c := &cobra.Command{
		Use:   "link FILE… -o FILE",
		Short: "Make one eBPF object of several",
		Long: `link makes one eBPF object of several, by the rules of libbpf's linker: strong functions and
variables win over weak ones, static ones stay apart, what one object declares another may define,
and maps and licenses of one name have to agree. What none of them defines stays open, with a
warning: the result can be linked again. It is checked as 'inspect' would read it.`,
		Example: `  bpfhost link parser.o drops.o -o whole.o`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage(c, "link: FILE is missing")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if output == "" {
				return badUsage(c, "link: -o FILE is missing")
			}
			return a.link(args, output)
		},
	}
	a.dataFlag(c)
	c.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write; - is standard output")
	return c
}

// link links files. Nothing is written unless the result can be read.
func (a app) link(names []string, output string) error {
	var objects []elflink.Object
	var bad failures
	for _, name := range names {
		b, err := a.readFile(name)
		bad = bad.with(err)
		objects = append(objects, elflink.Object{Name: name, Data: b})
	}
	if err := bad.err(); err != nil {
		return err
	}
	b, err := elflink.Link(objects...)
	if err != nil {
		return &inputError{err}
	}
	c, err := elf.LoadBytes(b, a.objectOptions(true))
	if err != nil {
		return &inputError{a.raised(err)}
	}
	for _, n := range c.Notes {
		if n.Code == elf.NoteUndefined {
			fmt.Fprintf(a.err, "bpfhost: warning: object %s: %s %s\n", quote.Text(output), n.Code, quote.Text(n.Text))
		}
	}
	return a.writeFile(output, b)
}
