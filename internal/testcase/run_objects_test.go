package testcase

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
)

// refused are the programs of the objects of this repository that user space cannot run, each with
// words of the reason. An object without a program after it cannot be read by itself.
const refused = `
core/elf/testdata/arena-el.o touch: type arena
core/elf/testdata/basic-eb.o drop: big-endian
core/elf/testdata/basic-eb.o pass: big-endian
core/elf/testdata/basic-eb.o on_switch: big-endian
core/elf/testdata/core-el.o enter: kernel symbol "init_task"
core/elf/testdata/core-el.o entry: kernel function "bpf_task_acquire"
core/elf/testdata/gcc/calls-eb.o prog: big-endian
core/elf/testdata/jump-eb.o by_call: big-endian
core/elf/testdata/jump-eb.o itself: big-endian
core/elf/testdata/lenient/static-el.o: remove the keyword
core/elf/testdata/lenient/values-el.o: pinning 16
core/elf/testdata/link/a-el.o: called but not defined
core/elf/testdata/link/b-el.o: link them
core/elf/testdata/maps-el.o tail: type arena
core/elf/testdata/maps-el.o other: type arena
core/elf/testdata/ops-el.o on_init: type arena
core/elf/testdata/ops-el.o on_exit: type arena
core/elf/testdata/ops-el.o on_deep: type arena
core/elf/testdata/ops-el.o thrower: type arena
core/elf/testdata/tcp-el.o on_ssthresh: type struct_ops
core/elf/testdata/tcp-el.o on_undo: type struct_ops
core/elf/testdata/tcp-el.o on_avoid: type struct_ops
core/elf/testdata/tcp-el.o on_missing: type struct_ops
core/elf/testdata/tcp-el.o on_init: type struct_ops
`

// Every program of the objects of this repository runs without root, or is refused by name, and those
// that are refused are listed.
func TestObjects(t *testing.T) {
	reasons := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(refused)) {
		name, reason, _ := strings.Cut(strings.TrimSpace(line), ": ")
		reasons[name] = reason
	}
	programs := 0
	check := func(name string, err error) {
		reason, listed := reasons[name]
		switch {
		case err == nil && listed:
			t.Errorf("%s runs; take it out of the list", name)
		case err != nil && !listed:
			t.Errorf("%s: %v", name, err)
		case err != nil && !strings.Contains(err.Error(), reason):
			t.Errorf("%s: %v, want %q", name, err, reason)
		}
		programs++
	}
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".o") {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(filepath.ToSlash(name), "../../")
		c, err := elf.LoadBytes(b, elf.Options{})
		if err != nil {
			check(name, err)
			return nil
		}
		f := File{Object: c}
		for _, p := range c.Programs {
			object, err := f.prepared(&Case{Program: p.Name})
			if err != nil {
				return err
			}
			check(name+" "+p.Name, tryProgram(object, p))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if programs < len(reasons)+20 {
		t.Errorf("%d programs were looked at, the list alone has %d", programs, len(reasons))
	}
}

// tryProgram runs a program on a packet, or on a context of zeros.
func tryProgram(object *spec.Collection, p *spec.Program) error {
	s, err := Machine{}.Open(object, p.Name)
	if err != nil {
		return err
	}
	defer s.Close()
	in := Input{Context: make([]byte, 512)}
	switch p.Type {
	case spec.ProgramXDP, spec.ProgramSchedCls, spec.ProgramSocketFilter, spec.ProgramCgroupSkb:
		in = Input{Packet: append([]byte{12: 8, 14: 0x45}, make([]byte, 45)...)}
	}
	_, err = s.Run(in)
	return err
}
