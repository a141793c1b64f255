//go:build linux

package sys

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/bpfhost/bpfhost/internal/testenv"
)

// bpffs makes a bpf file system that is mounted nowhere, with a map pinned as "a" in it.
func bpffs(t *testing.T) (root *FD, path string) {
	t.Helper()
	m := testMap(t)
	root, err := Mount("bpf")
	if errors.Is(err, fs.ErrPermission) {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	path = fmt.Sprintf("/proc/self/fd/%d", root.raw)
	if err := Pin(m, path+"/a"); err != nil {
		t.Fatal(err)
	}
	return root, path
}

// TestDirOnBpffs is what publishing pins relies on of a bpf file system.
func TestDirOnBpffs(t *testing.T) {
	root, path := bpffs(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what string, err error, want Errno) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	open := func(name string) *FD {
		t.Helper()
		d, err := OpenDirAt(root, name)
		must(err)
		t.Cleanup(func() { d.Close() })
		return d
	}
	if r, err := OpenDir(path); err != nil || !BPFfs.HoldsFile(r) {
		t.Errorf("%s: %v, or not a bpf file system", path, err)
	} else {
		r.Close()
	}
	must(MkdirAt(root, "x", 0o700))
	must(MkdirAt(root, "y", 0o700))
	x, y := open("x"), open("y")
	refused("mkdir with a dot", MkdirAt(root, "x.y", 0o700), EPERM)

	// A pin has several names, none of which takes another's place.
	must(LinkAt(root, "a", x, "b"))
	refused("link to a name that is taken", LinkAt(root, "a", x, "b"), EEXIST)
	refused("link of a directory", LinkAt(root, "x", y, "x"), EPERM)
	a, err := StatAt(root, "a")
	must(err)
	b, err := StatAt(x, "b")
	must(err)
	if !a.Same(b) || a.IsDir() || a.Inode == 0 {
		t.Errorf("two names of a pin: %+v and %+v", a, b)
	}
	refused("move onto a pin", RenameAt(root, "a", x, "b", RenameNew), EEXIST)

	// A folder with pins takes the place of none or of an empty one.
	must(RenameAt(root, "x", root, "z", RenameNew))
	refused("move onto a folder", RenameAt(root, "z", root, "y", RenameNew), EEXIST)
	must(RenameAt(root, "z", root, "y", RenameReplace))
	must(MkdirAt(root, "x", 0o750))
	x = open("x")
	must(LinkAt(root, "a", x, "c"))
	if err := RenameAt(root, "x", root, "y", RenameReplace); err == nil {
		t.Error("a folder took the place of one with pins")
	}
	switch err := RenameAt(root, "x", root, "y", RenameExchange); {
	case errors.Is(err, EINVAL): // before Linux 5.16
		t.Log("no exchange")
	case err != nil:
		t.Errorf("exchange: %v", err)
	default:
		now := open("y")
		if names, err := ListDir(now); err != nil || !slices.Equal(names, []string{"c"}) {
			t.Errorf("after the exchange: %q, %v", names, err)
		}
	}
	like, err := StatAt(x, "")
	must(err)
	if like.Mode&0o777 != 0o750 || !like.IsDir() {
		t.Errorf("mode %o", like.Mode)
	}
	must(SetOwnerAt(root, "y", FileID{Mode: 0o711, UID: like.UID, GID: like.GID}))
	if now, _ := StatAt(root, "y"); now.Mode&0o777 != 0o711 || now.Mount != like.Mount {
		t.Errorf("like %+v: %+v", like, now)
	}

	// A lock ends with its descriptor.
	y2, err := OpenDirAt(y, ".")
	must(err)
	must(TryLock(y))
	refused("a second lock", TryLock(y2), EAGAIN)
	y.Close()
	must(TryLock(y2))
	y2.Close()

	refused("remove a folder with pins", RmdirAt(root, "x"), ENOTEMPTY)
	refused("remove a folder as a file", UnlinkAt(root, "x"), EISDIR)
	_, err = OpenDirAt(root, "a")
	refused("open a pin as a directory", err, ENOTDIR)
}
