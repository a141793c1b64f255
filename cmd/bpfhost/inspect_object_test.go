package main

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfhost/bpfhost/core/elf"
	"github.com/bpfhost/bpfhost/core/spec"
	"github.com/bpfhost/bpfhost/internal/report"
)

// objectFile reads one of the reader's own test objects.
func objectFile(t *testing.T, name string) *objectDoc {
	t.Helper()
	b, err := os.ReadFile("../../core/elf/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := readObject(b, elf.Options{Lenient: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestObjectRequirements(t *testing.T) {
	want := report.Requirements{
		Kernel: "6.9", BPFFS: true, Capabilities: []string{"CAP_BPF", "CAP_NET_ADMIN"},
		Causes:   []report.Requirement{{What: "arena maps", Since: "6.9", Users: []string{"map arena"}}, {What: "bloom_filter maps", Since: "5.16", Users: []string{"map bloom"}}},
		Optional: []report.Requirement{},
	}
	if d := cmp.Diff(want, objectFile(t, "maps-el.o").Requirements); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
	want = report.Requirements{
		Kernel: "5.11", BTF: true, Capabilities: []string{"CAP_BPF", "CAP_NET_ADMIN"},
		Causes: []report.Requirement{{What: "calls of bpf_ktime_get_coarse_ns", Since: "5.11", Users: []string{"program by_global", "program after", "program by_packet"}}},
		Optional: []report.Requirement{
			{What: "calls of bpf_ktime_get_tai_ns", Since: "6.1", Users: []string{"program by_value", "program by_version", "program by_symbol", "program by_constant", "program by_function"}},
			{What: "calls of bpf_strncmp", Since: "5.17", Users: []string{"program by_type"}},
		},
	}
	if d := cmp.Diff(want, objectFile(t, "guarded-el.o").Requirements); d != "" {
		t.Errorf("guarded: -want +have:\n%s", d)
	}
}

func TestObjectTypes(t *testing.T) {
	d := objectFile(t, "core-el.o")
	have := map[string]string{}
	for _, e := range d.Externs {
		have[e.Name] = e.Type
	}
	want := map[string]string{
		"LINUX_KERNEL_VERSION": "int", "CONFIG_BPF_JIT": "_Bool", "init_task": "", "runqueues": "const struct task_struct",
		"bpf_task_acquire": "struct task_struct *bpf_task_acquire(struct task_struct *)",
		"bpf_task_release": "void bpf_task_release(struct task_struct *)",
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("-want +have:\n%s", d)
	}
	maps := objectFile(t, "maps-el.o").Maps
	var outer mapDoc
	for _, m := range maps {
		if m.Name == "outer" {
			outer = m
		}
	}
	if outer.Inner == nil || outer.Inner.Key != "u32" || outer.Inner.Memory != 328 || len(outer.Values) != 2 || outer.Values[1].Name != "second" {
		t.Errorf("map of maps: %+v", outer)
	}
}

func TestObjectSizes(t *testing.T) {
	c := &spec.Collection{Maps: []*spec.Map{
		{Type: spec.MapPerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 3},
		{Type: spec.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 2, Data: make([]byte, 5)},
		{Type: spec.MapHash, KeySize: math.MaxUint32, ValueSize: math.MaxUint32, MaxEntries: math.MaxUint32},
		{Type: spec.MapHash, KeySize: math.MaxUint32, ValueSize: math.MaxUint32, MaxEntries: math.MaxUint32},
	}}
	s := newObjectDoc(c, 7, nil).Sizes
	if want := (sizesDoc{File: 7, Data: 5, Memory: math.MaxUint64, MemoryPerCPU: 24}); s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	if text := s.String(); text != "0 instructions of 0 bytes, no BTF, maps of too many bytes and 24 for each CPU" {
		t.Errorf("text %q", text)
	}
}

func TestRefuseNotes(t *testing.T) {
	if err := refuseNotes(nil); err != nil {
		t.Error(err)
	}
	var notes []spec.Note
	for _, code := range strings.Fields("A B C D E F") {
		notes = append(notes, spec.Note{Code: code, Text: "x"})
	}
	if err := refuseNotes(notes); err.Error() != "rejected by --strict: A x; B x; C x; D x; and 2 more" {
		t.Error(err)
	}
}

// TestObjectFlips shows objects with one byte in seven changed, one at a time: whatever the reader
// lets through can be shown.
func TestObjectFlips(t *testing.T) {
	for _, name := range []string{"core-el.o", "maps-el.o", "ops-el.o"} {
		b, err := os.ReadFile("../../core/elf/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		shown := 0
		for i := 0; i < len(b); i += 7 {
			b[i] ^= 0xff
			if d, err := readObject(b, elf.Options{Lenient: true}, nil); err == nil {
				var out table
				d.table(&out, name)
				shown++
			}
			b[i] ^= 0xff
		}
		if shown < len(b)/70 {
			t.Errorf("%s: only %d of %d could be shown", name, shown, len(b))
		}
	}
}
