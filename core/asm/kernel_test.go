package asm_test

import (
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/kerneltest"
)

// program makes a program that the loader takes.
func program(typ spec.ProgramType, insns ...asm.Insn) *spec.Program {
	p := &spec.Program{Name: "test", Type: typ}
	p.Insns = spec.NewInsns(insns...)
	return p
}

// tryLoad loads a program alone.
func tryLoad(k *loader.Kernel, license string, p *spec.Program, maps ...*spec.Map) (*loader.Collection, error) {
	c := &spec.Collection{License: license, Programs: []*spec.Program{p}, Maps: maps}
	return loader.Load(c, loader.Options{Kernel: k})
}

// needKernel skips without the privileges to load. The byte order of these tests is little-endian.
func needKernel(t testing.TB) *loader.Kernel {
	t.Helper()
	k := loader.NewKernel()
	t.Cleanup(func() { k.Close() })
	c, err := tryLoad(k, "GPL", program(spec.ProgramSocketFilter, asm.Mov64Imm(asm.R0, 0), asm.Exit()))
	kerneltest.Check(t, err)
	c.Close()
	return k
}
