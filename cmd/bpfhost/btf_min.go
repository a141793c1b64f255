package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/internal/quote"
)

func newBTFMin(a app) *cobra.Command {
	var kernel, out string
	c := &cobra.Command{
		Use:   "min OBJECT… -o FILE",
		Short: "Write the smallest types that objects need of a kernel",
		Long: `min writes BTF with the types of a kernel that the CO-RE relocations of eBPF objects need, and nothing else. It is carried
to machines with that kernel where the kernel has no BTF itself, and given to run with --kernel.`,
		Example: `  bpfhost btf min drops.o --kernel linux-5.4.btf -o drops-5.4.btf
  bpfhost run guard.wasm --object drops.o --kernel drops-5.4.btf`,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return badUsage(c, "min: OBJECT is missing")
			case out == "":
				return badUsage(c, "min: -o FILE is missing")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			src := a.sources()
			defer src.close()
			target, err := src.open(kernel, "")
			if err != nil {
				return err
			}
			m := btf.NewMinCore(target)
			for _, name := range args {
				if err := a.addRelocations(m, name, btf.Target{Name: kernel, Types: target}); err != nil {
					return err
				}
			}
			t, _, err := m.Types()
			if err != nil {
				return &inputError{fmt.Errorf("min: %w", err)}
			}
			if err := a.writeFile(out, t.Bytes()); err != nil {
				return err
			}
			fmt.Fprintf(a.err, "%s bytes with %s types instead of %s bytes\n", thousands(len(t.Bytes())), thousands(t.Len()-1), thousands(len(target.Bytes())))
			return nil
		},
	}
	c.Flags().StringVar(&kernel, "kernel", "vmlinux", "`SRC` of the kernel's types")
	c.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write; - is standard output")
	return c
}

// addRelocations keeps what one object needs, and tells if that is not all there.
func (a app) addRelocations(m *btf.MinCore, name string, kernel btf.Target) error {
	raw, err := a.readFile(name)
	if err != nil {
		return err
	}
	obj, err := elf.LoadBytes(raw, elf.Options{Lenient: true}) // what others define needs no types
	if err == nil && obj.BTF == nil {
		err = errors.New("this object has no BTF: compile it with -g")
	}
	if err != nil {
		return &inputError{fmt.Errorf("min %s: %w", name, err)}
	}
	fixups, err := obj.CoreResults(kernel)
	var relos []btf.CoreRelo
	var missing []string
	for _, f := range fixups {
		relos = append(relos, f.Relo)
		if f.Poison {
			missing = append(missing, f.Reason)
		}
	}
	if err == nil {
		err = m.Add(obj.BTF, relos)
	}
	if err != nil {
		return &inputError{fmt.Errorf("min %s: %w", name, err)}
	}
	if len(missing) > 0 {
		fmt.Fprintf(a.err, "bpfhost: warning: %s: %d of %d CO-RE relocations find nothing: %s\n", name, len(missing), len(relos), quote.Text(missing[0]))
	}
	return nil
}
