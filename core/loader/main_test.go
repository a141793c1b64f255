package loader

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/kernel"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/core/spec/bind"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
)

// TestMain fails when a test leaves a descriptor open.
func TestMain(m *testing.M) {
	kerneltest.Main(m)
}

// needKernel skips without the privileges to load.
func needKernel(t testing.TB) {
	t.Helper()
	c, err := Load(&spec.Collection{
		Order: nativeOrder(), License: "GPL", Programs: []*spec.Program{program("probe", asm.Mov64Imm(asm.R0, 0), asm.Exit())},
	}, Options{})
	kerneltest.Check(t, err)
	c.Close()
}

// program is an XDP program of these instructions.
func program(name string, insns ...asm.Insn) *spec.Program {
	p := &spec.Program{Name: name, Section: "xdp", Type: spec.ProgramXDP}
	p.Insns = spec.NewInsns(insns...)
	return p
}

// collection is a spec of these programs and maps.
func collection(ps []*spec.Program, ms ...*spec.Map) *spec.Collection {
	return &spec.Collection{Order: nativeOrder(), License: "GPL", Programs: ps, Maps: ms}
}

// load loads and closes with the test.
func loadT(t testing.TB, c *spec.Collection, o Options) *Collection {
	t.Helper()
	needKernel(t)
	got, err := Load(c, o)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { got.Close() })
	return got
}

// idOf returns the id of a map.
func idOf(t *testing.T, m *Map) uint32 {
	t.Helper()
	i, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	return i.ID
}

// fakeKernel is a kernel of which only the version is known.
func fakeKernel(version uint32) *Kernel {
	return kernel.New(kernel.Options{Version: version, CPUs: 4})
}

// kernelWith is a kernel with these types and no modules.
func kernelWith(t testing.TB, types *btf.Types) *Kernel {
	t.Helper()
	dir := t.TempDir()
	writeTypes(t, filepath.Join(dir, vmlinux), types)
	k := kernel.New(kernel.Options{Version: 6<<16 | 18<<8, CPUs: 4, TypesDir: dir})
	t.Cleanup(func() { k.Close() })
	return k
}

func writeTypes(t testing.TB, file string, types *btf.Types) {
	t.Helper()
	if err := os.WriteFile(file, types.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newSession is a load into a kernel that has not begun.
func newSession(k *Kernel) *session {
	l := &session{kernel: k, out: &Collection{}, opsTypes: make(map[string]*opsType)}
	l.finder = bind.NewFinder(k, l.note)
	return l
}

// vmlinux is the name of the kernel proper among its modules.
const vmlinux = "vmlinux"

// packet is the smallest input of an XDP test run.
func packet() []byte { return make([]byte, 14) }
