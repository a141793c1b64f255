package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// example is a command of a manual, and what it prints where the manual shows that.
type example struct {
	command string
	shown   []string // lines; nil is not shown
}

// manual is what a page shows: files, and commands in their order.
type manual struct {
	files    map[string]string
	examples []example
}

var (
	fence       = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")
	commandSpan = regexp.MustCompile("`(bpfhost [^`]*)`")
)

// readManual reads a page. Its blocks are "yaml FILE" or "console", where commands follow a dollar.
// Commands in backquotes are examples too.
func readManual(t *testing.T, page string) manual {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	m := manual{files: map[string]string{}}
	text, at := string(b), 0
	spans := func(prose string) {
		for _, s := range commandSpan.FindAllStringSubmatch(prose, -1) {
			if !strings.Contains(s[1], "CLASS") { // which stands for one of several
				m.examples = append(m.examples, example{command: s[1]})
			}
		}
	}
	for _, f := range fence.FindAllStringSubmatchIndex(text, -1) {
		spans(text[at:f[0]])
		at = f[1]
		kind, body := text[f[2]:f[3]], text[f[4]:f[5]]
		name, isFile := strings.CutPrefix(kind, "yaml ")
		switch {
		case isFile:
			m.files[name] = body
		case kind == "console" && strings.HasPrefix(body, "$ "):
			for _, one := range strings.Split(body[2:], "\n$ ") {
				command, shown, _ := strings.Cut(strings.TrimSuffix(one, "\n"), "\n")
				m.examples = append(m.examples, example{command, strings.Split(shown, "\n")})
			}
		default:
			t.Errorf("%s: a block %q is neither a file nor commands", page, kind)
		}
	}
	spans(text[at:])
	return m
}

// elided matches what is left out of what is shown: "…" is part of a line, or any lines.
func elided(shown string) *regexp.Regexp {
	var b strings.Builder
	for _, line := range strings.Split(shown, "\n") {
		switch line {
		case "…":
			b.WriteString(`(?:.*\n)*?`)
		case "":
		default:
			b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + `\n`)
		}
	}
	return regexp.MustCompile(`^` + b.String() + `$`)
}

// TestPolicyManual runs every example of docs/policy.md in a directory with its files and the plugins,
// and compares what they print. A command fails if and only if the last line shown is its error.
func TestPolicyManual(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		testenv.Skip(t, testenv.Packages, "sh is not installed")
	}
	m := readManual(t, "../../docs/policy.md")
	dir, cache := t.TempDir(), filepath.Join(t.TempDir(), "cache")
	if err := os.Mkdir(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*/*.wasm", "*/*.bpf.o"} {
		copyFiles(t, filepath.Join("../../guests", pattern), dir)
	}
	key, actual := regexp.MustCompile(`ed25519:[A-Za-z0-9+/]{43}=`), ""
	made := func(text string) string { // with the key that was made in the place of the one that is shown
		if actual == "" {
			return text
		}
		return key.ReplaceAllLiteralString(text, actual)
	}
	for _, e := range m.examples {
		for name, text := range m.files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(made(text)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("sh", "-c", e.command)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "XDG_CACHE_HOME="+cache)
		out, err := cmd.CombinedOutput()
		if fails := e.shown != nil && strings.HasPrefix(e.shown[len(e.shown)-1], "bpfhost: "); (err != nil) != fails {
			t.Errorf("%s: %v\n%s", e.command, err, out)
		}
		if strings.Contains(e.command, "--new") {
			actual = key.FindString(string(out))
		}
		if shown := made(strings.Join(e.shown, "\n")); e.shown != nil && !elided(shown).Match(out) {
			t.Errorf("%s: got\n%s\nwant\n%s", e.command, out, shown)
		}
	}
	if len(m.examples) < 15 || len(m.files) < 4 || actual == "" {
		t.Errorf("%d examples, %d files, key %q", len(m.examples), len(m.files), actual)
	}
}
