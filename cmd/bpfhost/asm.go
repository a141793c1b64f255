package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/asm"
)

func newAsm(a app) *cobra.Command {
	var out string
	var raw, big bool
	c := &cobra.Command{
		Use:   "asm FILE.s -o FILE.bin --raw",
		Short: "Assemble eBPF text into instructions",
		Long: `asm assembles text in the syntax that disasm prints, which is that of the kernel and llvm-objdump. With
--raw the result is bare instructions, eight bytes each; references to maps, variables and kernel
symbols have no place there and are refused. FILE - is standard input, -o - standard output.`,
		Example: `  bpfhost asm drop.s -o drop.bin --raw
  bpfhost disasm --raw x.bin | bpfhost asm - -o y.bin --raw`,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) != 1:
				return badUsage(c, "asm: one FILE is needed")
			case out == "":
				return badUsage(c, "asm: -o FILE is missing")
			case !raw:
				return badUsage(c, "asm: say --raw, which is the one form of output")
			}
			b, err := a.readFile(args[0])
			if err != nil {
				return err
			}
			code, err := asm.Assemble(string(b), asm.EncodeOptions{Order: order(big)})
			if err != nil {
				return &inputError{fmt.Errorf("assemble %s: %w", args[0], err)}
			}
			return a.writeFile(out, code)
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write; - is standard output")
	c.Flags().BoolVar(&raw, "raw", false, "write bare instructions")
	c.Flags().BoolVar(&big, "big-endian", false, "write big-endian instructions")
	return c
}

func order(big bool) asm.ByteOrder {
	if big {
		return asm.BigEndian
	}
	return asm.LittleEndian
}
