package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// TestManual runs the examples of docs/simulate.md: each line with a $ is a command, and the lines after
// it are its output.
func TestManual(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Chdir("../..")
	page, err := os.ReadFile("docs/simulate.md")
	if err != nil {
		t.Fatal(err)
	}
	const indent = "    "
	commands := 0
	lines := strings.Split(string(page), "\n")
	for i := 0; i < len(lines); i++ {
		if name, ok := strings.CutPrefix(lines[i], "`docs/"); ok { // a file, after an empty line
			name, _, _ = strings.Cut(name, "`")
			file, err := os.ReadFile("docs/" + name)
			if want := strings.TrimPrefix(lines[i+2], indent) + "\n"; err != nil || string(file) != want {
				t.Errorf("docs/%s is not as the page shows it (%v)", name, err)
			}
		}
		command, ok := strings.CutPrefix(lines[i], indent+"$ bpfhost ")
		if !ok {
			continue
		}
		commands++
		var want strings.Builder
		for ; strings.HasPrefix(lines[i+1], indent); i++ {
			want.WriteString(strings.TrimPrefix(lines[i+1], indent) + "\n")
		}
		var out, diagnostics bytes.Buffer
		code := execute(context.Background(), strings.Fields(command), app{out: &out, err: &diagnostics})
		if code != 0 || out.String() != want.String() {
			t.Errorf("bpfhost %s\nexit code %d, output\n%sinstead of\n%s%s", command, code, out.String(), want.String(), diagnostics.String())
		}
	}
	if commands == 0 {
		t.Error("docs/simulate.md has no examples")
	}
}
