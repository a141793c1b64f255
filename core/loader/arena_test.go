package loader_test

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestArena runs a program on the variables of an arena, whose first values were set before.
func TestArena(t *testing.T) {
	for _, x := range []struct {
		name string
		at   uint64 // map_extra
	}{{"anywhere", 0}, {"at an address", 1 << 44}} {
		t.Run(x.name, func(t *testing.T) {
			c := object(t, "core/elf/testdata/arena-el.o")
			c.Map("arena").Extra = x.at
			if err := c.Var("counter").SetUint(c, 100); err != nil {
				t.Fatal(err)
			}
			got := loadArena(t, c)
			m := got.Map("arena")
			if m.Address() == 0 || x.at != 0 && m.Address() != x.at {
				t.Errorf("the arena is at %#x", m.Address())
			}
			word := func(name string, off uint32, b []byte) uint64 {
				if _, err := m.ReadAt(b, int64(c.Var(name).Offset+off)); err != nil {
					t.Fatal(err)
				}
				return binary.NativeEndian.Uint64(append(b, make([]byte, 8-len(b))...))
			}
			if n := word("counter", 0, make([]byte, 8)); n != 100 {
				t.Errorf("counter is %d before", n)
			}
			if _, err := m.WriteAt(binary.NativeEndian.AppendUint64(nil, 20), int64(c.Var("hidden").Offset)); err != nil {
				t.Fatal(err)
			}
			if r, err := got.Program("touch").TestRun(loader.TestRunOptions{Data: make([]byte, 64)}); err != nil || r.Ret != 120 {
				t.Fatalf("the program returns %d, %v", r.Ret, err)
			}
			if n := word("counter", 0, make([]byte, 8)); n != 120 {
				t.Errorf("counter is %d afterwards", n)
			}
			if n := word("table", 4*1400, make([]byte, 4)); n != 120 {
				t.Errorf("table[1400] is %d", n)
			}
			if p, want := word("last", 0, make([]byte, 8)), m.Address()+uint64(c.Var("table").Offset)+4*1400; p != want {
				t.Errorf("the program's pointer is %#x, here that is %#x", p, want)
			}
		})
	}
}

func loadArena(t *testing.T, c *spec.Collection) *loader.Collection {
	t.Helper()
	testenv.NeedKernel(t, "6.9", "arenas")
	got, err := loader.Load(c, loader.Options{})
	if errors.Is(err, loader.ErrPermission) {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { got.Close() })
	return got
}

// TestArenaErrors touches what is not there.
func TestArenaErrors(t *testing.T) {
	c := object(t, "core/elf/testdata/arena-el.o")
	got := loadArena(t, c)
	m := got.Map("arena")
	size := int64(100 * os.Getpagesize())
	for _, off := range []int64{-1, size - 7, size, size + 1, 1 << 62} {
		if _, err := m.ReadAt(make([]byte, 8), off); err == nil || !strings.Contains(err.Error(), "outside its") {
			t.Errorf("offset %d: %v", off, err)
		}
	}
	if n, err := m.ReadAt(make([]byte, 8), size-8); n != 8 || err != nil {
		t.Errorf("the last bytes: %d, %v", n, err)
	}
	if _, err := got.Map(".bss").ReadAt(nil, 0); !errors.Is(err, loader.ErrNotSupported) || got.Map(".bss").Address() != 0 {
		t.Errorf("a map that is not an arena: %v", err)
	}
	again := object(t, "core/elf/testdata/arena-el.o")
	again.Map("arena").Extra = m.Address()
	if _, err := loader.Load(again, loader.Options{}); err == nil || !strings.Contains(err.Error(), "is taken in this process") {
		t.Errorf("an address that is taken: %v", err)
	}
	strict := object(t, "core/elf/testdata/arena-el.o")
	strict.Map("arena").Flags |= 1 << 17 // BPF_F_SEGV_ON_FAULT
	if _, err := loader.Load(strict, loader.Options{}); err == nil || !strings.Contains(err.Error(), `create map "arena": write variables: the kernel gives no page there`) {
		t.Errorf("an arena that gives no pages: %v", err)
	}
	got.Close()
	if _, err := m.WriteAt(make([]byte, 8), 0); !errors.Is(err, os.ErrClosed) || m.Address() != 0 {
		t.Errorf("after Close: %v", err)
	}
}

// TestArenaTooOld says since when arenas are there.
func TestArenaTooOld(t *testing.T) {
	got, err := loader.Load(object(t, "core/elf/testdata/arena-el.o"), loader.Options{})
	var old *loader.FeatureError
	switch {
	case err == nil:
		got.Close()
	case errors.Is(err, loader.ErrPermission):
		testenv.Skip(t, testenv.Kernel, err.Error())
	case !errors.As(err, &old) || old.MinKernel != "6.9":
		t.Error(err)
	}
}
