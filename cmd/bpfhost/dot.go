package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/asm/cfg"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/core/spec/opt"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// dot draws the control flow of a program for Graphviz.
type dot struct {
	strings.Builder
	code     []asm.Insn
	program  *spec.Program
	graph    *cfg.Graph
	tree     *cfg.Dominators
	stack    []cfg.StackUse
	findings []lint.Diagnostic // in order of instructions
}

// appendDot draws a program of a collection: a cluster for each function, a box for each block.
func appendDot(out []byte, c *spec.Collection, p *spec.Program) ([]byte, error) {
	g, err := opt.Graph(p)
	if err != nil {
		return nil, err
	}
	code, _ := plain(p)
	d := dot{code: code, program: p, graph: g, tree: g.Dominators(), stack: g.Stack(), findings: lint.Program(c, p)}
	fmt.Fprintf(&d, "digraph %s {\n\tnode [shape=box fontname=monospace]\n", dotText(p.Name))
	for i, f := range g.Funcs {
		fmt.Fprintf(&d, "\tsubgraph cluster_%d {\n\t\tlabel=%s\n", i, dotText(funcText(f)+"\n"+stackText(d.stack[i])+"\n"))
		for b := f.Block; b < f.Block+f.Blocks; b++ {
			d.block(b)
		}
		d.WriteString("\t}\n")
	}
	for b := range g.Blocks {
		d.edges(b)
	}
	for _, f := range g.Funcs {
		for _, c := range f.Calls {
			fmt.Fprintf(&d, "\tb%d -> b%d [style=dotted constraint=false]\n", g.BlockOf(c.Insn), g.Funcs[c.Func].Block)
		}
	}
	d.WriteString("}\n")
	return append(out, d.String()...), nil
}

// funcText names a function, by its place if need be.
func funcText(f cfg.Function) string {
	if f.Name == "" {
		return "function at " + strconv.Itoa(f.Start)
	}
	return f.Name
}

// stackText says how much stack a function needs.
func stackText(u cfg.StackUse) string {
	if u.Recursive {
		return "recursive: stack without bound"
	}
	text := "stack: "
	if !u.Exact {
		text += "at least "
	}
	text += strconv.Itoa(u.Bytes) + " bytes"
	if u.Frames > 1 {
		text += fmt.Sprintf(", %d with its calls, %d deep", u.Depth, u.Frames)
	}
	return text
}

// block draws one block: its instructions, and what is wrong with them.
func (d *dot) block(b int) {
	bl := d.graph.Blocks[b]
	var label []byte
	more := ""
	for i := bl.Start; i < bl.End; i++ {
		if l := d.code[i].Label; l != 0 {
			label = append(label, d.program.LabelName(l)+":\n"...)
		}
		label = append(strconv.AppendInt(label, int64(i), 10), "  "...)
		label = append(asm.AppendInsn(label, d.code[i], asm.TextOptions{LabelNames: d.program.LabelNames}), '\n')
		for ; len(d.findings) > 0 && d.findings[0].Insn <= i; d.findings = d.findings[1:] {
			if f := d.findings[0]; f.Code != lint.CodeUnreachable && f.Insn == i { // which the color says
				label = append(label, "^ "+f.Text+"\n"...)
				more = " color=red"
			}
		}
	}
	if !bl.Reachable {
		more = " color=gray fontcolor=gray"
	}
	if by := d.tree.Immediate(b); by >= 0 {
		more += fmt.Sprintf(" tooltip=\"b%d, dominated by b%d\"", b, by)
	}
	fmt.Fprintf(d, "\t\tb%d [label=%s%s]\n", b, dotText(string(label)), more)
}

// edges draws the ways out of a block.
func (d *dot) edges(b int) {
	succs := d.graph.Succs(b)
	for k, to := range succs {
		style := ""
		if len(succs) == 2 && k == 0 {
			style = " [style=dashed]" // the way on where a condition does not hold
		}
		fmt.Fprintf(d, "\tb%d -> b%d%s\n", b, to, style)
	}
	if d.code[d.graph.Blocks[b].End-1].Op == asm.OpJumpReg {
		for _, to := range d.tabled(d.graph.Blocks[b].Func) {
			fmt.Fprintf(d, "\tb%d -> b%d\n", b, to)
		}
	}
}

// tabled are the blocks of a function that jump tables lead to, each once.
func (d *dot) tabled(fn int) []int {
	inTable := map[asm.Label]bool{}
	for _, t := range d.program.Tables {
		for _, l := range t.Labels {
			inTable[l] = true
		}
	}
	var out []int
	f := d.graph.Funcs[fn]
	for i := f.Start; i < f.End; i++ {
		b := d.graph.BlockOf(i)
		if l := d.code[i].Label; l != 0 && inTable[l] && (len(out) == 0 || out[len(out)-1] != b) {
			out = append(out, b)
		}
	}
	return out
}

// dotText quotes text for Graphviz; every line is set to the left.
func dotText(s string) string {
	out := []byte{'"'}
	for line := range strings.Lines(s) {
		text, nl := strings.CutSuffix(line, "\n")
		for _, c := range []byte(quote.Text(text)) {
			if c == '"' || c == '\\' {
				out = append(out, '\\')
			}
			out = append(out, c)
		}
		if nl {
			out = append(out, '\\', 'l')
		}
	}
	return string(append(out, '"'))
}
