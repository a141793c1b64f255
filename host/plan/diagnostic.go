package plan

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/lint"
	"github.com/bpfhost/bpfhost/internal/quote"
	"github.com/bpfhost/bpfhost/internal/report"
)

// Diagnostic is what is wrong with a program or an attachment of a plan: an error if kernels refuse
// it, a warning if they are likely to.
type Diagnostic struct {
	lint.Diagnostic
	Object string // name of the object
	Author string // who wrote it: name of the plugin, or of the operator's object
	Plugin bool   // it is the plugin
}

// String is one line, terminal-safe: `object x: program "p": instruction 3: …; written by plugin y`.
func (d Diagnostic) String() string {
	by := d.Author
	if d.Plugin {
		by = "plugin " + by
	}
	return quote.Text(fmt.Sprintf("object %s: %v; written by %s", d.Object, d.Diagnostic, by))
}

// Diagnose fills in Diagnostics, which follow from the objects.
func (p *Plan) Diagnose() {
	p.Diagnostics = nil
	for i := range p.Objects {
		o := &p.Objects[i]
		if o.After == nil {
			continue
		}
		found := lint.Collection(o.After)
		if len(found) == 0 {
			continue
		}
		a := newAuthors(o)
		for _, d := range found {
			x := Diagnostic{Diagnostic: d, Object: o.Name, Author: o.Source}
			if x.Plugin = a.plugin(d); x.Plugin {
				x.Author = p.Plugin.Name
			}
			if d.Insn >= 0 && a.written(d.Name)[d.Insn] {
				x.Line = nil // that of its neighbours
			}
			p.Diagnostics = append(p.Diagnostics, x)
		}
	}
}

// Refused returns the first error among the diagnostics as a *RefusedError, or nil.
func (p *Plan) Refused() error {
	var e *RefusedError
	for _, d := range p.Diagnostics {
		switch {
		case d.Severity != lint.Error:
		case e == nil:
			e = &RefusedError{Diagnostic: d}
		default:
			e.More++
		}
	}
	if e == nil {
		return nil
	}
	return e
}

// RefusedError says that a plan cannot be applied because kernels refuse a part of it.
type RefusedError struct {
	Diagnostic     // the first one
	More       int // errors after it
}

// Error is one line, terminal-safe.
func (e *RefusedError) Error() string {
	s := e.Diagnostic.String()
	if e.More > 0 {
		s += fmt.Sprintf(" (and %d more)", e.More)
	}
	return s
}

// authors tells who wrote what of an object is wrong.
type authors struct {
	o       *Object
	changed *lookup
	wrote   map[string]map[int]bool // by program: instructions that the plugin wrote
	before  map[said]bool           // of the operator's object
}

// said is what a diagnostic says of a program, wherever in it.
type said struct {
	program string
	code    lint.Code
	text    string
}

func newAuthors(o *Object) *authors {
	a := &authors{o: o, changed: newLookup(o), wrote: make(map[string]map[int]bool), before: make(map[said]bool)}
	if o.Before == nil {
		return a
	}
	before := lint.New(o.Before)
	for _, p := range o.Before.Programs {
		if a.changed.change(spec.ObjectProgram, p.Name) == nil {
			continue
		}
		for _, d := range before.Program(p) {
			a.before[said{d.Name, d.Code, d.Text}] = true
		}
	}
	return a
}

// plugin reports whether it is the plugin that wrote what is wrong: it wrote the instruction, or the
// same was not wrong with the program before.
func (a *authors) plugin(d lint.Diagnostic) bool {
	ch := a.changed.change(d.Kind, d.Name)
	switch {
	case a.o.Before == nil || d.Kind == spec.ObjectAttach && ch != nil:
		return true
	case ch == nil && d.Code == lint.CodeLicense:
		return a.o.Before.License != a.o.After.License
	case ch == nil:
		return false
	case ch.Op == spec.ChangeAdd || d.Insn >= 0 && a.written(d.Name)[d.Insn]:
		return true
	}
	return !a.before[said{d.Name, d.Code, d.Text}]
}

// written returns the instructions of an operator's program that the plugin wrote, by their index in
// After.
func (a *authors) written(program string) map[int]bool {
	w := a.wrote[program]
	if ch := a.changed.change(spec.ObjectProgram, program); w == nil && ch != nil {
		w = make(map[int]bool)
		for _, h := range ch.Hunks {
			for _, l := range h.Lines {
				if l.Op == '+' {
					w[l.New] = true
				}
			}
		}
		a.wrote[program] = w
	}
	return w
}

// jsonDiagnostic is a diagnostic in the document of a plan.
type jsonDiagnostic struct {
	Collection string `json:"collection"`
	report.Diagnostic
	Author string `json:"author"` // who wrote it: the plugin's name, or the file of the object
	Plugin bool   `json:"plugin"` // it is the plugin
}

func jsonDiagnostics(list []Diagnostic) []jsonDiagnostic {
	out := make([]jsonDiagnostic, 0, len(list))
	for _, d := range list {
		out = append(out, jsonDiagnostic{d.Object, report.NewDiagnostic(d.Diagnostic), d.Author, d.Plugin})
	}
	return out
}

// diagnostics writes what kernels refuse, or are likely to.
func (t *planText) diagnostics() {
	if len(t.plan.Diagnostics) == 0 {
		return
	}
	t.b.WriteByte('\n')
	for _, d := range t.plan.Diagnostics {
		t.line("%v: %v", d.Severity, d)
	}
}
