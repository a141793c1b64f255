//go:build linux

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// everything is a collection that goes through all steps of a load.
func everything(t *testing.T) *spec.Collection {
	t.Helper()
	c := counter()
	types, typed := typedProgram(t)
	c.BTF = types
	c.Programs = append(c.Programs, typed, program("next", asm.Mov64Imm(asm.R0, 2), asm.Exit()))
	c.Maps = append(c.Maps,
		&spec.Map{Name: "calls", Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 2, Values: []spec.MapValue{{Key: 1, Name: "next"}}},
		&spec.Map{Name: "outer", Type: spec.MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2,
			Inner: &spec.Map{Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}, Values: []spec.MapValue{{Name: "inner"}}},
		&spec.Map{Name: "inner", Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Pinning: spec.PinByName},
		&spec.Map{Name: "other", Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1, Pinning: spec.PinByName},
	)
	return c
}

// faults are what calls answer in tests.
var faults = []sys.Errno{sys.EPERM, sys.EINVAL, sys.ENOMEM, sys.ENOSPC}

// pinDirs are the kinds of directory that pins are made in, each in a new file system: the root of a
// mount, one that does not exist, an empty one, and one that has pins.
var pinDirs = map[string]func(t *testing.T) string{
	"root":    bpffs,
	"missing": func(t *testing.T) string { return bpffs(t) + "/pins" },
	"empty": func(t *testing.T) string {
		dir := bpffs(t) + "/pins"
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		return dir
	},
	"full": func(t *testing.T) string {
		dir := bpffs(t) + "/pins"
		loadT(t, shared("first", "second"), Options{PinDir: dir})
		return dir
	},
}

// eachCall calls f with one call to the kernel after the other failing, until f has made no more
// calls.
func eachCall(answer sys.Errno, f func(at int)) {
	for at := 1; ; at++ {
		calls := 0
		sys.Inject(func() sys.Errno {
			if calls++; calls == at {
				return answer
			}
			return 0
		})
		f(at)
		sys.Inject(nil)
		if calls < at {
			return
		}
	}
}

// quiet calls f without faults.
func quiet(f func()) {
	sys.Inject(nil)
	f()
}

// TestFaultAtEveryCall lets each call to the kernel fail in turn: what remains must be all or nothing.
func TestFaultAtEveryCall(t *testing.T) {
	needKernel(t)
	c := everything(t)
	c.Maps[len(c.Maps)-1].Name = "fault_alone"
	before := mapsNamed(t, "fault_alone")
	for kind, make := range pinDirs {
		for _, answer := range faults {
			if answer != sys.EPERM && (testing.Short() || answer != sys.EINVAL && kind != "full") {
				continue
			}
			failed, tree := 0, ""
			dir := make(t)
			empty, base := listing(t, dir), files(t, "/proc/self/fd")
			eachCall(answer, func(at int) {
				got, err := Load(c, Options{PinDir: dir})
				quiet(func() {
					if err == nil {
						tree = listing(t, dir)
						got.Close()
						for _, name := range []string{"inner", "fault_alone"} {
							if err := os.Remove(dir + "/" + name); err != nil {
								t.Error(err)
							}
						}
						if kind == "missing" {
							os.Remove(dir)
						}
						if strings.Contains(tree, "staging") {
							t.Errorf("%s, call %d, %v: %s", kind, at, answer, tree)
						}
					} else if failed++; !errors.Is(err, answer) {
						t.Errorf("%s, call %d: %v does not wrap %v", kind, at, err, answer)
					}
					if now := listing(t, dir); now != empty {
						t.Errorf("%s, call %d, %v: pins\n%sbefore\n%s(%v)", kind, at, answer, now, empty, err)
					}
					if now := files(t, "/proc/self/fd"); now != base {
						t.Errorf("%s, call %d, %v: descriptors %s, before %s (%v)", kind, at, answer, now, base, err)
					}
				})
			})
			if failed < 10 {
				t.Errorf("%s, %v: only %d loads failed", kind, answer, failed)
			}
		}
	}
	for try := 0; mapsNamed(t, "fault_alone") != before; try++ { // the kernel frees some a moment later
		if try == 100 {
			t.Fatalf("%d maps are left, %d before", mapsNamed(t, "fault_alone"), before)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// mapsNamed counts the maps in the kernel that have a name.
func mapsNamed(t *testing.T, name string) (n int) {
	t.Helper()
	for id := uint32(0); ; {
		next, err := sys.NextID(sys.Maps, id)
		if errors.Is(err, sys.ENOENT) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		id = next
		fd, err := sys.OpenID(sys.Maps, id)
		if err != nil {
			continue // gone
		}
		if i, err := sys.InfoOfMap(fd); err == nil && text(i.Name[:]) == name {
			n++
		}
		fd.Close()
	}
}

// listing lists all that is in a directory of a bpf file system, and in that which the directory is
// in if that is one, with what cannot be told from names: files by their inode.
func listing(t *testing.T, dir string) string {
	t.Helper()
	root := dir
	if filepath.Base(dir) == "pins" {
		root = filepath.Dir(dir)
	}
	var b strings.Builder
	err := filepath.WalkDir(root+"/.", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && path == root+"/." {
			return err
		}
		i, err := d.Info()
		if err == nil {
			inode := i.Sys().(*syscall.Stat_t).Ino
			if d.IsDir() { // it may be exchanged
				inode = 0
			}
			fmt.Fprintf(&b, "%s %v %d\n", strings.TrimPrefix(path, root+"/"), i.Mode(), inode)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestFewDescriptors lets every call from one on fail for want of descriptors: that is what the
// error says, whatever the kernel was asked for. Only when all is loaded and pinned, and nothing is
// left to do but to clean up, there is no error.
func TestFewDescriptors(t *testing.T) {
	needKernel(t)
	c := everything(t)
	defer sys.Inject(nil)
	for from := 1; ; from++ {
		dir, calls := bpffs(t), 0
		sys.Inject(func() sys.Errno {
			if calls++; calls >= from {
				return sys.EMFILE
			}
			return 0
		})
		got, err := Load(c, Options{PinDir: dir})
		sys.Inject(nil)
		if err == nil {
			got.Close()
			if names := files(t, dir); !strings.Contains(names, "inner ") || !strings.Contains(names, "other ") {
				t.Errorf("call %d: loaded, with the pins %s", from, names)
			}
			if calls < from {
				break
			}
			continue
		}
		var refused *VerifierError
		if !errors.Is(err, sys.EMFILE) || errors.As(err, &refused) || !strings.Contains(err.Error(), "ulimit -n") {
			t.Errorf("call %d: %v", from, err)
		}
	}
}
