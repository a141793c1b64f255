package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// TestManual runs the examples of manuals: each line with a $ is a command, and the lines after it are
// its output. A command that shows differences ends with their exit code.
func TestManual(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Chdir("../..")
	for _, name := range []string{"simulate", "compare", "test"} {
		t.Run(name, func(t *testing.T) { runManual(t, "docs/"+name+".md") })
	}
}

func runManual(t *testing.T, manual string) {
	page, err := os.ReadFile(manual)
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
		for ; outputLine(lines[i+1:], indent); i++ {
			want.WriteString(strings.TrimPrefix(lines[i+1], indent) + "\n")
		}
		var out, diagnostics bytes.Buffer
		code := execute(context.Background(), strings.Fields(command), app{out: &out, err: &diagnostics})
		if *update && out.String() != want.String() {
			page = bytes.Replace(page, []byte(indented(want.String(), indent)), []byte(indented(out.String(), indent)), 1)
			if err := os.WriteFile(manual, page, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if code != 0 && code != exitDiffer || out.String() != want.String() {
			t.Errorf("bpfhost %s\nexit code %d, output\n%sinstead of\n%s%s", command, code, out.String(), want.String(), diagnostics.String())
		}
	}
	if commands == 0 {
		t.Errorf("%s has no examples", manual)
	}
}

// outputLine reports whether the first line is output: indented, or empty with output after it.
func outputLine(lines []string, indent string) bool {
	if lines[0] == "" && len(lines) > 1 {
		lines = lines[1:]
	}
	return strings.HasPrefix(lines[0], indent) && !strings.HasPrefix(lines[0], indent+"$")
}

// indented is a text whose lines begin with an indentation.
func indented(text, indent string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString(indent)
		}
		b.WriteString(line)
	}
	return b.String()
}
