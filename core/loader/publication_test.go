//go:build linux

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// idAt returns the id of the map that is pinned to a path; 0 is none.
func idAt(t *testing.T, path string) uint32 {
	t.Helper()
	fd, err := sys.OpenPin(path)
	if errors.Is(err, sys.ENOENT) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	i, err := sys.InfoOfMap(fd)
	if err != nil {
		t.Fatal(err)
	}
	return i.ID
}

// TestPublication lets two loads make pins together, which nobody sees before, and takes them back.
func TestPublication(t *testing.T) {
	needKernel(t)
	for kind, dirOf := range pinDirs {
		dir := dirOf(t)
		before := listing(t, dir)
		p := NewPublication(t.Context())
		o := Options{PinDir: dir, Publication: p}
		one := loadT(t, shared("a", "b"), o)
		two := loadT(t, shared("b", "c"), o)
		if idOf(t, one.Map("b")) != idOf(t, two.Map("b")) {
			t.Errorf("%s: the second load has another map b", kind)
		}
		if idAt(t, dir+"/a") != 0 {
			t.Errorf("%s: a is there before it is published", kind)
		}
		if err := p.Publish(); err != nil {
			t.Fatal(err)
		}
		for _, m := range []*Map{one.Map("a"), one.Map("b"), two.Map("c")} {
			if idAt(t, dir+"/"+m.Name()) != idOf(t, m) {
				t.Errorf("%s: %s is not pinned", kind, m.Name())
			}
		}
		if kind == "full" && (idAt(t, dir+"/first") == 0 || idAt(t, dir+"/second") == 0) {
			t.Error("what was there before is gone")
		}
		// Somebody puts another map in the place of b: that one stays.
		other := loadT(t, shared("x"), Options{PinDir: bpffs(t)}).Map("x")
		if err := errors.Join(os.Remove(dir+"/b"), sys.Pin(other.fd, dir+"/b")); err != nil {
			t.Fatal(err)
		}
		p.Revert()
		p.Close()
		if idAt(t, dir+"/b") != idOf(t, other) {
			t.Errorf("%s: the pin of another is gone", kind)
		}
		os.Remove(dir + "/b")
		if kind == "missing" {
			os.Remove(dir)
		}
		if now := listing(t, dir); now != before {
			t.Errorf("%s: after Revert\n%sbefore\n%s", kind, now, before)
		}
	}
}

// TestPublicationCloses drops what was not published.
func TestPublicationCloses(t *testing.T) {
	needKernel(t)
	dir := bpffs(t) + "/pins"
	before := listing(t, dir)
	p := NewPublication(t.Context())
	c := loadT(t, shared("a", "b"), Options{PinDir: dir, Publication: p})
	p.Close()
	p.Close()
	if err := p.Publish(); err != nil || idAt(t, dir+"/a") != 0 {
		t.Errorf("published after Close: %v", err)
	}
	if now := listing(t, dir); now != before {
		t.Errorf("left: %s", now)
	}
	loadT(t, shared("a"), Options{PinDir: dir, Publication: p}) // begins anew
	p.Close()
	c.Close()
	p = NewPublication(t.Context())
	defer p.Close()
	same := Options{Publication: p, Pins: map[string]string{"a": dir + "/x", "b": dir + "/./x"}}
	if _, err := Load(shared("a", "b"), same); err == nil || !strings.HasSuffix(err.Error(), `pin map "b" to `+dir+`/x: map "a" is to be there`) {
		t.Errorf("two maps with one pin: %v", err)
	}
}

// TestTwoDirectories makes pins in two directories, of which the second refuses.
func TestTwoDirectories(t *testing.T) {
	needKernel(t)
	root := bpffs(t)
	before := listing(t, root+"/pins")
	o := Options{Pins: map[string]string{"a": root + "/one/a", "b": root + "/one/b", "c": root + "/two/c", "d": root + "/two/bad.name"}}
	if _, err := Load(shared("a", "b", "c", "d"), o); err == nil || !strings.Contains(err.Error(), "names in a bpf file system have no dots") {
		t.Errorf("a bad name: %v", err)
	}
	if now := listing(t, root+"/pins"); now != before {
		t.Errorf("left: %s", now)
	}
	o.Pins["d"] = root + "/two/d"
	loadT(t, shared("a", "b", "c", "d"), o)
	if got := files(t, root+"/one") + files(t, root+"/two"); got != "a b c d " {
		t.Errorf("pinned: %s", got)
	}
}

