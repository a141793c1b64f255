//go:build linux

package loader

import (
	"errors"
	"os"
	"reflect"
	"testing"

	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// TestLeftovers makes what a process leaves that is killed, at each moment of a publication.
func TestLeftovers(t *testing.T) {
	needKernel(t)
	const stage = "bpfhost-staging-app"
	m := loadT(t, shared("x"), Options{PinDir: bpffs(t)}).Map("x")
	for _, tt := range []struct {
		name  string
		dirs  []string
		pins  []string
		links [][2]string
		found []string // pins that are removed
		old   bool
		left  string
	}{
		{name: "locked", dirs: []string{stage}},
		{name: "nobody has seen it", dirs: []string{stage, stage + "/new"}, pins: []string{stage + "/new/a", stage + "/new/b"},
			found: []string{stage + "/new/a", stage + "/new/b"}},
		{name: "published", dirs: []string{"app", stage}, pins: []string{"app/a"}, left: "app app/a "},
		{name: "merged", dirs: []string{"app", stage, stage + "/new"}, pins: []string{"app/a", "app/b"}, links: [][2]string{{"app/a", stage + "/new/a"}},
			found: []string{stage + "/new/a"}, left: "app app/a app/b "},
		{name: "a part is linked", dirs: []string{"app", stage, stage + "/add"}, pins: []string{"app/old", stage + "/add/a", stage + "/add/b", stage + "/add/c", "app/c"},
			links: [][2]string{{stage + "/add/a", "app/a"}}, found: []string{stage + "/add/a", stage + "/add/b", stage + "/add/c", "app/a"}, left: "app app/c app/old "},
		{name: "all are linked", dirs: []string{"app", stage, stage + "/add"}, pins: []string{stage + "/add/a", stage + "/add/b"},
			links: [][2]string{{stage + "/add/a", "app/a"}, {stage + "/add/b", "app/b"}}, found: []string{stage + "/add/a", stage + "/add/b"}, left: "app app/a app/b "},
		{name: "taken away to be replaced", dirs: []string{stage, stage + "/old", stage + "/new"}, pins: []string{stage + "/old/a", stage + "/new/b"},
			found: []string{stage + "/new/b"}, old: true, left: "app app/a "},
		{name: "replaced", dirs: []string{"app", stage, stage + "/old"}, pins: []string{stage + "/old/a", "app/b"}, found: []string{stage + "/old/a"}, left: "app app/b "},
		{name: "in the root", dirs: []string{"bpfhost-staging", "bpfhost-staging/add"}, pins: []string{"bpfhost-staging/add/a", "bpfhost-staging/add/b"},
			links: [][2]string{{"bpfhost-staging/add/a", "a"}}, found: []string{"bpfhost-staging/add/a", "bpfhost-staging/add/b", "a"}},
	} {
		root := bpffs(t)
		var err error
		for _, d := range tt.dirs {
			err = errors.Join(err, os.Mkdir(root+"/"+d, 0o700))
		}
		for _, p := range tt.pins {
			err = errors.Join(err, sys.Pin(m.fd, root+"/"+p))
		}
		for _, l := range tt.links {
			err = errors.Join(err, os.Link(root+"/"+l[0], root+"/"+l[1]))
		}
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		before := listing(t, root)
		want := Leftover{Path: root + "/" + stage, Folder: root + "/app", Old: tt.old}
		if tt.name == "in the root" {
			want.Path, want.Folder = root+"/bpfhost-staging", root
		}
		for _, p := range tt.found {
			want.Pins = append(want.Pins, root+"/"+p)
		}
		got, err := Leftovers(root)
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, got, err, want)
		}
		if listing(t, root) != before {
			t.Errorf("%s: to list it changes it", tt.name)
		}
		if got, err = RemoveLeftovers(root); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s: removed %+v, %v, want %+v", tt.name, got, err, want)
		}
		if left := tree(t, root); left != tt.left {
			t.Errorf("%s: left %s, want %s", tt.name, left, tt.left)
		}
	}
}

// tree lists the paths in a directory, but what some kernels put there.
func tree(t *testing.T, root string) (all string) {
	t.Helper()
	names, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if n.Name() == "maps.debug" || n.Name() == "progs.debug" {
			continue
		}
		all += n.Name() + " "
		if n.IsDir() {
			below, err := os.ReadDir(root + "/" + n.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range below {
				all += n.Name() + "/" + b.Name() + " "
			}
		}
	}
	return all
}

// TestLeftoversOfOthers leaves alone what is in use, or another user's.
func TestLeftoversOfOthers(t *testing.T) {
	needKernel(t)
	root := bpffs(t)
	p := NewPublication(t.Context())
	defer p.Close()
	loadT(t, shared("a"), Options{PinDir: root + "/app", Publication: p})
	if got, err := RemoveLeftovers(root); err != nil || got != nil {
		t.Errorf("in use: %+v, %v", got, err)
	}
	if err := p.Publish(); err != nil {
		t.Error(err)
	}
	stage := root + "/bpfhost-staging-other"
	if err := errors.Join(os.Mkdir(stage, 0o700), os.Mkdir(stage+"/old", 0o700)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(stage, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if got, err := RemoveLeftovers(root); err != nil || got != nil {
			t.Errorf("of another user: %+v, %v", got, err)
		}
		_, err := Load(shared("a"), Options{PinDir: root + "/other"})
		if want := "pin maps in " + root + "/other: " + stage + " belongs to another user: remove it"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if err := os.Chown(stage, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(stage + "/old"); err != nil {
		t.Fatal(err)
	}
	loadT(t, shared("a"), Options{PinDir: root + "/other"}) // which removes it
	if err := os.Mkdir(stage, 0o700); err != nil {
		t.Fatal(err)
	}
	loadT(t, shared("a"), Options{PinDir: root + "/other"}) // which makes no pin
	if _, err := os.Lstat(stage); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", stage, err)
	}
	for _, dir := range []string{t.TempDir(), root + "/none"} {
		if _, err := Leftovers(dir); !errors.Is(err, kernel.ErrNotMounted) && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
