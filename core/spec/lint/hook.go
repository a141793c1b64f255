package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/core/spec"
)

// hooks judges whether programs and the hooks that they are attached to fit. A hook that is not
// known, or without a target, is for CheckAll.
func (l *Linter) hooks() []Diagnostic {
	var out []Diagnostic
	for _, a := range l.c.Attach {
		p, family := l.names.Program(a.Program), a.Kind.Family()
		if p == nil || len(family.Programs) == 0 || a.Kind.Takes(p) {
			continue
		}
		d := Diagnostic{Severity: Error, Code: CodeHookType, Kind: spec.ObjectAttach, Name: a.Name(), Insn: -1}
		if slices.ContainsFunc(family.Programs, func(h spec.HookProgram) bool { return h.Type == p.Type }) {
			d.Severity, d.Code = Warning, CodeHookAttach
			d.Text = fmt.Sprintf("%s hooks do not take %v programs with attach type %v", family.Name, p.Type, p.AttachType)
		} else {
			d.Text = fmt.Sprintf("%s hooks do not take %v programs, but %s", family.Name, p.Type, typeNames(family))
		}
		if a.Optional {
			d.Severity = Warning
		}
		out = append(out, d)
	}
	return out
}

// typeNames lists the program types that a family takes, each once.
func typeNames(f spec.HookFamily) string {
	var names []string
	for _, h := range f.Programs {
		if n := h.Type.String(); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}
