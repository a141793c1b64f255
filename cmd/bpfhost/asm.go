package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/internal/quote"
)

func newAsm(a app) *cobra.Command {
	var out string
	var raw, big bool
	c := &cobra.Command{
		Use:   "asm FILE.s -o FILE.bin --raw",
		Short: "Assemble eBPF text into instructions",
		Long: `asm assembles text in the syntax that disasm prints, which is that of the kernel and llvm-objdump. With
--raw the result is bare instructions, eight bytes each; references to maps, variables and kernel
symbols have no place there and are refused. What kernels refuse whatever the type of the program, or are
likely to, is said on standard error; the instructions are written all the same. FILE - is standard input, -o - standard output.`,
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
			for _, d := range judge(string(b)) {
				fmt.Fprintf(a.err, "bpfhost: %s: %s\n", quote.Text(args[0]), quote.Text(d))
			}
			return a.writeFile(out, code)
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write; - is standard output")
	c.Flags().BoolVar(&raw, "raw", false, "write bare instructions")
	c.Flags().BoolVar(&big, "big-endian", false, "write big-endian instructions")
	return c
}

// judge returns what is wrong with assembly text that can be assembled.
func judge(text string) []string {
	l, err := asm.Parse(text)
	if err != nil {
		return nil
	}
	insns := spec.NewInsns(l.Insns...)
	insns.Edit(func(insns []spec.Insn) {
		for i, name := range l.Funcs {
			insns[i].Func = &btf.FuncInfo{Name: name}
		}
	})
	var out []string
	for _, d := range lint.Program(&spec.Collection{}, &spec.Program{Insns: insns, LabelNames: l.LabelNames}) {
		place := ""
		if d.Insn >= 0 {
			place = d.Place() + ": "
		}
		out = append(out, d.Severity.String()+": "+place+d.Text)
	}
	return out
}

func order(big bool) asm.ByteOrder {
	if big {
		return asm.BigEndian
	}
	return asm.LittleEndian
}
