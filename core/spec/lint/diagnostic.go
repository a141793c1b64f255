package lint

import (
	"fmt"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/quote"
)

// Severity says how sure a diagnostic is.
type Severity uint8

// The severities.
const (
	Warning Severity = iota + 1 // kernels are likely to refuse it
	Error                       // kernels refuse it
)

// severityNames is indexed by Severity.
var severityNames = [...]string{"", "warning", "error"}

// String returns "warning" or "error".
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity %d", uint8(s))
}

// Code names the kind of a diagnostic. Scripts may rely on the codes.
type Code string

// The codes.
const (
	CodeFallsOff    Code = "falls_off"      // control runs past the end of a function
	CodeJump        Code = "jump"           // a jump leads into a 64-bit load, out of the program or into another function
	CodeInsn        Code = "insn"           // instruction that is not known
	CodeUnreachable Code = "unreachable"    // no path leads to the instruction
	CodeTooLong     Code = "too_long"       // more instructions than kernels take
	CodeWriteR10    Code = "write_r10"      // the frame pointer is written
	CodeUnset       Code = "unset_register" // a register is read that no path has set
	CodeStack       Code = "stack"          // memory access outside of the stack
	CodeStackDepth  Code = "stack_depth"    // a chain of calls needs more stack, or is longer, than kernels take
	CodeEndless     Code = "endless_loop"   // a loop without a way out
	CodeHelper      Code = "helper"         // helper that is not known
	CodeHelperType  Code = "helper_type"    // helper that programs of the type do not have
	CodeLicense     Code = "license"        // needs a license that is compatible with the GPL
	CodeHookType    Code = "hook_type"      // the hook takes programs of other types
	CodeHookAttach  Code = "hook_attach"    // the hook takes programs with other attach types
)

// Diagnostic is what is wrong with a program or an attachment.
type Diagnostic struct {
	Severity Severity
	Code     Code
	Kind     spec.ObjectKind // ObjectProgram or ObjectAttach
	Name     string          // of the program, of an attachment as in [spec.Change]
	Insn     int             // index of the instruction in the program; -1 is none
	Line     *btf.LineInfo   // source line of the instruction; nil is unknown
	Text     string          // what is wrong, one line
}

// String returns for example `program "p": instruction 3, p.c:12: read of …`.
func (d Diagnostic) String() string {
	s := d.Kind.String() + " " + quote.Quoted(d.Name)
	if at := d.Place(); at != "" {
		s += ": " + at
	}
	return s + ": " + d.Text
}

// Place returns for example "instruction 3, p.c:12", and nothing for a program as a whole.
func (d Diagnostic) Place() string {
	if d.Insn < 0 {
		return ""
	}
	s := fmt.Sprintf("instruction %d", d.Insn)
	if d.Line != nil && d.Line.File() != "" {
		s += fmt.Sprintf(", %s:%d", quote.Text(d.Line.File()), d.Line.Line)
	}
	return s
}

// Errors returns how many of the diagnostics are errors.
func Errors(list []Diagnostic) int {
	n := 0
	for _, d := range list {
		if d.Severity == Error {
			n++
		}
	}
	return n
}
