//go:build linux

package sys

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMapFile(t *testing.T) {
	path := t.TempDir() + "/f"
	if err := os.WriteFile(path, []byte("mapped"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	size, err := FileSize(f)
	if err != nil || size != 6 {
		t.Fatalf("size %d, %v", size, err)
	}
	b, unmap, err := MapFile(f, int(size))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if string(b) != "mapped" {
		t.Errorf("%q", b)
	}
	unmap()
}

// TestIsTerminal has what is not a terminal; the scripts of cmd/bpfhost have one.
func TestIsTerminal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n := TerminalWidth(f); n != 0 {
		t.Errorf("a file has %d columns", n)
	}
	if IsTerminal(f) {
		t.Errorf("%s is a terminal", os.DevNull)
	}
}

func TestPollableCloseWakes(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	raw, err := r.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var p *os.File
	if err := raw.Control(func(fd uintptr) { p, err = Pollable(int(fd)) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := p.Read(make([]byte, 1))
		done <- err
	}()
	time.Sleep(time.Millisecond) // let it block; what is tested holds either way
	p.Close()
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("read: %v", err)
	}
}

func TestUname(t *testing.T) {
	release, version, err := Uname()
	if err != nil || !strings.Contains(release, ".") || version == "" {
		t.Errorf("%q, %q, %v", release, version, err)
	}
}
