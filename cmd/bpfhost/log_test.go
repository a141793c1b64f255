package main

import (
	"strings"
	"testing"
)

func TestLog(t *testing.T) {
	var b strings.Builder
	l := newLog(&b, false)
	l.Debug("not shown")
	l.Info("loaded", "maps", 3)
	l.With("plugin", "a\x1b[2J").Warn("two\nlines", "err", "x")
	newLog(&b, true).Debug("shown")
	want := `bpfhost: loaded maps=3
bpfhost: plugin a\x1b[2J: warning: two\nlines err=x
bpfhost: debug: shown
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
