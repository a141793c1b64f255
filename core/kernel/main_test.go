package kernel_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
)

// TestMain fails when a test leaves a descriptor open. In the process of an injection it is that.
func TestMain(m *testing.M) {
	if name := os.Getenv(injectEnv); name != "" {
		if err := runInjection(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	kerneltest.Main(m)
}

// load loads a collection and closes it with the test. It skips without the privileges to load.
func load(t testing.TB, c *spec.Collection) *loader.Collection {
	t.Helper()
	c.License, c.Order = "GPL", asm.LittleEndian
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		c.Order = asm.BigEndian
	}
	got, err := loader.Load(c, loader.Options{})
	kerneltest.Check(t, err)
	t.Cleanup(func() { got.Close() })
	return got
}

// needKernel skips without the privileges to load.
func needKernel(t testing.TB) {
	t.Helper()
	p := &spec.Program{Name: "probe", Type: spec.ProgramXDP}
	p.Insns = spec.NewInsns(asm.Mov64Imm(asm.R0, 0), asm.Exit())
	load(t, &spec.Collection{Programs: []*spec.Program{p}})
}

// typed is a collection of a program with types of its functions.
func typed(t testing.TB) *spec.Collection {
	t.Helper()
	b := btf.Builder{}
	number := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	main := b.Add(&btf.Func{Name: "main", Type: b.Add(&btf.FuncProto{Return: number}), Linkage: btf.LinkGlobal})
	types, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	p := &spec.Program{Name: "typed", Type: spec.ProgramXDP}
	p.Insns = spec.NewInsns(asm.Mov64Imm(asm.R0, 2), asm.Exit())
	p.Insns.Edit(func(in []spec.Insn) { in[0].Func = &btf.FuncInfo{Name: "main", Type: main} })
	return &spec.Collection{BTF: types, Programs: []*spec.Program{p}}
}
