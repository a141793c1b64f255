package loader

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec/bind"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// VerifierError says that the kernel's verifier refused a program. Its text is one line; printed
// with %+v it is followed by the whole log.
type VerifierError struct {
	Program   string
	Cause     string // the telling line of the log, or why an instruction cannot be run on this kernel
	Insn      int    // index in the spec's instructions; -1 when the log names none
	Text      string // that instruction; empty when Insn is -1
	Source    string // its source line, "file.c:12: text"; empty when unknown
	Log       string // what the verifier wrote
	Truncated bool   // Log is not all that it wrote
	Err       error  // the kernel's answer
}

// Error returns one line.
func (e *VerifierError) Error() string {
	var b strings.Builder
	b.WriteString("the verifier refused it: " + e.Cause)
	if e.Insn >= 0 {
		b.WriteString(" (instruction " + strconv.Itoa(e.Insn) + ": " + e.Text)
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

// verifierError reads the log of a refused program. Without a log the answer is about something
// else than the program's code, and the result is nil.
func verifierError(p *prepared, log string, truncated bool, err error) *VerifierError {
	if strings.TrimSpace(log) == "" {
		return nil
	}
	e := &VerifierError{Program: p.Spec.Name, Log: log, Truncated: truncated, Err: err, Insn: -1}
	slot := -1
	e.Cause, slot = readLog(log)
	if e.Cause == "" {
		e.Cause = err.Error()
	}
	e.Insn = insnAt(p.slots, slot)
	if i := poisoned(log, p); i >= 0 {
		e.Insn, e.Cause = i, p.Poison[i]
	}
	if e.Insn >= 0 {
		// The spec's own instruction says more than the one with numbers in it.
		e.Text = p.Spec.Insns.At(e.Insn).String()
		if l := p.Spec.LineAt(e.Insn); l != nil {
			e.Source = fmt.Sprintf("%s:%d: %s", l.File(), l.Line, strings.TrimSpace(l.Text()))
		}
	}
	return e
}

// readLog finds the line that says why, empty if there is none, and the slot of the last
// instruction that was looked at; -1 for none. Lines it does not know count as reasons, so the last
// of them is it. From Linux 7.3 on, a report in words follows that line; it is taken only where the
// line is missing.
func readLog(log string) (cause string, slot int) {
	slot = -1
	title, words, inReason := "", "", false
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(statistics.ReplaceAllString(line, ""))
		if head, ok := strings.CutPrefix(line, "Verification failed: "); ok {
			title = head
			continue
		}
		if title != "" {
			switch {
			case line == "Reason:":
				inReason = true
			case line == "":
				inReason = inReason && words == ""
			case inReason: // wrapped
				words = strings.TrimSpace(words + " " + line)
			}
			continue
		}
		if n, ok := insnLine(line); ok {
			slot = n
		} else if line != "" && !isNoise(line) && !(cause != "" && isSequel(line)) {
			cause = line
		}
	}
	switch {
	case cause == "" && words != "":
		cause = title + ": " + words
	case cause == "":
		cause = title
	}
	if at := namedInsn.FindStringSubmatch(cause); slot < 0 && at != nil {
		if n, err := strconv.Atoi(at[1]); err == nil {
			slot = n
		}
	}
	return cause, slot
}

var (
	// statistics end a log; some kernels forget the newline before them.
	statistics = regexp.MustCompile(`processed \d+ insns.*`)
	// namedInsn is an instruction that a reason names itself, where none was looked at.
	namedInsn = regexp.MustCompile(`^(?:unreachable insn|jump out of range from insn|back-edge from insn) (\d+)\b`)
)

// isSequel reports whether a line only says where the reason before it mattered.
func isSequel(line string) bool { return strings.HasSuffix(line, "would lead to reference leak") }

// insnLine reads "12: (bf) r1 = r0 ; state", with or without the state in front. "12: BUG_db" is an
// instruction that the kernel cannot even print.
func insnLine(line string) (slot int, ok bool) {
	num, rest, found := strings.Cut(line, ": ")
	n, err := strconv.Atoi(num)
	if !found || err != nil || n < 0 {
		return 0, false
	}
	for _, p := range []string{"(", "R", "frame", "BUG_"} {
		if strings.HasPrefix(rest, p) {
			return n, true
		}
	}
	return 0, false
}

// noise begins lines of the log that are not about a refusal.
var noise = []string{
	";", "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "from ", "to ", "cur state: ", "old state: ",
	"verification time", "stack depth", "insns_state", "func#", "mark_precise", "last_idx", "regs=", "parent ",
	"propagating", "caller:", "callee:", "returning from callee", "Func#", "Validating ", "Live regs", "safe", "---",
	"max_states_per_insn", "total_states", "peak_states", "mark_read", "arg#0",
}

// isNoise reports whether a line describes the walk rather than the refusal. "R1 type=…" and
// "R0 invalid mem access" begin like a state but are reasons.
func isNoise(line string) bool {
	if frame, ok := strings.CutPrefix(line, "frame"); ok && frame != "" && frame[0] >= '0' && frame[0] <= '9' {
		return true
	}
	for _, p := range noise {
		if !strings.HasPrefix(line, p) {
			continue
		}
		if p[0] != 'R' {
			return true
		}
		if rest := line[len(p):]; strings.HasPrefix(rest, "=") || strings.HasPrefix(rest, "_") {
			return true
		}
	}
	return false
}

// lastLine is the last line of s that is not empty.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}

// insnAt is the index of the instruction that a slot belongs to, or -1 outside of the program.
// After a condition that was encoded by way of a gotol its slots are all its own.
func insnAt(slots []asm.Slot, slot int) int {
	if slot < 0 || len(slots) == 0 || slot > int(slots[len(slots)-1])+1 {
		return -1
	}
	i, exact := slices.BinarySearch(slots, asm.Slot(slot))
	if exact {
		return i
	}
	return i - 1
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

// The sizes of the buffer for the verifier's log, in bytes.
const (
	firstLog = 1 << 16
	lastLog  = 1 << 26
)

// loadLogged loads a program again with a log that grows until all of it fits.
func loadLogged(a *sys.ProgLoad, level uint32) (fd *sys.FD, log string, truncated bool, err error) {
	for size := firstLog; ; size *= 4 {
		buf := make([]byte, size)
		a.LogLevel, a.LogSize, a.LogBuf = level, uint32(size), sys.BytesPointer(buf)
		fd, err = sys.LoadProg(a)
		if !errors.Is(err, sys.ENOSPC) || size >= lastLog {
			return fd, text(buf), errors.Is(err, sys.ENOSPC), err
		}
		for int(a.LogTrueSize) > 4*size && size < lastLog {
			size *= 4
		}
	}
}