// TestConcurrentLoads lets many loads have the same pins: all have the same maps, also where some
// of them fail.
func TestConcurrentLoads(t *testing.T) {
	needKernel(t)
	for kind, dirOf := range pinDirs {
		dir := dirOf(t)
		type result struct {
			c   *Collection
			err error
		}
		results := make([]result, 200)
		var g sync.WaitGroup
		for i := range results {
			g.Go(func() {
				c := shared("a", "b", "c")
				if i%3 == 0 {
					c.Programs = []*spec.Program{program("bad", asm.LoadMem(asm.R0, asm.R1, 2000, asm.Word), asm.Exit())}
				}
				got, err := Load(c, Options{PinDir: dir})
				results[i] = result{got, err}
			})
		}
		g.Wait()
		for i, r := range results {
			var refused *VerifierError
			if i%3 == 0 {
				if !errors.As(r.err, &refused) {
					t.Errorf("%s: load %d: %v", kind, i, r.err)
				}
				continue
			}
			if r.err != nil {
				t.Errorf("%s: load %d: %v", kind, i, r.err)
				continue
			}
			for _, m := range r.c.Maps() {
				if id := idAt(t, dir+"/"+m.Name()); id == 0 || id != idOf(t, m) {
					t.Errorf("%s: load %d: map %s is %d, pinned is %d", kind, i, m.Name(), idOf(t, m), id)
				}
			}
			r.c.Close()
		}
		if left := listing(t, dir); strings.Contains(left, spec.PinStaging) {
			t.Errorf("%s: left: %s", kind, left)
		}
	}
}

// TestForeignPins has somebody pin and remove pins who does not wait, at each moment of a load.
func TestForeignPins(t *testing.T) {
	needKernel(t)
	mine := loadT(t, shared("x"), Options{PinDir: bpffs(t)}).Map("x")
	for kind, dirOf := range pinDirs {
		dir := dirOf(t)
		for at, calls := 1, 1; calls >= at; at++ {
			calls = 0
			busy := false
			sys.Inject(func() sys.Errno {
				if busy {
					return 0
				}
				if calls++; calls == at {
					busy = true
					_ = os.Mkdir(dir, 0o755)
					err := errors.Join(sys.Pin(mine.fd, dir+"/foreign"), os.Remove(dir+"/first"))
					if e := sys.Pin(mine.fd, dir+"/a"); !errors.Is(e, sys.EEXIST) && e != nil || err != nil && kind == "full" {
						t.Errorf("%s, call %d: %v, %v", kind, at, e, err)
					}
					busy = false
				}
				return 0
			})
			got, err := Load(shared("a", "b", "c"), Options{PinDir: dir})
			sys.Inject(nil)
			if err != nil {
				t.Fatalf("%s, call %d: %v", kind, at, err)
			}
			for _, m := range got.Maps() {
				if id := idAt(t, dir+"/"+m.Name()); id != idOf(t, m) {
					t.Errorf("%s, call %d: map %s is %d, pinned is %d", kind, at, m.Name(), idOf(t, m), id)
				}
			}
			want := "a b c foreign "
			if calls < at {
				want = "a b c "
			}
			if kind == "full" {
				if calls < at {
					want += "first "
				}
				want += "second "
			}
			if now := strings.ReplaceAll(strings.ReplaceAll(files(t, dir), "maps.debug ", ""), "progs.debug ", ""); now != want {
				t.Errorf("%s, call %d: pins %s, want %s", kind, at, now, want)
			}
			got.Close()
			for _, n := range []string{"a", "b", "c", "foreign"} {
				os.Remove(dir + "/" + n)
			}
			if kind == "full" && calls >= at {
				if err := sys.Pin(mine.fd, dir+"/first"); err != nil {
					t.Fatal(err)
				}
			} else if kind == "missing" {
				os.Remove(dir)
			}
		}
	}
}

// versions are collections of several maps and a program, of which each tells its version.
func version(n uint32) *spec.Collection {
	c := collection([]*spec.Program{program("main", asm.Mov64Imm(asm.R0, 0), asm.Exit())})
	for _, name := range []string{"a", "b", "c", ".data"} {
		c.Maps = append(c.Maps, &spec.Map{Name: name, Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: n})
	}
	return c
}

