package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/btf"
	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/internal/report"
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
	relo := func(insn int, kind, path string) report.CoreRelo {
		return report.CoreRelo{Program: "exec", Insn: insn, Count: 1, Kind: kind, Type: "struct task_struct", Path: path, Candidates: []report.Candidate{}}
	}
	want := []report.CoreRelo{
		relo(0, "byte_off", "real_parent"), relo(0, "field_exists", "pid"), relo(0, "byte_off", "tgid"), relo(0, "byte_off", "pid"),
	}
	have := objectFile(t, "core-el.o").Core
	for i := range want {
		want[i].Insn = have[i].Insn
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
	var b btf.Builder
	id := b.Add(&btf.Int{Name: "int", Size: 4, Encoding: btf.IntSigned})
	b.Add(&btf.Struct{Name: "task_struct", Size: 64, Members: []btf.Member{{Name: "tgid", Type: id, Offset: 128}, {Name: "pid", Type: id, Offset: 256}}})
	kernel, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../../core/elf/testdata/core-el.o")
	if err != nil {
		t.Fatal(err)
	}
	d, err := readObject(raw, elf.Options{Lenient: true}, kernel)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := []string{`not there: struct task_struct in the types given has no "real_parent" that fits`, "1", "16 instead of 4", "32 instead of 0"}
	for i, r := range d.Core {
		if r.Outcome != outcomes[i] || r.Path != want[i].Path || len(r.Candidates) != 1 {
			t.Errorf("got %+v, want %s", r, outcomes[i])
		}
	}
}
