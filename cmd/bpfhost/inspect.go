package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/host"
)

func newInspect(a app) *cobra.Command {
	output := newChoice("table", "json")
	var strict bool
	var kernel string
	c := &cobra.Command{
		Use:   "inspect FILE…",
		Short: "Show what is in eBPF objects and plugins",
		Long: `inspect shows programs, maps, variables and externs of an eBPF object, what refers to what, what
depends on the kernel's types, sizes, and what the object needs of a kernel; or name, parameters,
requests and imports of a plugin. To learn what a plugin says of itself, it is started in its sandbox,
without any right. With -o json there is one document for each file.

What is unusual about an object is listed in notes. With --strict it is rejected instead, and nothing is
read that libbpf would refuse.`,
		Example: `  bpfhost inspect drops.o
  bpfhost inspect --strict build/*.bpf.o
  bpfhost inspect --kernel vmlinux drops.o
  bpfhost inspect -o json guard.wasm`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage(c, "inspect: FILE is missing")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			v := viewer{app: a, json: output.value == "json", strict: strict}
			defer v.close()
			if kernel != "" {
				src := a.sources()
				defer src.close()
				var err error
				if v.kernel, err = src.open(kernel, ""); err != nil {
					return err
				}
			}
			var bad failures
			for _, name := range args {
				bad = bad.with(v.file(c, name))
			}
			return bad.err()
		},
	}
	c.Flags().VarP(&output, "output", "o", "how to print it")
	c.Flags().StringVar(&kernel, "kernel", "", "`SRC` of kernel types, to show what CO-RE records come to there")
	a.dataFlag(c)
	c.Flags().BoolVar(&strict, "strict", false, "reject objects that have any note")
	return c
}

// viewer shows files one after the other.
type viewer struct {
	app
	json   bool
	strict bool
	kernel *btf.Types // what --kernel names, or nil
	shown  int
	host   *host.Host // made for the first plugin
}

func (v *viewer) close() {
	if v.host != nil {
		v.host.Close()
	}
}

// file shows one file.
func (v *viewer) file(c *cobra.Command, name string) error {
	b, err := v.readFile(name)
	if err != nil {
		return err
	}
	d, err := v.read(c, name, b)
	if err != nil {
		return err
	}
	if v.json {
		d.named(name)
		return writeJSON(v.out, d)
	}
	if name == "-" {
		name = "stdin"
	}
	if v.shown++; v.shown > 1 {
		fmt.Fprintln(v.out)
	}
	var t table
	d.table(&t, name)
	return t.write(v.out)
}

// document is what inspect shows of a file: as JSON by its fields, or as a table.
type document interface {
	named(file string)
	table(t *table, file string)
}

func (v *viewer) read(c *cobra.Command, name string, b []byte) (document, error) {
	if bytes.HasPrefix(b, []byte("\x00asm")) {
		return v.readPlugin(c, name, b)
	}
	d, err := readObject(b, v.objectOptions(!v.strict), v.kernel)
	if err != nil {
		return nil, &inputError{fmt.Errorf("inspect %s: %w", name, v.raised(err))}
	}
	return d, nil
}

func (v *viewer) readPlugin(c *cobra.Command, name string, b []byte) (document, error) {
	if v.host == nil {
		h, err := host.New(c.Context(), host.Config{Log: newLog(v.err, false), Isolate: host.IsolateUnpinned})
		if err != nil {
			return nil, err
		}
		v.host = h
	}
	signed, err := v.readSignature(name, "")
	if err != nil {
		return nil, err
	}
	p, err := v.host.Open(c.Context(), b, host.PluginOptions{Name: pluginName(name), Signature: signed})
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", name, err)
	}
	defer p.Close()
	return newPluginDoc(p.Info()), nil
}
