package lab

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const sampleOutput = `=== RUN   TestA
--- PASS: TestA (0.01s)
=== RUN   TestB
    b_test.go:12: needs kernel 6.6: tcx links
--- SKIP: TestB (0.00s)
=== RUN   TestC
=== RUN   TestC/sub
    c_test.go:9: wrong
--- FAIL: TestC (0.00s)
    --- FAIL: TestC/sub (0.00s)
=== RUN   TestD
    d_test.go:3: not today
--- SKIP: TestD (0.00s)
FAIL
`

func TestCell(t *testing.T) {
	got := newCell(Result{Exit: 1, Output: sampleOutput})
	want := Cell{Passed: 1, Failed: 2, Skipped: 2, Exit: 1, Failures: []string{"TestC", "TestC/sub"}, Output: sampleOutput,
		Skips: []Skip{{"TestB", "needs kernel 6.6: tcx links"}, {"TestD", "not today"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTable(t *testing.T) {
	col := func(name string, cells map[string]Cell) Column {
		return Column{Kernel: name, Cells: cells, Time: 3 * time.Second}
	}
	old := Cell{Passed: 3, Skipped: 1, Skips: []Skip{{"TestB", "needs kernel 6.6: tcx links"}}}
	odd := Cell{Passed: 3, Skipped: 1, Skips: []Skip{{"TestB", "not today"}}}
	for _, c := range []struct {
		col Column
		ok  bool
	}{
		{col("5.10", map[string]Cell{"p": old}), true},
		{col("6.1", map[string]Cell{"p": odd}), false},
		{col("6.12", map[string]Cell{"p": {Passed: 3, Failed: 1, Exit: 1}}), false},
		{col("7.x", map[string]Cell{"p": {Passed: 1, Exit: -1}}), false},
	} {
		if c.col.OK() != c.ok {
			t.Errorf("%s: OK is %v", c.col.Kernel, !c.ok)
		}
	}
	var b strings.Builder
	if err := WriteTable(&b, []string{"p", "q"}, []Column{col("5.10", map[string]Cell{"p": old}),
		col("6.1", map[string]Cell{"p": {Passed: 3, Failed: 1, Exit: 1, Failures: []string{"TestC"}}, "q": odd})}); err != nil {
		t.Fatal(err)
	}
	want := `PACKAGE  5.10                 6.1
p        3 passed, 1 skipped  3 passed, 1 FAILED
q        -                    3 passed, 1 skipped
time     3s                   3s
FAILED  6.1  p TestC
skipped, UNEXPLAINED not today
    6.1: q TestB
skipped, needs kernel 6.6: tcx links
    5.10: p TestB
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}
