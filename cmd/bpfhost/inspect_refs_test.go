package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/btf"
)

func TestRefs(t *testing.T) {
	want := []refDoc{
		{"program", "tail", "map", "outer", 1},
		{"program", "tail", "helper", "bpf_map_lookup_elem", 2},
		{"program", "tail", "map", "pinned", 1},
		{"program", "tail", "map", "calls", 1},
		{"program", "tail", "helper", "bpf_tail_call", 1},
		{"map", "outer", "map", "first", 1},
		{"map", "outer", "map", "second", 1},
		{"map", "calls", "program", "tail", 1},
		{"map", "calls", "program", "other", 1},
	}
	if d := cmp.Diff(want, objectFile(t, "maps-el.o").Refs); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
}

func TestCore(t *testing.T) {
	want := []coreDoc{
		{"exec", "byte_off", "struct task_struct", "real_parent", "", 1},
		{"exec", "field_exists", "struct task_struct", "pid", "", 1},
		{"exec", "byte_off", "struct task_struct", "tgid", "", 1},
		{"exec", "byte_off", "struct task_struct", "pid", "", 1},
	}
	if d := cmp.Diff(want, objectFile(t, "core-el.o").Core); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
	var b btf.Builder
	id := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	b.Add(&btf.Struct{Name: "task_struct", Size: 64, Members: []btf.Member{{Name: "tgid", Type: id, Offset: 128}, {Name: "pid", Type: id, Offset: 256}}})
	kernel, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	want[0].Outcome = `not there: struct task_struct in the types given has no "real_parent" that fits`
	want[1].Outcome, want[2].Outcome, want[3].Outcome = "1", "16 instead of 4", "32 instead of 0"
	raw, err := os.ReadFile("../../core/elf/testdata/core-el.o")
	if err != nil {
		t.Fatal(err)
	}
	d, err := readObject(raw, false, kernel)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, d.Core); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
	bare := newCoreDoc("p", btf.CoreRelo{Type: 7, Access: "0:1", Kind: btf.CoreByteSize}, nil)
	if bare != (coreDoc{Program: "p", Kind: "byte_sz", Path: "0:1"}) {
		t.Errorf("without types: %+v", bare)
	}
}
