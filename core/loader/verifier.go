package loader

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec/bind"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// VerifierError says that the kernel's verifier refused a program. Its text is one line; printed
// with %+v it is followed by the whole log.
type VerifierError struct {
	Program   string
	Cause     string // the telling lines of the log, or why an instruction cannot be run on this kernel
	Insn      int    // index in the spec's instructions; -1 when the log names none
	Slot      int    // the same as the kernel counts it, in Log too: a 64-bit load takes two; -1 likewise
	Text      string // that instruction; empty when Insn is -1
	Source    string // its source line, "file.c:12: text"; empty when unknown
	Log       string // what the verifier wrote; of a very long log the head, the tail and what explains the cause
	Truncated bool   // Log is not all that it wrote
	Err       error  // the kernel's answer; an EACCES is not about rights here and no ErrPermission
}

// Error returns one line. Instructions are counted as the spec does; where the kernel counts
// otherwise, its number follows in brackets.
func (e *VerifierError) Error() string {
	var b strings.Builder
	b.WriteString("the verifier refused it: " + e.Cause)
	if e.Insn >= 0 {
		b.WriteString(" (instruction " + strconv.Itoa(e.Insn))
		if e.Slot >= 0 && e.Slot != e.Insn {
			b.WriteString(" [" + strconv.Itoa(e.Slot) + "]")
		}
		b.WriteString(": " + e.Text)
		if e.Source != "" {
			b.WriteString(", " + e.Source)
		}
		b.WriteByte(')')
	}
	return b.String()
}

// Unwrap returns the kernel's answer.
func (e *VerifierError) Unwrap() error { return e.Err }

// Format prints the error, with the log for %+v.
func (e *VerifierError) Format(f fmt.State, verb rune) {
	switch {
	case verb == 'q':
		io.WriteString(f, strconv.Quote(e.Error()))
	case f.Flag('+'):
		io.WriteString(f, e.Error()+"\n"+e.Log)
	default:
		io.WriteString(f, e.Error())
	}
}

// refusal makes the error of a program that the kernel does not take.
func (l *session) refusal(p *prepared, log verifierLog, err error) error {
	switch {
	case kernel.Exhausted(err):
		return err
	case errors.Is(err, sys.EPERM): // the verifier, too, says so only for want of a privilege
		err = l.kernel.ExplainCharged(err, p.Spec.Capabilities()...)
		if cause, _ := readLog(log.text); cause != "" {
			err = fmt.Errorf("%w; the verifier says: %s", err, renumber(cause, p.slots))
		}
		return err
	}
	v := verifierError(p, log, err)
	if v != nil && p.PoisonAt(v.Insn) != "" {
		return v
	}
	if v != nil {
		if denied := unprivileged(p, v); denied != nil {
			return denied
		}
	}
	if errors.Is(err, sys.EINVAL) || errors.Is(err, sys.E2BIG) {
		if old := explainProgram(l.kernel, p.Spec, v, err); errors.Is(old, ErrNotSupported) {
			return old
		}
	}
	switch {
	case v != nil:
		return v
	case errors.Is(err, sys.EINVAL): // no log: it was not verified
		return l.kernel.NotBuilt(p.Spec.Type.String()+" programs", p.Spec.Type.Option(), err)
	}
	return l.kernel.ExplainCharged(err, p.Spec.Capabilities()...)
}

// unprivileged returns the error of a program whose code takes a capability that this process lacks,
// by the code or by what the verifier says; nil for any other. The kernel answers EACCES or EINVAL, as
// if the code were wrong.
func unprivileged(p *prepared, v *VerifierError) error {
	caps := p.Spec.Capabilities()
	for _, sign := range []string{"!root", "leaks addr", "pointer comparison prohibited", "pointer -= pointer prohibited"} {
		if strings.Contains(v.Cause, sign) && !slices.Contains(caps, sys.CapPerfmon.String()) {
			caps = append(caps[:len(caps):len(caps)], sys.CapPerfmon.String())
		}
	}
	if kernel.Missing(caps...) == "" {
		return nil
	}
	return fmt.Errorf("%w; the verifier says: %s", kernel.Explain(sys.EACCES, caps...), v.Cause)
}

// verifierError reads the log of a refused program. The result is nil where the answer is about
// something else than the program's code: there is no log, or it has no reason for an answer that
// the verifier does not return without.
func verifierError(p *prepared, log verifierLog, err error) *VerifierError {
	if strings.TrimSpace(log.text) == "" {
		return nil
	}
	e := &VerifierError{Program: p.Spec.Name, Log: log.text, Truncated: log.truncated, Err: sys.NotPermission(err), Insn: -1}
	cause, slot := readLog(log.text)
	if log.lost {
		slot = -1
	}
	e.Cause, e.Slot, e.Insn = renumber(cause, p.slots), slot, insnAt(p.slots, slot)
	if i := poisoned(log.text, p); i >= 0 {
		e.Insn, e.Slot, e.Cause = i, int(p.slots[i]), p.Poison[i]
	}
	if e.Cause == "" {
		if !errors.Is(err, sys.EINVAL) && !errors.Is(err, sys.EACCES) && !errors.Is(err, sys.E2BIG) {
			return nil
		}
		e.Cause = err.Error()
	}
	if e.Insn < 0 {
		e.Slot = -1
		return e
	}
	// The spec's own instruction says more than the one with numbers in it.
	e.Text = p.Spec.Insns.At(e.Insn).String()
	if l := p.Spec.LineAt(e.Insn); l != nil {
		e.Source = fmt.Sprintf("%s:%d: %s", l.File(), l.Line, strings.TrimSpace(l.Text()))
	}
	return e
}

// poisoned finds the poisoned instruction that the log is about, or -1: the verifier names the
// helper that does not exist.
func poisoned(log string, p *prepared) int {
	const mark = "invalid func unknown#"
	at := strings.LastIndex(log, mark)
	if at < 0 {
		return -1
	}
	digits := log[at+len(mark):]
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = digits[:end]
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if i := int(n) - bind.PoisonCall; err == nil && p.PoisonAt(i) != "" {
		return i
	}
	return -1
}
