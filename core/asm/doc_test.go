package asm

import (
	_ "embed"
	"strings"
	"testing"
)

//go:embed doc.go
var manual string

// TestManual reads the first column of the package comment's tables: it has to be what Parse takes,
// and, apart from numbers and names, what AppendText returns.
func TestManual(t *testing.T) {
	n := 0
	for line := range strings.Lines(manual) {
		text, ok := strings.CutPrefix(line, "//\t")
		if !ok {
			continue
		}
		n++
		text, _, _ = strings.Cut(strings.TrimSpace(text), "  ")
		l, err := Parse(text + "\nL1: exit")
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := l.Insns[0].String(); got != text && !strings.HasPrefix(text, "r1 = 0x") {
			t.Errorf("%q is printed as %q", text, got)
		}
	}
	if n < 25 {
		t.Errorf("found %d lines of syntax, want at least 25", n)
	}
}
