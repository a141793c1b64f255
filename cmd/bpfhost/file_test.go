package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, maxFile+1); err != nil {
		t.Fatal(err)
	}
	a := app{in: strings.NewReader("from stdin")}
	b, err := a.readFile("-")
	if string(b) != "from stdin" || err != nil {
		t.Errorf("stdin gives %q, %v", b, err)
	}
	tests := []struct{ name, want string }{
		{dir, "read " + dir + ": this is a directory, not a file"},
		{filepath.Join(dir, "none"), "read " + filepath.Join(dir, "none") + ": no such file or directory"},
		{big, "read " + big + ": it is larger than 64 MiB"},
	}
	for _, tt := range tests {
		_, err := a.readFile(tt.name)
		if !isA[*inputError](err) || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.want)
		}
	}
}

// endless never ends, as /dev/zero does.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func TestReadEndless(t *testing.T) {
	a := app{in: endless{}}
	if b, err := a.readFile("-"); err == nil {
		t.Errorf("%d bytes were read of an endless input", len(b))
	}
}
