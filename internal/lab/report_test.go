package lab

import (
	"fmt"
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
	got := NewCell(Result{Exit: 1, Output: sampleOutput})
	want := Cell{Passed: 1, Failed: 2, Skipped: 2, Exit: 1, Failures: []Failure{{"TestC", ""}, {"TestC/sub", "    c_test.go:9: wrong\n"}}, Output: sampleOutput,
		Skips: []Skip{{"TestB", "needs kernel 6.6: tcx links"}, {"TestD", "not today"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTable(t *testing.T) {
	col := func(name string, cells map[string]Cell) Column {
		return Column{Kernel: name, Cells: cells, Boot: 1200 * time.Millisecond, Time: 3 * time.Second}
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
		{Column{Kernel: "7.x", Cells: map[string]Cell{"p": old}, Err: ErrMachine}, false},
	} {
		if c.col.OK() != c.ok {
			t.Errorf("%s: OK is %v", c.col.Kernel, !c.ok)
		}
	}
	var b strings.Builder
	if err := WriteTable(&b, []string{"p", "q"}, []Column{col("5.10", map[string]Cell{"p": old}),
		col("6.1", map[string]Cell{"p": {Passed: 3, Failed: 1, Exit: 1, Failures: []Failure{{Test: "TestC"}}}, "q": odd}), {Kernel: "7.x", Err: fmt.Errorf("boot: %w\nconsole", ErrMachine)}}); err != nil {
		t.Fatal(err)
	}
	want := `PACKAGE           5.10                 6.1                  7.x
p                 3 passed, 1 skipped  3 passed, 1 FAILED   -
q                 -                    3 passed, 1 skipped  -
first test after  1.2s                 1.2s                 0.0s
all after         3.0s                 3.0s                 0.0s
FAILED  6.1  p TestC
FAILED  7.x  boot: the virtual machine failed
skipped, UNEXPLAINED
    6.1: q TestB: not today
skipped, needs kernel 6.6
    5.10: p TestB: tcx links
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// TestInterleaved reads what parallel tests write: each line belongs to the test named last.
func TestInterleaved(t *testing.T) {
	got := NewCell(Result{Exit: 1, Output: `=== RUN   TestS
=== RUN   TestS/a
=== PAUSE TestS/a
=== RUN   TestS/b
=== PAUSE TestS/b
=== CONT  TestS/a
=== CONT  TestS/b
    s_test.go:5: needs kernel 6.6: tcx links
=== NAME  TestS/a
    s_test.go:7: first
        second
--- FAIL: TestS (0.00s)
    --- FAIL: TestS/a (0.00s)
    --- SKIP: TestS/b (0.00s)
`})
	got.Output = ""
	want := Cell{Failed: 2, Skipped: 1, Exit: 1, Skips: []Skip{{"TestS/b", "needs kernel 6.6: tcx links"}},
		Failures: []Failure{{"TestS", ""}, {"TestS/a", "    s_test.go:7: first\n        second\n"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestManySkips(t *testing.T) {
	many := Cell{Skipped: 7}
	for i := range 7 {
		many.Skips = append(many.Skips, Skip{fmt.Sprintf("TestC/%d", i), fmt.Sprintf("needs kernel 5.14: case %d (this is 5.10.0)", i)})
	}
	many.Skips = append(many.Skips, Skip{"TestD", ""}, Skip{"TestE", "it needs kernel 5.14"})
	var b strings.Builder
	writeSkips(&b, []Column{{Kernel: "5.10", Cells: map[string]Cell{"p": many}}})
	want := `skipped, UNEXPLAINED
    5.10: p TestD
    5.10: p TestE: it needs kernel 5.14
skipped, needs kernel 5.14
    5.10: p 7 tests, the first of them TestC/0: case 0
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// TestExplained knows the reasons of skips that no kernel can be blamed for.
func TestExplained(t *testing.T) {
	for reason, want := range map[string]bool{
		"needs kernel 6.6: TCX links (this is 6.1)":      true,
		"needs corpus: BPFHOST_CORPUS is not set":        true,
		"needs time: it takes as long as the scripts do": true,
		"needs guests: exec: \"clang++-19\": not found":  true,
		"needs kernel: operation not permitted":          false,
		"it takes as long as the scripts do":             false,
		"needs bpf":                                      false,
	} {
		if got := (Skip{"TestA", reason}).Explained(); got != want {
			t.Errorf("%q: %v, want %v", reason, got, want)
		}
	}
}
