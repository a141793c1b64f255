package bind

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
)

// moduleKernel is a kernel with the modules alpha and beta, whose types are files: each has the function both and one of its own, and
// a struct of its own; the function kernel and the struct task are of the kernel proper. A third module cannot be read, a
// fourth has nothing (case B05).
func moduleKernel(t *testing.T) *kernel.Kernel {
	t.Helper()
	k, _ := moduleKernelIn(t)
	return k
}

// moduleKernelIn is moduleKernel with the directory of the files.
func moduleKernelIn(t *testing.T) (*kernel.Kernel, string) {
	t.Helper()
	dir := t.TempDir()
	k := kernel.New(kernel.Options{Version: 6<<16 | 18<<8, CPUs: 4, TypesDir: dir})
	t.Cleanup(func() { k.Close() })
	base := btf.Builder{Order: binary.NativeEndian}
	number := base.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	proto := base.Add(&btf.FuncProto{Return: number})
	base.Add(&btf.Func{Name: "kernel", Type: proto})
	base.Add(&btf.Struct{Name: "task", Size: 4, Members: []btf.Member{{Name: "pid", Type: number}}})
	types := writeTypes(t, filepath.Join(dir, vmlinux), &base)
	for i, name := range []string{"alpha", "beta"} {
		b := btf.Builder{Base: types}
		b.Add(&btf.Func{Name: "both", Type: proto})
		b.Add(&btf.Func{Name: "of_" + name, Type: proto})
		b.Add(&btf.Var{Name: "var_" + name, Type: number, Linkage: btf.LinkGlobal})
		b.Add(&btf.Struct{Name: "private_" + name, Size: 8, Members: []btf.Member{{Name: "n", Type: number, Offset: 32}}})
		b.Add(&btf.Struct{Name: "shared", Size: 16, Members: []btf.Member{{Name: "same", Type: number, Offset: 64}, {Name: "other", Type: number, Offset: uint32(32 * i)}}})
		b.Add(&btf.Func{Name: name + "___fix", Type: proto})
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
	return k, dir
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

// kernelWith is a kernel with these types and no modules.
func kernelWith(t testing.TB, types *btf.Types) *kernel.Kernel {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, vmlinux), types.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	k := kernel.New(kernel.Options{Version: 6<<16 | 18<<8, CPUs: 4, TypesDir: dir})
	t.Cleanup(func() { k.Close() })
	return k
}
