package main

import (
	"context"
	"io"
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
		t.Errorf("stdin reads as %q, %v", b, err)
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

// TestReadInterrupted reads what says nothing, as a terminal does.
func TestReadInterrupted(t *testing.T) {
	silent, end := io.Pipe()
	defer end.Close()
	var errs strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := execute(ctx, []string{"inspect", "-", "-"}, app{in: silent, out: io.Discard, err: &errs}); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	if got := errs.String(); got != "bpfhost: "+errInterrupted.Error()+"\n" {
		t.Errorf("says %q", got)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name, link := filepath.Join(dir, "a.o"), filepath.Join(dir, "link.o")
	if err := os.Symlink("a.o", link); err != nil {
		t.Fatal(err)
	}
	var a app
	for i, to := range []string{name, name, link} {
		text := strings.Repeat("x", 3-i)
		if err := a.writeFile(to, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(name); err != nil || string(b) != text {
			t.Errorf("%q, %v", b, err)
		}
		if i == 0 {
			if err := os.Chmod(name, 0o640); err != nil {
				t.Fatal(err)
			}
		}
	}
	if st, err := os.Lstat(name); err != nil || st.Mode() != 0o640 {
		t.Errorf("mode %v, %v: that of the file before is kept", st.Mode(), err)
	}
	if st, err := os.Lstat(link); err != nil || st.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became something else: %v, %v", st.Mode(), err)
	}
	for to, want := range map[string]string{
		dir:                             "write " + dir + ": is a directory",
		filepath.Join(dir, "none", "x"): "write " + filepath.Join(dir, "none", "x") + ": no such file or directory",
	} {
		if err := a.writeFile(to, []byte("x")); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
		t.Errorf("left over: %v, %v", list, err)
	}
}
