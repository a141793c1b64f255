package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/internal/lab"
)

func TestPrinter(t *testing.T) {
	var b strings.Builder
	p := printer{w: &b}
	if p.output("6.1") != nil {
		t.Error("output that nobody asked for")
	}
	end := p.ended("6.1")
	job := lab.Job{Name: "core/link"}
	end(lab.Result{Job: job, Output: "=== RUN   TestA\n    a.go:1: fine\n--- PASS: TestA (0.00s)\nPASS\n", Time: time.Second})
	end(lab.Result{Job: job, Exit: 1, Output: "=== RUN   TestA\n    a.go:1: bad\n--- FAIL: TestA (0.00s)\nFAIL\n"})
	end(lab.Result{Job: job, Exit: 2, Output: "=== RUN   TestA\npanic: oops\n"})
	p.verbose = true
	fmt.Fprintln(p.output("7.x"), "=== RUN   TestA")
	want := `ok    6.1    core/link  1 passed  1.0s
FAIL  6.1    core/link  0 passed, 1 FAILED  0.0s
    TestA
    a.go:1: bad
FAIL  6.1    core/link  0 passed, EXIT 2  0.0s
=== RUN   TestA
panic: oops
7.x: === RUN   TestA
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &b, want)
	}
}
