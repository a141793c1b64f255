package loader

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/bpfhost/bpfhost/internal/sys"
)

// The sizes of the verifier's log, in bytes. One that does not fit the first buffer is written to
// memory outside of Go's, of which only as much is taken as is written, and given back at once.
const (
	firstLog = 1 << 16
	wholeLog = 1 << 20 // a longer one is not kept whole
	headLog  = 1 << 16 // what is kept of its head
	tailLog  = wholeLog - headLog
	mostLog  = 1 << 26 // the kernel is asked for no more
)

// logFixed keeps the head of a log that is too long for its buffer (BPF_LOG_FIXED, Linux 6.4); from
// that version on it is the tail otherwise.
const logFixed = 1 << 3

// logStats lets the verifier write reasons and sums without the walk (BPF_LOG_STATS).
const logStats = 1 << 2

// verifierLog is what the verifier wrote.
type verifierLog struct {
	text      string
	truncated bool // text is not all of it
	lost      bool // where the walk ended is not in it
}

// loadLogged loads a program again with a log of at most so many bytes. answer is what the kernel
// says of the program without, nil if that is not known: a log that does not fit hides it.
func loadLogged(a *sys.ProgLoad, level uint32, most int, answer error) (*sys.FD, verifierLog, error) {
	first := make([]byte, firstLog)
	fd, err := loadInto(a, level, first)
	if !errors.Is(err, sys.ENOSPC) {
		return fd, verifierLog{text: text(first)}, err
	}
	big, unmap, err := sys.Scratch(most)
	if err != nil {
		return nil, verifierLog{}, fmt.Errorf("take memory for the log of the verifier: %w", err)
	}
	defer unmap()
	fd, err = loadInto(a, level, big)
	size := int(a.LogTrueSize)
	if end := bytes.IndexByte(big, 0); end >= 0 {
		big = big[:end]
	}
	log := shorten(big)
	if !errors.Is(err, sys.ENOSPC) {
		return fd, log, err
	}
	log.truncated = true
	if size > 0 { // what did not fit is the head
		_, _ = loadInto(a, level|logFixed, first)
		log.text = join(text(first), size-len(first)-len(big), nil, log.text)
	} else { // the tail
		_, _ = loadInto(a, logStats, first)
		log.text, log.lost = log.text+"\n"+text(first), true
	}
	if answer == nil {
		a.LogLevel, a.LogSize, a.LogBuf = 0, 0, sys.Pointer{}
		fd, answer = sys.LoadProg(a)
	}
	return fd, log, answer
}

// loadInto loads a program with a log of that level in buf.
func loadInto(a *sys.ProgLoad, level uint32, buf []byte) (*sys.FD, error) {
	a.LogLevel, a.LogSize, a.LogBuf, a.LogTrueSize = level, uint32(len(buf)), sys.BytesPointer(buf), 0
	return sys.LoadProg(a)
}

// shorten copies a log: all of it, or the head, the tail, and of what is between them the lines that
// explain the reason.
func shorten(b []byte) verifierLog {
	if len(b) <= wholeLog {
		return verifierLog{text: string(b)}
	}
	head, tail := bytes.LastIndexByte(b[:headLog], '\n')+1, len(b)-tailLog
	tail += bytes.IndexByte(b[tail:], '\n') + 1
	end := string(b[tail:])
	lines := explain(b[head:tail], end)
	return verifierLog{text: join(string(b[:head]), tail-head, lines, end), truncated: true}
}

// join puts a log together that bytes are missing of, but for some lines.
func join(head string, missing int, lines []string, tail string) string {
	between := fmt.Sprintf("--- %d bytes left out", missing)
	if len(lines) > 0 {
		between += ", of these explains the reason\n" + strings.Join(lines, "\n") + "\n---"
	}
	return strings.TrimSuffix(head, "\n") + "\n" + between + "\n" + tail
}

// explain returns the last lines of a part of a log that have an instruction which the reason at the
// end names, or which set a register that it names, unless that was set again later.
func explain(part []byte, end string) []string {
	cause, _ := readLog(end)
	want := make(map[string]string) // what a line is searched for, and the line
	for _, reg := range regName.FindAllString(cause, -1) {
		want["r"+reg[1:]] = ""
	}
	for _, n := range insnNumber.FindAllStringSubmatch(cause, -1) {
		want[n[2]] = ""
	}
	for line := range strings.Lines(end) {
		for _, key := range keysOf(line) {
			delete(want, key)
		}
	}
	if len(want) == 0 {
		return nil
	}
	for line := range bytes.Lines(part) {
		for _, key := range keysOf(string(line)) {
			if _, ok := want[key]; ok {
				want[key] = strings.TrimSpace(string(line))
			}
		}
	}
	lines := slices.Sorted(maps.Values(want))
	return slices.DeleteFunc(slices.Compact(lines), func(s string) bool { return s == "" })
}

// regName is a register as reasons name it.
var regName = regexp.MustCompile(`\bR\d+\b`)

// keysOf returns the number of the instruction that a line of the walk has, "12", and the register
// that it sets, "r1".
func keysOf(line string) []string {
	if _, ok := insnLine(strings.TrimSpace(line)); !ok {
		return nil
	}
	number, _, _ := strings.Cut(strings.TrimSpace(line), ":")
	keys := []string{number}
	if _, code, ok := strings.Cut(line, ") "); ok {
		switch word, op, _ := strings.Cut(code, " "); {
		case word == "call":
			keys = append(keys, "r0")
		case len(word) > 1 && (word[0] == 'r' || word[0] == 'w') && strings.Contains(op, "= "):
			keys = append(keys, "r"+word[1:])
		}
	}
	return keys
}
