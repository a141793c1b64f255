//go:build linux

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/host/backend"
	"github.com/bpfhost/bpfhost/internal/sys"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

func TestMakePinRoots(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		make func(root string)
		made int    // directories
		want string // the end of the error; empty is none
	}{
		{"nothing there", func(string) {}, 1, ""},
		{"the root is there", func(r string) { must(os.Mkdir(r, 0o700)) }, 0, ""},
		{"both are there", func(r string) { must(os.MkdirAll(r+"/owner", 0o755)) }, 0, ""},
		{"a file system that cannot have them", func(r string) { must(os.Remove(filepath.Dir(r))) }, 0, ""},
		{"the root is a link", func(r string) { must(os.Symlink(t.TempDir(), r)) }, 0, "pins: it is not a directory; remove it"},
		{"the owner's is a link", func(r string) { must(os.Mkdir(r, 0o700)); must(os.Symlink(t.TempDir(), r+"/owner")) }, 0,
			"owner: it is not a directory; remove it"},
		{"others can write", func(r string) { must(os.Mkdir(r, 0o700)); must(os.Chmod(r, 0o777)) }, 0,
			"pins: it can be written by others (mode 0777); remove it"},
		{"a sticky root", func(r string) { must(os.Mkdir(r, 0o700)); must(os.Chmod(r, 0o777|os.ModeSticky)) }, 0, ""},
		{"a sticky directory of an owner", func(r string) { must(os.MkdirAll(r+"/owner", 0o700)); must(os.Chmod(r+"/owner", 0o777|os.ModeSticky)) }, 0,
			"owner: it can be written by others (mode 0777); remove it"},
		{"another user's", func(r string) { must(os.Mkdir(r, 0o700)); must(os.Chown(r, 65534, 65534)) }, 0,
			"pins: it belongs to another user; remove it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if strings.HasPrefix(tt.name, "another user") && os.Geteuid() != 0 {
				testenv.Skip(t, testenv.Kernel, "only root can give a directory away")
			}
			root := filepath.Join(t.TempDir(), "bpf", "pins")
			must(os.Mkdir(filepath.Dir(root), 0o700))
			tt.make(root)
			made, err := makePinRoots(map[string]string{"a": root + "/owner/a", "b": root + "/owner/b"})
			if err != nil && (tt.want == "" || !strings.HasSuffix(err.Error(), tt.want)) || err == nil && tt.want != "" || len(made) != tt.made {
				t.Errorf("made %v, error %v; want %d and %q", made, err, tt.made, tt.want)
			}
			for _, dir := range made {
				if i, err := os.Lstat(dir); err != nil || i.Mode().Perm() != 0o700 {
					t.Errorf("%s: %v, %v", dir, i, err)
				}
			}
			removeEmpty(made)
			for _, dir := range made {
				if _, err := os.Lstat(dir); err == nil {
					t.Errorf("%s is left", dir)
				}
			}
		})
	}
}

// TestFailedLoadLeavesNoPinDirs pins where there is no bpf file system.
func TestFailedLoadLeavesNoPinDirs(t *testing.T) {
	newNet(t) // skips where this process may not load
	root := filepath.Join(t.TempDir(), "pins")
	k := newKernelBackend(Config{})
	defer k.Close()
	c := &spec.Collection{Maps: []*spec.Map{{Name: "m", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Pinning: spec.PinByName}}}
	loaded, err := k.Load(c, backend.LoadOptions{Pins: map[string]string{"m": root + "/owner/m"}})
	if err == nil {
		loaded.Close()
		t.Fatal("pinned outside of a bpf file system")
	}
	if _, err := os.Lstat(root); !os.IsNotExist(err) {
		t.Errorf("%s is left (%v)", root, err)
	}
}

// TestRunPins loads two objects with pins, as a run does: nobody sees a pin before all is up, and where
// the second object cannot be loaded none is left, nor a directory.
func TestRunPins(t *testing.T) {
	newNet(t) // skips where this process may not load
	fs, err := sys.Mount("bpf")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	raw, err := fs.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Release()
	root := fmt.Sprintf("/proc/self/fd/%d/pins", raw)
	k := newKernelBackend(Config{})
	defer k.Close()
	pinned := func(name string, size uint32) *spec.Collection {
		return &spec.Collection{Maps: []*spec.Map{{Name: name, Type: spec.MapArray, KeySize: 4, ValueSize: size, MaxEntries: 1, Pinning: spec.PinByName}}}
	}
	load := func(p backend.Publication, c *spec.Collection) error {
		name := c.Maps[0].Name
		loaded, err := k.Load(c, backend.LoadOptions{Pins: map[string]string{name: root + "/owner/" + name}, Publication: p})
		if err == nil {
			t.Cleanup(func() { loaded.Close() })
		}
		return err
	}
	for _, fails := range []bool{true, false} {
		p := k.NewPublication(t.Context())
		second := pinned("b", 4)
		if fails {
			second = pinned("b", 1<<31) // too large for a value
		}
		if err := load(p, pinned("a", 4)); err != nil {
			t.Fatal(err)
		}
		if err := load(p, second); (err != nil) != fails {
			t.Fatalf("second object: %v", err)
		}
		if there, err := k.Pinned(root + "/owner"); there || err != nil {
			t.Errorf("pins are there before the run is up: %v", err)
		}
		if !fails {
			if err := p.Publish(); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		_, err := os.Lstat(root)
		if fails != os.IsNotExist(err) {
			t.Errorf("the run failed: %t, the root of pins: %v", fails, err)
		}
	}
	names, err := os.ReadDir(root + "/owner")
	if all, _ := os.ReadDir(root); err != nil || len(names) != 2 || len(all) != 1 {
		t.Errorf("pinned: %v, %v, in %v", names, err, all)
	}
}
