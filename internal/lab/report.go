package lab

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Column is what one kernel made of the suite.
type Column struct {
	Kernel  string
	Release string
	Cells   map[string]Cell // by package
	Boot    time.Duration   // to the first test; 0 on this machine's own kernel
	Time    time.Duration   // to the end
	Err     error           // the machine failed; the cells are those up to there
}

// Cell counts the tests of one package on one kernel.
type Cell struct {
	Passed, Failed, Skipped int
	Exit                    int
	Failures                []Failure
	Skips                   []Skip
	Output                  string
}

// Failure is a test that failed, and what it wrote.
type Failure struct {
	Test, Output string
}

// Skip is a test that did not run.
type Skip struct {
	Test, Reason string
}

// explained matches the reasons that may keep a test from running on a kernel: it is too old, was
// built without an option, or the test is about something else than a kernel, or takes too long.
var explained = regexp.MustCompile(`^needs (kernel \d+\.\d+|CONFIG_\w+|clang|guests|packages|corpus|time|lab|no root)`)

// Explained reports whether the reason is one that a kernel may have.
func (s Skip) Explained() bool { return explained.MatchString(s.Reason) }

func newColumn(kernel, release string, results []Result, took time.Duration, err error) Column {
	c := Column{Kernel: kernel, Release: release, Cells: map[string]Cell{}, Time: took, Err: err}
	for i, r := range results {
		if i == 0 {
			c.Boot = r.Start
		}
		c.Cells[r.Job.Name] = NewCell(r)
	}
	return c
}

var (
	verdictLine = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+)`)
	testLine    = regexp.MustCompile(`^=== (?:RUN|NAME|CONT|PAUSE)\s+(\S+)`)
	sourceLine  = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)$`)
)

// NewCell reads the output of a test binary that ran with -test.v. What a test writes stands after
// the last "===" line with its name.
func NewCell(r Result) Cell {
	c := Cell{Exit: r.Exit, Output: r.Output}
	said, wrote, test := map[string]string{}, map[string]*strings.Builder{}, ""
	for line := range strings.Lines(r.Output) {
		if m := testLine.FindStringSubmatch(line); m != nil {
			test = m[1]
			continue
		}
		m := verdictLine.FindStringSubmatch(line)
		if m == nil {
			if m := sourceLine.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
				said[test] = m[1]
			}
			if wrote[test] == nil {
				wrote[test] = new(strings.Builder)
			}
			wrote[test].WriteString(line)
			continue
		}
		switch m[1] {
		case "PASS":
			c.Passed++
		case "FAIL":
			c.Failed++
			f := Failure{Test: m[2]}
			if b := wrote[f.Test]; b != nil {
				f.Output = b.String()
			}
			c.Failures = append(c.Failures, f)
		case "SKIP":
			c.Skipped++
			c.Skips = append(c.Skips, Skip{m[2], said[m[2]]})
		}
	}
	return c
}

// OK reports whether the machine ran to its end and every cell is OK.
func (c Column) OK() bool {
	for _, cell := range c.Cells {
		if !cell.OK() {
			return false
		}
	}
	return c.Err == nil
}

// OK reports whether every test passed or has an explained reason for not running.
func (c Cell) OK() bool {
	return c.Exit == 0 && c.Failed == 0 && !slices.ContainsFunc(c.Skips, func(s Skip) bool { return !s.Explained() })
}

// WriteTable prints package × kernel and below it the failures and the reasons of skips.
func WriteTable(w io.Writer, packages []string, cols []Column) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "PACKAGE")
	for _, c := range cols {
		fmt.Fprintf(t, "\t%s", c.Kernel)
	}
	fmt.Fprintln(t)
	for _, p := range packages {
		fmt.Fprint(t, p)
		for _, c := range cols {
			text := "-"
			if cell, ran := c.Cells[p]; ran {
				text = cell.String()
			}
			fmt.Fprintf(t, "\t%s", text)
		}
		fmt.Fprintln(t)
	}
	for _, row := range []struct {
		name string
		time func(Column) time.Duration
	}{{"first test after", func(c Column) time.Duration { return c.Boot }}, {"all after", func(c Column) time.Duration { return c.Time }}} {
		fmt.Fprint(t, row.name)
		for _, c := range cols {
			fmt.Fprintf(t, "\t%.1fs", row.time(c).Seconds())
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range cols {
		for _, p := range slices.Sorted(maps.Keys(c.Cells)) {
			for _, f := range c.Cells[p].Failures {
				fmt.Fprintf(w, "FAILED  %s  %s %s\n", c.Kernel, p, f.Test)
			}
		}
		if c.Err != nil {
			first, _, _ := strings.Cut(c.Err.Error(), "\n")
			fmt.Fprintf(w, "FAILED  %s  %s\n", c.Kernel, first)
		}
	}
	writeSkips(w, cols)
	return nil
}

// String counts, such as "3 passed, 1 skipped".
func (c Cell) String() string {
	switch {
	case c.Exit == -1:
		return fmt.Sprintf("%d passed, then it died", c.Passed)
	case c.Failed > 0:
		return fmt.Sprintf("%d passed, %d FAILED", c.Passed, c.Failed)
	case c.Exit != 0:
		return fmt.Sprintf("%d passed, EXIT %d", c.Passed, c.Exit)
	case c.Skipped > 0:
		return fmt.Sprintf("%d passed, %d skipped", c.Passed, c.Skipped)
	}
	return fmt.Sprintf("%d passed", c.Passed)
}

// manySkips is how many skips of one package on one kernel, for one need, are counted and not
// listed.
const manySkips = 5

// writeSkips lists skips below what they need; those without a reason that a kernel can have come
// first.
func writeSkips(w io.Writer, cols []Column) {
	lines := map[string][]string{}
	for _, c := range cols {
		for _, p := range slices.Sorted(maps.Keys(c.Cells)) {
			for need, skips := range c.Cells[p].skipsByNeed() {
				at := c.Kernel + ": " + p + " "
				if len(skips) > manySkips && !strings.HasPrefix(need, unexplained) {
					lines[need] = append(lines[need], fmt.Sprintf("%s%d tests, the first of them %s", at, len(skips), skips[0]))
					continue
				}
				for _, s := range skips {
					lines[need] = append(lines[need], at+s)
				}
			}
		}
	}
	for _, need := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintf(w, "skipped, %s\n", need)
		for _, line := range lines[need] {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
}

const unexplained = "UNEXPLAINED"

// skipsByNeed sorts skips by what they need. The text of each is the test, and what else the reason
// says.
func (c Cell) skipsByNeed() map[string][]string {
	m := map[string][]string{}
	for _, s := range c.Skips {
		need, why := unexplained, s.Reason
		if s.Explained() {
			need, why, _ = strings.Cut(s.Reason, ": ")
		}
		why, _, _ = strings.Cut(why, " (this is ")
		m[need] = append(m[need], strings.TrimSuffix(s.Test+": "+why, ": "))
	}
	return m
}
