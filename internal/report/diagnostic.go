package report

import "github.com/bpfhost/bpfhost/core/spec/lint"

// Diagnostic is what is wrong with a program or an attachment, as package lint finds it.
type Diagnostic struct {
	Severity string `json:"severity"` // "error": kernels refuse it; "warning": they are likely to
	Code     string `json:"code"`     // lint.Code
	Object   string `json:"object"`   // "program" or "attachment"
	Name     string `json:"name"`
	Insn     int    `json:"insn"` // index of the instruction in the program; -1 is none
	File     string `json:"file"` // of the source; empty is unknown
	Line     int    `json:"line"` // in that file; 0 is unknown
	Text     string `json:"text"`
}

// NewDiagnostic returns the document of a diagnostic.
func NewDiagnostic(d lint.Diagnostic) Diagnostic {
	out := Diagnostic{
		Severity: d.Severity.String(), Code: string(d.Code), Object: d.Kind.String(), Name: d.Name, Insn: d.Insn, Text: d.Text,
	}
	if d.Line != nil {
		out.File, out.Line = d.Line.File(), int(d.Line.Line)
	}
	return out
}
