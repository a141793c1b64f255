//go:build linux

package sys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestFileSystem reads from file systems that are not mounted where they are said to be.
func TestFileSystem(t *testing.T) {
	empty := t.TempDir()
	if err := os.Mkdir(filepath.Join(empty, "kernel"), 0o700); err != nil {
		t.Fatal(err)
	}
	for file, s := range map[string]FileSystem{
		"events/sched/sched_switch/id": Tracefs,
		"kernel/mm/hugepages":          Sysfs,
		"devices/system/cpu/possible":  Sysfs,
	} {
		s.Roots = []string{empty}
		f, err := s.Open(file)
		if errors.Is(err, ErrNotMounted) {
			testenv.Skip(t, testenv.Kernel, err.Error())
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		f.Close()
		if _, err := s.Open("nosuch/file"); !errors.Is(err, ENOENT) {
			t.Errorf("%s: a file that does not exist: %v", s.Type, err)
		}
	}
	s := Sysfs
	s.Roots = []string{empty}
	if b, err := s.ReadFile("devices/system/cpu/possible"); err != nil || !strings.HasPrefix(string(b), "0") {
		t.Errorf("read %q, %v", b, err)
	}
	if names, err := s.ReadDir("kernel"); err != nil || !slices.Contains(names, "mm") {
		t.Errorf("list %q, %v", names, err)
	}
	if s.Holds(empty + "/x/y") {
		t.Error("a temporary directory is taken for sysfs")
	}
}

func TestMountError(t *testing.T) {
	s := FileSystem{Type: "nosuchfs", Roots: []string{t.TempDir()}}
	_, err := s.ReadFile("x")
	want := "nosuchfs is not mounted at " + s.Roots[0] + ", and cannot be for this process alone: " + ENODEV.Error() +
		"; run: mount -t nosuchfs nosuchfs " + s.Roots[0]
	if !errors.Is(err, ErrNotMounted) || errors.Is(err, ErrNotSupported) || !errors.Is(err, ENODEV) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := error(&MountError{Type: "bpf", Root: "/r", Err: EPERM}); errors.Is(err, fs.ErrPermission) || !errors.Is(err, EPERM) {
		t.Errorf("%#v is about rights", err)
	}
	if got := (&MountError{Type: "bpf", Root: "/r"}).Error(); got != "bpf is not mounted at /r; run: mount -t bpf bpf /r" {
		t.Error(got)
	}
}
