package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestClearReady holds that only what an earlier run left is removed.
func TestClearReady(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	tests := []struct {
		file   string
		fails  bool
		exists bool // afterwards
	}{
		{filepath.Join(dir, "none"), false, false},
		{write("left", ""), false, false},
		{write("precious", "text"), true, true},
		{dir, true, true},
	}
	for _, tt := range tests {
		l := life{ready: tt.file}
		if err := l.clearReady(); (err != nil) != tt.fails {
			t.Errorf("%s: %v", tt.file, err)
		}
		if _, err := os.Stat(tt.file); (err == nil) != tt.exists {
			t.Errorf("%s exists: %v", tt.file, err == nil)
		}
	}
}
