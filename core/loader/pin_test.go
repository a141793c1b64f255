package loader

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/kernel"
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
	m := other.Maps[0]
	m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, m.Extra = spec.MapBloomFilter, 0, 16, 5, spec.FlagNUMANode, 3
	const want = "the map in its place has type hash, not bloom_filter; key_size 4, not 0; value_size 8, not 16; " +
		"max_entries 4, not 5; flags 0x0, not 0x4; map_extra 0x0, not 0x3"
	if _, err := Load(other, o); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("a map that differs: %v", err)
	}
}

// TestPins pins where the options say, and finds it again there.
func TestPins(t *testing.T) {
	needKernel(t)
	dir := bpffs(t)
	o := Options{Pins: map[string]string{"state": dir + "/other"}}
	for want := range uint64(2) {
		m := loadT(t, shared("state"), o).Map("state")
		buf := make([]byte, 8)
		_ = m.Lookup(key(1), buf)
		if got := native.Uint64(buf); got != want {
			t.Errorf("the map has %d, want %d", got, want)
		}
		if err := m.Update(key(1), value(want+1), UpdateAny); err != nil {
			t.Fatal(err)
		}
	}
	if all := files(t, dir); !strings.Contains(all, "other ") || strings.Contains(all, "state") {
		t.Errorf("pinned: %s", all)
	}
	if _, err := Load(shared("state", "more"), o); err == nil {
		t.Error("a map without a path was pinned")
	}
}

// TestPinnedTypes pins a map of each type and finds it again, whatever the kernel made of what was
// asked for.
func TestPinnedTypes(t *testing.T) {
	needKernel(t)
	const readOnly, writeOnly = spec.MapFlags(1 << 3), spec.MapFlags(1 << 4)
	for _, m := range []spec.Map{
		{Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 5, Flags: spec.FlagNoPrealloc},
		{Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 5, Flags: readOnly},
		{Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 5, Flags: writeOnly | spec.FlagReadOnlyProg},
		{Type: spec.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 5, Flags: spec.FlagMmapable},
		{Type: spec.MapPerCPUHash, KeySize: 4, ValueSize: 12, MaxEntries: 5},
		{Type: spec.MapLRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 5},
		{Type: spec.MapLRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 1001, Flags: spec.FlagNoCommonLRU},
		{Type: spec.MapLRUPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 1003, Flags: spec.FlagNoCommonLRU},
		{Type: spec.MapLPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 5, Flags: spec.FlagNoPrealloc},
		{Type: spec.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 5},
		{Type: spec.MapPerfEventArray, KeySize: 4, ValueSize: 4},
		{Type: spec.MapStackTrace, KeySize: 4, ValueSize: 80, MaxEntries: 5},
		{Type: spec.MapDevmap, KeySize: 4, ValueSize: 4, MaxEntries: 5},
		{Type: spec.MapDevmap, KeySize: 4, ValueSize: 8, MaxEntries: 5},
		{Type: spec.MapDevmapHash, KeySize: 4, ValueSize: 8, MaxEntries: 5},
		{Type: spec.MapSockmap, KeySize: 4, ValueSize: 8, MaxEntries: 5},
		{Type: spec.MapSockhash, KeySize: 6, ValueSize: 4, MaxEntries: 5},
		{Type: spec.MapCpumap, KeySize: 4, ValueSize: 8},
		{Type: spec.MapReuseportSockarray, KeySize: 4, ValueSize: 8, MaxEntries: 5},
		{Type: spec.MapQueue, ValueSize: 8, MaxEntries: 5},
		{Type: spec.MapStack, ValueSize: 8, MaxEntries: 5},
		{Type: spec.MapBloomFilter, ValueSize: 8, MaxEntries: 5},
		{Type: spec.MapBloomFilter, ValueSize: 8, MaxEntries: 5, Extra: 3},
		{Type: spec.MapRingbuf, MaxEntries: 5000},
		{Type: spec.MapUserRingbuf, MaxEntries: 5000},
		{Type: spec.MapHashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 5, Inner: &spec.Map{Type: spec.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}},
	} {
		m.Name, m.Pinning = "m", spec.PinByName
		o := Options{PinDir: bpffs(t)}
		first, err := Load(collection(nil, &m), o)
		if errors.Is(err, ErrNotSupported) {
			continue
		}
		if err != nil {
			t.Errorf("%v %#x: %v", m.Type, uint32(m.Flags), err)
			continue
		}
		second, err := Load(collection(nil, &m), o)
		if err != nil {
			t.Errorf("%v %#x: found again: %v", m.Type, uint32(m.Flags), err)
		} else {
			a, _ := first.Map("m").Info()
			if b, _ := second.Map("m").Info(); a.ID != b.ID || a.ID == 0 || first.Map("m").MaxEntries() != int(a.MaxEntries) {
				t.Errorf("%v %#x: map %d, not %d, of %d entries", m.Type, uint32(m.Flags), b.ID, a.ID, first.Map("m").MaxEntries())
			}
			second.Close()
		}
		first.Close()
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
	good := loadT(t, shared("good"), Options{PinDir: bpffs(t)}).Map("good")
	p := NewPublication(t.Context())
	defer p.Close()
	err := p.lock([]string{dir + "/good"}, func() (bool, error) { return false, nil })
	if err == nil {
		err = errors.Join(p.add(good, dir+"/good"), p.add(good, dir+"/bad.name"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(); !errors.Is(err, sys.EPERM) || !strings.Contains(err.Error(), `pin map "good" to `+dir+"/bad.name") {
		t.Errorf("a bad name: %v", err)
	}
	p.Close()
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

// TestPinOutside pins where there is no bpf file system: nothing else is wrong, least of all a right.
func TestPinOutside(t *testing.T) {
	needKernel(t)
	dir := t.TempDir()
	_, err := Load(shared("a"), Options{PinDir: dir})
	if !errors.Is(err, kernel.ErrNotMounted) || errors.Is(err, ErrPermission) || !strings.Contains(err.Error(), "run: mount -t bpf bpf "+dir) {
		t.Errorf("pin: %v", err)
	}
	if err := os.WriteFile(dir+"/a", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Load(shared("a"), Options{PinDir: dir})
	if !errors.Is(err, kernel.ErrNotMounted) || errors.Is(err, ErrPermission) {
		t.Errorf("a file that is no pin: %v", err)
	}
	_, err = Load(shared("a"), Options{PinDir: bpffs(t) + "/none/deeper"})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "make the directory first") {
		t.Errorf("no directory: %v", err)
	}
}
