package main

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/report"
)

// disasm is what the command was asked for.
type disasm struct {
	app
	raw, big, bytes, source bool
	cfg                     string
	order                   asm.ByteOrder
	c                       *spec.Collection // that has the programs
}

func newDisasm(a app) *cobra.Command {
	d := disasm{app: a}
	cfg := newChoice("none", "dot")
	c := &cobra.Command{
		Use:   "disasm FILE [PROGRAM]",
		Short: "Show the instructions of eBPF programs as text",
		Long: `disasm prints the programs of an eBPF object, or one of them, each as text that asm reads; comments
say what of an instruction depends on the kernel's types, and what kernels refuse ("error: ") or are likely
to ("warning: "). With --raw the file is bare instructions; what is
none is shown as a number, so that nothing is lost. FILE - is standard input.

--cfg dot draws the control flow for Graphviz instead: a box for each basic block, red with what kernels refuse
in it, gray where control never gets, around them the functions with the stack that they
need. Calls are dotted, and the tooltip of a block names the one that dominates it.`,
		Example: `  bpfhost disasm drops.o
  bpfhost disasm drops.o count --source --bytes
  bpfhost disasm drops.o count --cfg dot | dot -Tsvg >count.svg`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 || d.raw && len(args) > 1 {
				return badUsage(c, "disasm: FILE is needed, and for an object at most one PROGRAM")
			}
			d.cfg = cfg.value
			switch {
			case d.big && !d.raw:
				return badUsage(c, "disasm: --big-endian is for --raw; an object says which byte order it has")
			case d.cfg == "dot" && (d.bytes || d.source):
				return badUsage(c, "disasm: --cfg has no room for --bytes and --source")
			}
			programs, err := d.programs(args)
			if err != nil {
				return err
			}
			var out []byte
			for i, p := range programs {
				if out, err = d.program(out, p, i > 0); err != nil {
					return &inputError{fmt.Errorf("disassemble %s: %w", args[0], err)}
				}
			}
			_, err = a.out.Write(out)
			return err
		},
	}
	d.dataFlag(c)
	c.Flags().BoolVar(&d.raw, "raw", false, "the file is bare instructions")
	c.Flags().BoolVar(&d.big, "big-endian", false, "with --raw: they are big-endian")
	c.Flags().BoolVar(&d.bytes, "bytes", false, "show the bytes of each instruction as a comment")
	c.Flags().BoolVar(&d.source, "source", false, "show the lines of source")
	c.Flags().Var(&cfg, "cfg", "draw the control flow in this language instead")
	return c
}

// programs reads the file.
func (d *disasm) programs(args []string) ([]*spec.Program, error) {
	b, err := d.readFile(args[0])
	if err != nil {
		return nil, err
	}
	if d.raw {
		d.order = order(d.big)
		insns, err := asm.Decode(b, asm.DecodeOptions{Order: d.order, Lenient: true})
		if err != nil {
			return nil, &inputError{fmt.Errorf("disassemble %s: %w", args[0], err)}
		}
		d.c = &spec.Collection{Order: d.order, Programs: []*spec.Program{{Insns: spec.NewInsns(insns...)}}}
		return d.c.Programs, nil
	}
	c, err := elf.LoadBytes(b, d.objectOptions(true))
	if err != nil {
		return nil, &inputError{fmt.Errorf("disassemble %s: %w", args[0], d.raised(err))}
	}
	d.order, d.c = c.Order, c
	if len(args) == 1 {
		return c.Programs, nil
	}
	p := c.Program(args[1])
	if p == nil {
		return nil, &inputError{fmt.Errorf("disassemble %s: it has no program %q; 'bpfhost inspect' lists them", args[0], args[1])}
	}
	return []*spec.Program{p}, nil
}

// program appends one program in the form that was asked for.
func (d *disasm) program(out []byte, p *spec.Program, more bool) ([]byte, error) {
	if d.cfg == "dot" {
		return appendDot(out, d.c, p)
	}
	if more {
		out = append(out, '\n')
	}
	code, funcs := plain(p)
	notes := make([][]byte, len(code))
	if d.bytes {
		var err error
		if notes, err = d.encoded(code, p); err != nil {
			return nil, err
		}
	}
	if !d.raw {
		out = append(out, safe("; program "+p.Name+", "+p.Type.String()+", section "+p.Section)...)
	}
	for _, t := range p.Tables {
		line := "; jump table " + t.Name + ":"
		for _, l := range t.Labels {
			line += " " + p.LabelName(l)
		}
		out = append(out, safe(line)...)
	}
	found := lint.Program(d.c, p)
	for ; len(found) > 0 && found[0].Insn < 0; found = found[1:] {
		out = append(out, safe("; "+diagnosticText(found[0]))...)
	}
	return asm.AppendText(out, code, asm.TextOptions{
		LabelNames: p.LabelNames, Funcs: funcs,
		Source: func(i int) string {
			var here []string
			for ; len(found) > 0 && found[0].Insn == i; found = found[1:] {
				here = append(here, diagnosticText(found[0]))
			}
			return d.comment(p.Insns.At(i), notes[i], here)
		},
	}), nil
}

// diagnosticText returns for example "error: read of a register that has no value: r5".
func diagnosticText(d lint.Diagnostic) string { return d.Severity.String() + ": " + d.Text }

func safe(line string) string { return quote.Text(line) + "\n" }

// comment is what is written before an instruction: what is wrong with it, its source line, what of
// it depends on the kernel's types, and its bytes.
func (d *disasm) comment(in spec.Insn, bytes []byte, parts []string) string {
	if l := in.Line; d.source && l != nil {
		parts = append(parts, l.File()+":"+strconv.Itoa(int(l.Line))+": "+strings.TrimSpace(l.Text()))
	}
	if in.Core != nil {
		c := report.NewCoreRelo("", 0, *in.Core, d.c.BTF)
		parts = append(parts, strings.TrimSpace("CO-RE "+c.Kind+" "+c.Type+" "+c.Path))
	}
	if d.bytes {
		parts = append(parts, hex.EncodeToString(bytes))
	}
	return quote.Text(strings.Join(parts, " | "))
}

// plain takes the instructions of a program and the names of its functions apart.
func plain(p *spec.Program) ([]asm.Insn, map[int]string) {
	code, funcs := make([]asm.Insn, p.Insns.Len()), map[int]string{}
	for i, in := range p.Insns.All() {
		code[i] = in.Insn
		if f := in.Func; f != nil {
			funcs[i] = f.Name
		}
	}
	return code, funcs
}

// encoded returns the bytes of each instruction as the object has them: what the loader puts in
// place of names is zero.
func (d *disasm) encoded(code []asm.Insn, p *spec.Program) ([][]byte, error) {
	linked, err := p.Resolve()
	if err != nil {
		return nil, err
	}
	for i := range linked {
		if k := linked[i].Ref; k != asm.RefNone && k != asm.RefLabel {
			linked[i].ClearRef()
		}
	}
	b, err := asm.AppendEncode(nil, linked, asm.EncodeOptions{Order: d.order, NoGotol: true})
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(code))
	for i := range linked {
		n := linked[i].Slots() * asm.SlotSize
		out[i], b = b[:n], b[n:]
	}
	return out, nil
}
