package plan

import (
	"fmt"
	"strings"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// instructions writes the changed instructions of every program, with those around them.
func (t *planText) instructions(o *Object) {
	c := newLookup(o)
	for _, ch := range c.Changes {
		if ch.Kind != spec.ObjectProgram || len(ch.Hunks) == 0 || c.After == nil {
			continue
		}
		after := c.after.Program(ch.Name)
		by := "; " + t.plan.Plugin.Name
		if ch.Op == spec.ChangeAdd {
			by = "" // all of it is the plugin's
		}
		t.b.WriteByte('\n')
		t.line("  %s", ch.Name)
		for i, h := range ch.Hunks {
			if i > 0 {
				t.line("      ...")
			}
			t.hunk(h, after, by)
		}
	}
}

// textWidth is where comments begin, after the instruction.
const textWidth = 44

// hunk writes one run of instructions: mark, index, text, and where it comes from. What is added
// comes from by.
func (t *planText) hunk(h spec.Hunk, after *spec.Program, by string) {
	for _, l := range h.Lines {
		if l.Func != "" {
			t.line("           %s:", l.Func)
		}
		if l.Label != "" {
			t.line("          %s:", l.Label)
		}
		at, from := l.New, ""
		switch l.Op {
		case '-':
			at = l.Old
		case '+':
			from = by
		default:
			from = sourceText(after.Insns.At(l.New).Line)
		}
		text := l.Text
		if from != "" {
			text = pad(text, textWidth) + from
		}
		t.line("   %c %5d  %s", l.Op, at, text)
	}
}

// sourceText names a line of source as a comment.
func sourceText(l *btf.LineInfo) string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf("; %s:%d  %s", BaseName(l.File()), l.Line, strings.TrimSpace(l.Text()))
}
