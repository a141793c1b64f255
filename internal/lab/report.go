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
	Time    time.Duration   // of the whole boot
}

// Cell counts the tests of one package on one kernel.
type Cell struct {
	Passed, Failed, Skipped int
	Exit                    int
	Failures                []string // names of failed tests
	Skips                   []Skip
	Output                  string
}

// Skip is a test that did not run.
type Skip struct {
	Test, Reason string
}

// explained matches the reasons that may keep a test from running on a kernel: it is too old, was built
// without an option, or the test is about another surrounding than a kernel.
var explained = regexp.MustCompile(`needs (kernel \d+\.\d+|CONFIG_\w+|clang|guests|lab|no root)`)

// Explained reports whether the reason is one that a kernel may give.
func (s Skip) Explained() bool { return explained.MatchString(s.Reason) }

func newColumn(kernel, release string, results []Result, took time.Duration) Column {
	c := Column{Kernel: kernel, Release: release, Cells: map[string]Cell{}, Time: took}
	for _, r := range results {
		c.Cells[r.Job.Name] = newCell(r)
	}
	return c
}

var (
	verdictLine = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+)`)
	testLine    = regexp.MustCompile(`^=== (?:RUN|NAME|CONT)\s+(\S+)`)
	sourceLine  = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)$`)
)

// newCell reads the output of a test binary that ran with -test.v. What a test logs stands behind the
// last "===" line with its name.
func newCell(r Result) Cell {
	c := Cell{Exit: r.Exit, Output: r.Output}
	said, test := map[string]string{}, ""
	for line := range strings.SplitSeq(r.Output, "\n") {
		if m := testLine.FindStringSubmatch(line); m != nil {
			test = m[1]
		} else if m := sourceLine.FindStringSubmatch(line); m != nil {
			said[test] = m[1]
		}
		m := verdictLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		switch m[1] {
		case "PASS":
			c.Passed++
		case "FAIL":
			c.Failed++
			c.Failures = append(c.Failures, m[2])
		case "SKIP":
			c.Skipped++
			c.Skips = append(c.Skips, Skip{m[2], said[m[2]]})
		}
	}
	return c
}

// OK reports whether every test passed or has an explained reason for not running.
func (c Column) OK() bool {
	for _, cell := range c.Cells {
		if cell.Exit != 0 || cell.Failed > 0 || slices.ContainsFunc(cell.Skips, func(s Skip) bool { return !s.Explained() }) {
			return false
		}
	}
	return true
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
			cell, ran := c.Cells[p]
			fmt.Fprintf(t, "\t%s", cell.text(ran))
		}
		fmt.Fprintln(t)
	}
	fmt.Fprint(t, "time")
	for _, c := range cols {
		fmt.Fprintf(t, "\t%.0fs", c.Time.Seconds())
	}
	fmt.Fprintln(t)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range cols {
		for _, p := range slices.Sorted(maps.Keys(c.Cells)) {
			for _, f := range c.Cells[p].Failures {
				fmt.Fprintf(w, "FAILED  %s  %s %s\n", c.Kernel, p, f)
			}
		}
	}
	writeSkips(w, cols)
	return nil
}

func (c Cell) text(ran bool) string {
	switch {
	case !ran:
		return "-"
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

func writeSkips(w io.Writer, cols []Column) {
	reasons := map[string][]string{}
	for _, c := range cols {
		for p, cell := range c.Cells {
			for _, s := range cell.Skips {
				mark := ""
				if !s.Explained() {
					mark = "UNEXPLAINED "
				}
				key := mark + s.Reason
				if at := fmt.Sprintf("%s: %s %s", c.Kernel, p, s.Test); !slices.Contains(reasons[key], at) {
					reasons[key] = append(reasons[key], at)
				}
			}
		}
	}
	for _, r := range slices.Sorted(maps.Keys(reasons)) {
		slices.Sort(reasons[r])
		fmt.Fprintf(w, "skipped, %s\n", r)
		for _, at := range reasons[r] {
			fmt.Fprintf(w, "    %s\n", at)
		}
	}
}
