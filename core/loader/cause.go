package loader

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfhost/bpfhost/core/asm"
)

// maxCauseLines bounds how many lines of a log make a cause.
const maxCauseLines = 4

// readLog finds the lines that say why, joined by semicolons, empty if there are none, and the slot
// of the last instruction that was looked at; -1 for none. Why is what the verifier writes last,
// after the instruction that it stopped at: lines that it does not write of accepted programs, too.
// From Linux 7.3 on, a report in words follows; it is taken only where these lines are missing.
func readLog(log string) (cause string, slot int) {
	slot = -1
	var (
		lines  []string
		report report
	)
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(statistics.ReplaceAllString(line, ""))
		if report.read(line) || line == "" {
			continue
		}
		if n, ok := insnLine(line); ok {
			slot, lines = n, lines[:0]
		} else if !isNoise(line) {
			lines = append(lines, line)
		}
	}
	cause = joinCause(lines)
	if cause == "" {
		cause = report.text()
	}
	if at := insnNumber.FindStringSubmatch(cause); slot < 0 && at != nil {
		if n, err := strconv.Atoi(at[2]); err == nil {
			slot = n
		}
	}
	return cause, slot
}

// joinCause makes one line of those that say why.
func joinCause(lines []string) string {
	if len(lines) > 1 {
		lines = slices.DeleteFunc(lines, func(line string) bool { return aside.MatchString(line) })
	}
	if n := len(lines); n > maxCauseLines {
		lines = slices.Concat(lines[:maxCauseLines/2], lines[n-maxCauseLines/2:])
	}
	return strings.Join(lines, "; ")
}

var (
	// statistics end a log; some kernels forget the newline before them.
	statistics = regexp.MustCompile(`processed \d+ insns.*`)
	// aside is what the verifier writes of accepted programs, too, and before it looks at them.
	aside = regexp.MustCompile(`^arg#\d+ (?:type is not a struct$|reference type\(.*size cannot be determined)`)
	// insnNumber is where a reason names an instruction, or two, as the kernel counts them.
	insnNumber = regexp.MustCompile(`\b((?:alloc_)?insn(?:_idx)?[ =#])(\d+)\b(?:( to )(\d+)\b)?`)
)

// report reads what Linux 7.3 writes in words: a title, and paragraphs of which one is the reason.
type report struct {
	title, words string
	inReason     bool
}

// read takes a line, if the report has begun.
func (r *report) read(line string) bool {
	if head, ok := strings.CutPrefix(line, "Verification failed: "); ok {
		*r = report{title: head}
		return true
	}
	if r.title == "" {
		return false
	}
	switch {
	case line == "Reason:":
		r.inReason = true
	case line == "":
		r.inReason = r.inReason && r.words == ""
	case r.inReason: // wrapped
		r.words = strings.TrimSpace(r.words + " " + line)
	}
	return true
}

func (r *report) text() string {
	if r.words == "" {
		return r.title
	}
	return r.title + ": " + r.words
}

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

// noise matches lines about the walk rather than the refusal: source, states of registers, how
// precision is propagated, functions that were or will be looked at, sizes. "R1 type=…", "R0
// invalid mem access" and "frame pointer is read only" begin like a state but are reasons.
var noise = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`;`, `R\d+(?:=|_[a-z]+=)`, `frame ?\d`,
	`from \d+ to \d+`, `to caller at \d`, `\d+: safe$`, `(?:cur|old) state:`, `caller:$`, `callee:$`, `returning from callee`,
	`mark_precise: `, `last_idx \d`, `regs=`, `parent `, `propagating `,
	`func#\d+ @`, `Func#\d+ \('.*'\) is `, `Validating .* func#\d`, `func '.*' arg\d+ has btf_id \d`,
	`Live regs before insn`, `\d+: [.0-9]+ \(`,
	`verification time \d`, `stack depth \d`, `insns_state`, `max_states_per_insn`, `total_states`, `peak_states`, `mark_read`,
	`---`,
}, "|") + `)`)

// isNoise reports whether a line describes the walk rather than the refusal.
func isNoise(line string) bool { return noise.MatchString(line) }

// lastLine is the last line of s that is not empty.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}

// renumber makes a reason count instructions as the spec does. Where the kernel, which counts a
// 64-bit load twice, has another number, that follows in brackets, as it is what the log has.
func renumber(cause string, slots []asm.Slot) string {
	return insnNumber.ReplaceAllStringFunc(cause, func(found string) string {
		part := insnNumber.FindStringSubmatch(found)
		return part[1] + ownNumber(part[2], slots) + part[3] + ownNumber(part[4], slots)
	})
}

// ownNumber is the number of an instruction of the spec, followed by the kernel's.
func ownNumber(kernel string, slots []asm.Slot) string {
	slot, err := strconv.Atoi(kernel)
	if err != nil {
		return kernel
	}
	switch i := insnAt(slots, slot); i {
	case slot:
		return kernel
	case -1: // outside of the program
		return "[" + kernel + "]"
	default:
		return strconv.Itoa(i) + " [" + kernel + "]"
	}
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
