package kernel

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/btf"
)

// withModules is a kernel with the modules alpha and beta, whose types are files: each has a function of its own; the function kernel
// is of the kernel proper. A third module cannot be read, a fourth has nothing (case B05).
func withModules(t *testing.T) *Kernel {
	t.Helper()
	dir := t.TempDir()
	k := New(Options{Version: 6<<16 | 18<<8, TypesDir: dir})
	t.Cleanup(func() { k.Close() })
	base := btf.Builder{Order: binary.NativeEndian}
	proto := base.Add(&btf.FuncProto{Return: base.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})})
	base.Add(&btf.Func{Name: "kernel", Type: proto})
	types := writeTypes(t, filepath.Join(dir, vmlinux), &base)
	for _, name := range []string{"alpha", "beta"} {
		b := btf.Builder{Base: types}
		b.Add(&btf.Func{Name: "of_" + name, Type: proto})
		writeTypes(t, filepath.Join(dir, name), &b)
	}
	nothing, err := (&btf.Builder{Base: types}).Bytes() // case B05: neither types nor strings
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "nothing"), nothing[:24], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "broken"), []byte("no BTF"), 0o600); err != nil {
		t.Fatal(err)
	}
	return k
}

func writeTypes(t *testing.T, file string, b *btf.Builder) *btf.Types {
	t.Helper()
	types, err := b.Types()
	if err == nil {
		err = os.WriteFile(file, types.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func TestModuleTypes(t *testing.T) {
	k := withModules(t)
	names, err := k.Modules()
	if diff := cmp.Diff([]string{"alpha", "beta", "broken", "nothing"}, names); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if k.types != nil || k.modules != nil {
		t.Error("listing modules reads types")
	}
	alpha, err := k.ModuleTypes("alpha")
	if err != nil {
		t.Fatal(err)
	}
	if id, err := alpha.Find("of_alpha", btf.KindFunc); err != nil || id < alpha.First() {
		t.Errorf("type %d, %v", id, err)
	}
	if again, err := k.ModuleTypes("alpha"); err != nil || again != alpha || len(k.modules) != 1 {
		t.Errorf("read twice, or others were too: %v", err)
	}
	for name, want := range map[string]error{"gamma": ErrNotSupported, "vmlinux": ErrNotSupported, "../x": ErrNotSupported, "": ErrNotSupported, "broken": btf.ErrMagic} {
		if _, err := k.ModuleTypes(name); !errors.Is(err, want) || !strings.Contains(err.Error(), "kernel module") {
			t.Errorf("%q: %v", name, err)
		}
	}
	k.Close()
	if _, err := k.Modules(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := k.ModuleTypes("alpha"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	k = New(Options{TypesDir: filepath.Join(t.TempDir(), "none")})
	if names, err := k.Modules(); len(names) != 0 || err != nil {
		t.Errorf("a kernel without BTF: %v, %v", names, err)
	}
}

// TestModuleTypesAtOnce asks for the same types from several goroutines, as loads that share a Kernel do.
func TestModuleTypesAtOnce(t *testing.T) {
	k := withModules(t)
	var wg sync.WaitGroup
	got := make([]*btf.Types, 8)
	for i := range got {
		wg.Go(func() {
			got[i], _ = k.ModuleTypes("alpha")
			if _, err := got[i].FindOwn("of_alpha", btf.KindFunc); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, types := range got {
		if types == nil || types != got[0] {
			t.Error("not everyone got the same types")
		}
	}
}
