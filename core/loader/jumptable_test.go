package loader_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/bpfhost/bpfhost/core/asm"
	"github.com/bpfhost/bpfhost/core/loader"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/testenv"
)

// TestJumpTables runs programs that go where tables say, for every entry and what follows them.
// Code that is put in before moves the places.
func TestJumpTables(t *testing.T) {
	testenv.NeedKernel(t, "6.19", "jump tables")
	c := object(t, "core/elf/testdata/jump-el.o")
	for _, p := range c.Programs {
		if len(p.Tables) == 0 {
			t.Fatalf("program %s has no table", p.Name)
		}
		if err := p.Insert(0, spec.Insn{Insn: asm.LoadImm64(asm.R2, 1<<40)}, spec.Insn{Insn: asm.Mov64Imm(asm.R2, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := loader.Load(c, loader.Options{})
	if errors.Is(err, loader.ErrPermission) {
		testenv.Skip(t, testenv.Kernel, err.Error())
	}
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer got.Close()
	byCall := map[uint32][2]uint32{ // by state: result, and state afterwards
		0: {5, 11}, 1: {99, 4}, 2: {17, 10}, 3: {1000, 4}, 4: {2, 49}, 5: {77, 5}, 6: {300, 15}, 7: {1, 7}, 1 << 31: {1, 1 << 31},
	}
	itself := map[uint32][2]uint32{
		9: {7, 9}, 10: {1, 10}, 11: {20, 13}, 12: {300, 15}, 13: {7, 13}, 14: {4000, 18}, 15: {5, 20 + 11}, 16: {7, 16},
	}
	for name, cases := range map[string]map[uint32][2]uint32{"by_call": byCall, "itself": itself} {
		for state, want := range cases {
			v := binary.NativeEndian.AppendUint32(nil, state)
			if err := got.Map(".bss").Update(make([]byte, 4), v, loader.UpdateAny); err != nil {
				t.Fatal(err)
			}
			r, err := got.Program(name).TestRun(loader.TestRunOptions{Data: make([]byte, 64)})
			if err != nil {
				t.Fatal(err)
			}
			if err := got.Map(".bss").Lookup(make([]byte, 4), v); err != nil {
				t.Fatal(err)
			}
			if after := binary.NativeEndian.Uint32(v); r.Ret != want[0] || after != want[1] {
				t.Errorf("%s with %d: result %d, state %d, want %v", name, state, r.Ret, after, want)
			}
		}
	}
}

// TestJumpTablesTooOld says since when jump tables are there.
func TestJumpTablesTooOld(t *testing.T) {
	got, err := loader.Load(object(t, "core/elf/testdata/jump-el.o"), loader.Options{})
	var old *loader.FeatureError
	switch {
	case err == nil:
		got.Close()
	case errors.Is(err, loader.ErrPermission):
		testenv.Skip(t, testenv.Kernel, err.Error())
	case !errors.As(err, &old) || old.MinKernel != "6.19" || !errors.Is(err, loader.ErrNotSupported):
		t.Error(err)
	}
}
