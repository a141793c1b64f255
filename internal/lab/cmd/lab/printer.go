package main

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/bpfhost/bpfhost/internal/lab"
)

// printer writes what several machines say, by whole lines, in the manner of go test.
type printer struct {
	mu      sync.Mutex
	w       io.Writer
	verbose bool
}

// output is where a machine writes the output of its tests; nil when it is not wanted.
func (p *printer) output(kernel string) io.Writer {
	if !p.verbose {
		return nil
	}
	return &prefixed{p, kernel + ": "}
}

// ended returns what reports a package that has ended on a kernel.
func (p *printer) ended(kernel string) func(lab.Result) {
	return func(r lab.Result) {
		p.mu.Lock()
		defer p.mu.Unlock()
		cell := lab.NewCell(r)
		word := "ok  "
		if !cell.OK() {
			word = "FAIL"
		}
		fmt.Fprintf(p.w, "%s  %-5s  %s  %s  %.1fs\n", word, kernel, r.Job.Name, cell, r.Time.Seconds())
		for _, f := range cell.Failures {
			fmt.Fprintf(p.w, "    %s\n%s", f.Test, f.Output)
		}
		if cell.Exit != 0 && len(cell.Failures) == 0 {
			io.WriteString(p.w, ending(cell.Output))
		}
	}
}

// ending is the last lines of a binary that ended badly though no test failed: a panic, for
// instance.
func ending(output string) string {
	lines := strings.SplitAfter(output, "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "")
}

// prefixed writes lines after the name of a kernel.
type prefixed struct {
	p      *printer
	prefix string
}

// Write takes whole lines.
func (f *prefixed) Write(b []byte) (int, error) {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	for line := range strings.Lines(string(b)) {
		if _, err := io.WriteString(f.p.w, f.prefix+line); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}
