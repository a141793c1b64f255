package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestManualSuite runs the test of a policy that is in the manual.
func TestManualSuite(t *testing.T) {
	page, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml guard.test.yaml\npolicy:")
	text, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("docs/policy.md has no test of a policy")
	}
	dir := t.TempDir()
	copyFiles(t, "../../guests/pktguard/pktguard.*", dir)
	file := filepath.Join(dir, "guard.test.yaml")
	if err := os.WriteFile(file, []byte("policy:"+text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", dir)
	var out, diagnostics bytes.Buffer
	code := execute(context.Background(), []string{"policy", "test", file}, app{in: strings.NewReader(""), out: &out, err: &diagnostics})
	if want := file + ": 7 cases, all as expected\n"; code != 0 || out.String() != want || diagnostics.Len() != 0 {
		t.Errorf("exit code %d, %q, %q, want %q", code, out.String(), diagnostics.String(), want)
	}
}
