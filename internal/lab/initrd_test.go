package lab

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// list reads an archive back: name, mode and size of each entry.
func list(t *testing.T, b []byte) []string {
	t.Helper()
	var out []string
	for len(b) >= 110 {
		var ino, mode, uid, gid, link, mtime, size, a, c, d, e, name, check int
		if _, err := fmt.Sscanf(string(b[:110]), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			&ino, &mode, &uid, &gid, &link, &mtime, &size, &a, &c, &d, &e, &name, &check); err != nil {
			t.Fatalf("header %q: %v", b[:110], err)
		}
		n := string(b[110 : 110+name-1])
		if n == "TRAILER!!!" {
			return out
		}
		out = append(out, fmt.Sprintf("%o %d %s", mode, size, n))
		at := (110 + name + 3) &^ 3
		b = b[at+(size+3)&^3:]
	}
	t.Fatal("the archive has no end")
	return nil
}

func TestArchive(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"d/x.txt": "hello", "d/y.go": "package y", ".git/z": "z"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	a := newArchive(&b)
	a.bytes("/init", 0o755, []byte("abc"))
	a.tree("/src", dir, keepFile)
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"100755 3 init", "40755 0 src", "40755 0 src/d", "100644 5 src/d/x.txt"}
	if d := cmp.Diff(want, list(t, b.Bytes())); d != "" {
		t.Error(d)
	}
}

func TestArchiveMissingFile(t *testing.T) {
	a := newArchive(new(bytes.Buffer))
	a.file("/x", filepath.Join(t.TempDir(), "missing"))
	if err := a.close(); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("got %v", err)
	}
	a = newArchive(new(bytes.Buffer))
	a.tree("/x", filepath.Join(t.TempDir(), "missing"), func(string, fs.DirEntry) bool { return true })
	if err := a.close(); err == nil {
		t.Error("a missing tree is not an error")
	}
}