// versionAt returns which version is published; 0 is none.
func versionAt(t *testing.T, dir string) (v uint32) {
	t.Helper()
	names, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	if err != nil || len(names) != 5 {
		t.Fatalf("%s: %v, %v", dir, names, err)
	}
	for _, name := range []string{"a", "b", "c", "_data"} {
		fd, err := sys.OpenPin(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		i, err := sys.InfoOfMap(fd)
		fd.Close()
		if err != nil {
			t.Fatal(err)
		}
		if v != 0 && v != i.MaxEntries {
			t.Fatalf("%s: versions %d and %d", dir, v, i.MaxEntries)
		}
		v = i.MaxEntries
	}
	return v
}

func TestPublish(t *testing.T) {
	one, two := loadT(t, version(1), Options{}), loadT(t, version(2), Options{})
	root := bpffs(t)
	dir := root + "/pins"
	before := listing(t, dir)
	if err := one.Publish(dir); err != nil || versionAt(t, dir) != 1 {
		t.Fatalf("publish: %v", err)
	}
	err := two.Publish(dir)
	if want := "publish pins in " + dir + ": it exists, and Publish makes no pins in it; use Replace: file exists (EEXIST)"; err == nil || err.Error() != want || !errors.Is(err, fs.ErrExist) {
		t.Errorf("publish again: %v", err)
	}
	first := listing(t, dir)
	if err := two.Publish(root); err == nil || !strings.Contains(err.Error(), "name a directory in it") {
		t.Errorf("publish in a root: %v", err)
	}
	r, err := two.Replace(dir)
	if err != nil || versionAt(t, dir) != 2 {
		t.Fatalf("replace: %v", err)
	}
	if err := r.Rollback(); err != nil || versionAt(t, dir) != 1 || listing(t, dir) != first {
		t.Errorf("roll back: %v\n%s%s", err, listing(t, dir), first)
	}
	if err := r.Rollback(); err == nil {
		t.Error("rolled back twice")
	}
	if r, err = two.Replace(dir); err == nil {
		err = r.Close()
	}
	if err != nil || versionAt(t, dir) != 2 {
		t.Errorf("replace: %v", err)
	}
	if r, err = one.Replace(root + "/new"); err != nil || versionAt(t, root+"/new") != 1 {
		t.Errorf("replace none: %v", err)
	}
	if err := r.Rollback(); err != nil || versionAt(t, root+"/new") != 0 {
		t.Errorf("roll back to none: %v", err)
	}
	if err := os.RemoveAll(dir); err != nil || listing(t, dir) != before {
		t.Errorf("left: %v, %s", err, listing(t, dir))
	}
}

// TestPublishNames refuses what has no name of its own.
func TestPublishNames(t *testing.T) {
	c := version(1)
	c.Maps = append(c.Maps, &spec.Map{Name: "_data", Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	root := bpffs(t)
	err := loadT(t, c, Options{}).Publish(root + "/pins")
	if want := "publish pins in " + root + `/pins: map ".data" and map "_data" would both be _data`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := loadT(t, collection(nil), Options{}).Publish(root + "/pins"); err == nil {
		t.Error("nothing was published")
	}
	dir := t.TempDir()
	if err := loadT(t, version(1), Options{}).Publish(dir + "/pins"); err == nil || !strings.Contains(err.Error(), "run: mount -t bpf bpf "+dir) {
		t.Errorf("published outside: %v", err)
	}
}

// TestReplaceFaults lets each call of a publication and of a replacement fail: the version before or the
// one after is there.
func TestReplaceFaults(t *testing.T) {
	one, two := loadT(t, version(1), Options{}), loadT(t, version(2), Options{})
	for _, answer := range faults {
		dir := bpffs(t) + "/pins"
		empty := listing(t, dir)
		eachCall(answer, func(at int) {
			err := one.Publish(dir)
			quiet(func() {
				if v := versionAt(t, dir); err == nil && v != 1 || err != nil && v != 0 {
					t.Errorf("publish, call %d, %v: version %d, %v", at, answer, v, err)
				}
				os.RemoveAll(dir)
				if now := listing(t, dir); now != empty {
					t.Errorf("publish, call %d, %v: left: %s (%v)", at, answer, now, err)
				}
			})
		})
		if err := one.Publish(dir); err != nil {
			t.Fatal(err)
		}
		first := listing(t, dir)
		eachCall(answer, func(at int) {
			r, err := two.Replace(dir)
			if err == nil {
				quiet(func() {
					if v := versionAt(t, dir); v != 2 {
						t.Errorf("replace, call %d, %v: version %d", at, answer, v)
					}
				})
				if err = r.Rollback(); err != nil {
					quiet(func() {
						if err := r.Rollback(); err != nil {
							t.Errorf("roll back again: %v", err)
						}
					})
				}
			}
			quiet(func() {
				if now := listing(t, dir); now != first {
					t.Errorf("replace, call %d, %v: %sbefore\n%s(%v)", at, answer, now, first, err)
				}
			})
		})
	}
}

// TestLockedDirectory says who waits for whom.
func TestLockedDirectory(t *testing.T) {
	needKernel(t)
	dir := bpffs(t) + "/pins"
	p := NewPublication(t.Context())
	defer p.Close()
	loadT(t, shared("a"), Options{PinDir: dir, Publication: p})
	other := NewPublication(t.Context())
	other.wait = time.Millisecond
	defer other.Close()
	_, err := Load(shared("a"), Options{PinDir: dir, Publication: other})
	want := fmt.Sprintf("pin maps in %s: wait for another process that makes pins in it and has locked %s/%s-pins: 1ms have passed", dir, filepath.Dir(dir), spec.PinStaging)
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
