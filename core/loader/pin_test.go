package loader

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/sys"
)

// bpffs makes a bpf file system that is mounted nowhere.
func bpffs(t *testing.T) string {
	t.Helper()
	fd, err := sys.Mount("bpf")
	kerneltest.Check(t, err)
	t.Cleanup(func() { fd.Close() })
	raw, err := fd.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	fd.Release()
	return fmt.Sprintf("/proc/self/fd/%d", raw)
}

func shared(names ...string) *spec.Collection {
	c := collection(nil)
	for _, n := range names {
		c.Maps = append(c.Maps, &spec.Map{Name: n, Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 4, Pinning: spec.PinByName})
	}
	return c
}

func TestPinByName(t *testing.T) {
	needKernel(t)
	dir := bpffs(t)
	o := Options{PinDir: dir}
	first := loadT(t, shared("state"), o)
	if err := first.Map("state").Update(key(1), value(7), UpdateAny); err != nil {
		t.Fatal(err)
	}
	first.Close()
	second := loadT(t, shared("state"), o)
	buf := make([]byte, 8)
	if err := second.Map("state").Lookup(key(1), buf); err != nil || native.Uint64(buf) != 7 {
		t.Errorf("the pinned map was not found again: %d, %v", native.Uint64(buf), err)
	}
	other := shared("state")
	other.Maps[0].MaxEntries = 5
	if _, err := Load(other, o); err == nil || !strings.Contains(err.Error(), "4 entries") {
		t.Errorf("a map that differs: %v", err)
	}
	other.Maps[0].ValueSize = 16
	if _, err := Load(other, o); err == nil || !strings.Contains(err.Error(), "values of 8 bytes") {
		t.Errorf("a map of another size: %v", err)
	}
}

func TestFailedLoadLeavesNoPin(t *testing.T) {
	needKernel(t)
	dir := bpffs(t)
	before := files(t, dir) // some kernels put files of their own there
	for name, c := range map[string]*spec.Collection{
		"program": shared("a", "b"),
		"pin":     shared("a", "b", "bad.name"),
	} {
		if name == "program" {
			c.Programs = []*spec.Program{program("bad", asm.LoadMem(asm.R0, asm.R1, 2000, asm.Word), asm.Exit())}
		}
		if got, err := Load(c, Options{PinDir: dir}); err == nil {
			got.Close()
			t.Errorf("%s: loaded", name)
		}
		if left := files(t, dir); left != before {
			t.Errorf("%s: %s are left of %s", name, left, before)
		}
	}
	// The second of two pins fails when the first is made already.
	l := &session{options: Options{PinDir: dir}}
	good := loadT(t, shared("good"), Options{PinDir: bpffs(t)}).Map("good")
	bad := *good
	bad.name = "no/name"
	if err := l.pin([]*Map{good, &bad}); err == nil {
		t.Error("a bad name was accepted")
	}
	runBackward(l.undo)
	if left := files(t, dir); left != before {
		t.Errorf("%s are left of %s", left, before)
	}
}

// files lists the names in a directory.
func files(t *testing.T, dir string) string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, f := range all {
		names += f.Name() + " "
	}
	return names
}
