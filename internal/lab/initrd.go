package lab

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// archive writes the initial RAM disk: a cpio archive in the "newc" format
// (Documentation/driver-api/early-userspace/buffer-format.rst of the kernel).
type archive struct {
	w    *bufio.Writer
	n    int64 // bytes written
	ino  int
	dirs map[string]bool
	err  error // the first failure; later calls do nothing
}

func newArchive(w io.Writer) *archive {
	return &archive{w: bufio.NewWriterSize(w, 1<<16), dirs: map[string]bool{".": true, "/": true}}
}

const (
	modeDir  = 0o040000
	modeFile = 0o100000
)

// entry writes one header; the caller writes size bytes and pads.
func (a *archive) entry(name string, mode uint32, size int64) {
	a.ino++
	a.printf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.ino, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0, name)
	a.pad()
}

func (a *archive) printf(format string, args ...any) {
	if a.err == nil {
		var n int
		n, a.err = fmt.Fprintf(a.w, format, args...)
		a.n += int64(n)
	}
}

func (a *archive) pad() {
	a.printf("%s", "\x00\x00\x00\x00"[:-a.n&3])
}

// dir adds a folder and those above it.
func (a *archive) dir(name string) {
	name = strings.Trim(path.Clean(name), "/")
	if name == "" || a.dirs[name] {
		return
	}
	a.dirs[name] = true
	a.dir(path.Dir(name))
	a.entry(name, modeDir|0o755, 0)
}

func (a *archive) bytes(name string, perm uint32, b []byte) {
	a.dir(path.Dir(name))
	a.entry(strings.TrimPrefix(name, "/"), modeFile|perm, int64(len(b)))
	a.printf("%s", b)
	a.pad()
}

// file adds a file of this machine under another name, keeping whether it can be executed.
func (a *archive) file(name, from string) {
	if a.err != nil {
		return
	}
	f, err := os.Open(from)
	if err != nil {
		a.err = err
		return
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		a.err = err
		return
	}
	a.dir(path.Dir(name))
	a.entry(strings.TrimPrefix(name, "/"), modeFile|uint32(st.Mode().Perm()), st.Size())
	n, err := io.CopyN(a.w, f, st.Size())
	a.n += n
	if a.err == nil && err != nil {
		a.err = fmt.Errorf("copy %s: %w", from, err)
	}
	a.pad()
}

// add adds a file, or a folder with all that is in it; of a name that was added before, the first
// counts.
func (a *archive) add(name, from string) {
	st, err := os.Stat(from)
	switch {
	case a.err != nil || a.dirs[name]:
	case err != nil:
		a.err = err
	case st.IsDir():
		a.tree(name, from, func(string, fs.DirEntry) bool { return true })
		a.dirs[name] = true
	default:
		a.file(name, from)
		a.dirs[name] = true
	}
}

// tree adds the files below a folder that keep accepts.
func (a *archive) tree(name, from string, keep func(rel string, d fs.DirEntry) bool) {
	if a.err != nil {
		return
	}
	var files []string
	err := filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		switch {
		case err != nil:
			return err
		case d.IsDir() && rel != "." && !keep(rel, d):
			return fs.SkipDir
		case d.Type().IsRegular() && keep(rel, d):
			files = append(files, rel)
		}
		return nil
	})
	if err != nil {
		a.err = fmt.Errorf("list %s: %w", from, err)
	}
	slices.Sort(files)
	for _, rel := range files {
		a.file(path.Join(name, filepath.ToSlash(rel)), filepath.Join(from, rel))
	}
}

func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, 0)
	if a.err == nil {
		a.err = a.w.Flush()
	}
	return a.err
}
