package kernel

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// fake returns a kernel of which only the version and the number of CPUs are known.
func fake(version uint32) *Kernel { return New(Options{Version: version, CPUs: 4}) }

func TestKernel(t *testing.T) {
	k := New(Options{})
	defer k.Close()
	types, err := k.Types()
	if errors.Is(err, ErrNotSupported) {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := types.Find("task_struct", btf.KindStruct); err != nil {
		t.Error(err)
	}
	if again, err := k.Types(); err != nil || again != types {
		t.Errorf("the types were read twice, %v", err)
	}
	for range 2 {
		k.Close()
	}
	if _, err := k.Types(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("types after close: %v", err)
	}
}

func BenchmarkTypes(b *testing.B) {
	if _, err := New(Options{}).Types(); err != nil {
		testenv.Skip(b, testenv.Kernel, err.Error())
	}
	b.ReportAllocs()
	for b.Loop() {
		k := New(Options{})
		if _, err := k.Types(); err != nil {
			b.Fatal(err)
		}
		k.Close()
	}
}

// TestOptions holds that what is given is not asked for.
func TestOptions(t *testing.T) {
	k := New(Options{Version: 6<<16 | 1<<8 | 7, CPUs: 3, Config: map[string]string{"CONFIG_HZ": "250"}, TypesDir: t.TempDir()})
	defer k.Close()
	if v, err := k.Version(); err != nil || v != 6<<16|1<<8|7 {
		t.Errorf("version %#x, %v", v, err)
	}
	if n, err := k.CPUs(); err != nil || n != 3 {
		t.Errorf("%d CPUs, %v", n, err)
	}
	if s, ok, err := k.Config("CONFIG_HZ"); err != nil || !ok || s != "250" {
		t.Errorf("configuration %q, %v, %v", s, ok, err)
	}
	if _, err := k.Types(); !errors.Is(err, ErrNotSupported) {
		t.Errorf("types of an empty directory: %v", err)
	}
}

// TestHiddenSys asks for what is below /sys where that is not mounted.
func TestHiddenSys(t *testing.T) {
	ask := func() string {
		k := New(Options{})
		defer k.Close()
		cpus, err := k.CPUs()
		modules, err2 := k.Modules()
		types, err3 := k.Types()
		if errors.Is(err3, ErrNotSupported) {
			testenv.Skip(t, testenv.Kernel, err3.Error())
		}
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d CPUs, modules %v, %d types", cpus, modules, types.Len())
	}
	want := ask()
	if kerneltest.Hide(t, "/sys") {
		if got := ask(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
